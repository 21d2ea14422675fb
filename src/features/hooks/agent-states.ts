/**
 * Keeps what the server has to remember about an agent between two of its hooks: the root of its session, whether it
 * was introduced, and the lines that wait for its next answer. Pure except for its state.
 *
 * The memory is bounded, and the agents whose last hook is the oldest are forgotten first. A forgotten agent counts as
 * introduced, so that it does not get the introduction twice.
 */
import { HOOK_AGENTS_MAX, HOOK_NOTICES_MAX } from "../../../schemas/limits/hooks.js";
import { AgingMap } from "../../base/aging-map.js";

export interface AgentState {
  /**
   * The directory of the session's first event; "" if it is not known. It is the session's root if the headers name
   * none.
   */
  readonly root: string;
  /** True if the agent was told its name, and which other agents are active. */
  introduced: boolean;
  /** The lines that wait for the next answer that can have a context. */
  readonly notices: string[];
}

export class AgentStates {
  /** The states by instance id. The state whose last hook is the oldest comes first. */
  readonly #states = new AgingMap<string, AgentState>();

  get size(): number {
    return this.#states.size;
  }

  /** Returns the state of an instance, if there is one. */
  find(id: string): AgentState | undefined {
    return this.#states.get(id);
  }

  /**
   * Returns the state of an instance. Creates it if there is none.
   * @param root the root for a new state
   * @param isNew whether this event has made the instance. Any other instance was introduced before
   */
  of(id: string, root: string, isNew: boolean): AgentState {
    const state = this.#states.get(id) ?? { root, introduced: !isNew, notices: [] };
    this.#states.delete(id);
    this.#states.set(id, state);
    this.#states.limitTo(HOOK_AGENTS_MAX);
    return state;
  }
}

/** Adds a line for the agent's next answer. If there are too many lines, the oldest is dropped. */
export function addNotice({ notices }: AgentState, line: string): void {
  notices.push(line);
  if (notices.length > HOOK_NOTICES_MAX) notices.shift();
}
