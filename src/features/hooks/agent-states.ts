/**
 * Keeps the state of each agent between its hooks. The state has the directory of the session's first event, a flag for
 * the introduction of the other agents, and the lines that wait for the agent's next answer. Pure except for its state.
 *
 * The memory is bounded. If it is full, the agent whose last hook is the oldest is forgotten. A forgotten agent counts
 * as introduced, so that it does not get the introduction twice.
 */
import { HOOK_AGENTS_MAX, HOOK_NOTICES_MAX } from "../../../schemas/limits/hooks.js";
import { AgingMap } from "../../base/aging-map.js";

export interface AgentState {
  /**
   * The directory of the session's first event; "" if it is not known. It is the root of the session if the headers
   * name no root.
   */
  readonly root: string;
  /** True if the agent was told its own name and the names of the other active agents. */
  introduced: boolean;
  /** The lines for the agent's next answer. They wait until an answer can give the model a text. */
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
   * @param isNew whether this event has created the instance; an older instance counts as introduced
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
