/**
 * Writes the text that a hook's answer gives to the agent's model. The first text has the agent's name and the names of
 * the other agents. Later texts have news and notices, as many as fit. Runs on the front.
 */
import {
  HOOK_ACTIVE_EXAMINED_MAX,
  HOOK_CONTEXT_BYTES_MAX,
  HOOK_START_BYTES_MAX,
} from "../../../schemas/limits/hooks.js";
import { utf8Length } from "../../../schemas/text.js";
import type { EventCall } from "../agent-sessions/front.js";
import { areRelated } from "../claims/contention.js";
import type { Directory } from "../instances/directory.js";
import type { Entry } from "../instances/entry.js";
import { addNotice, type AgentState } from "./agent-states.js";
import { canInform, type HookDecision, PROCEED } from "./answer.js";
import { startText } from "./context-lines.js";
import { fitLines } from "./fitted-lines.js";
import type { HookInput } from "./input.js";
import type { News } from "./news.js";

/** An event whose answer may tell the agent something. */
export interface Informed {
  readonly input: HookInput;
  /** The instance to which the event belongs: that of the subagent, if there is one. */
  readonly actor: Entry;
  /** The state of the actor. */
  readonly state: AgentState;
  readonly call: EventCall;
}

/** If the introduction leaves fewer bytes than this in the answer, all other lines wait for the next answer. */
const LINES_BYTES_MIN = 120;

export class Informer {
  readonly #news: Pick<News, "take">;
  readonly #directory: Directory;

  constructor(news: Pick<News, "take">, directory: Directory) {
    this.#news = news;
    this.#directory = directory;
  }

  /**
   * Returns the decision that gives the agent its context. If the answer to this event cannot have a context, the lines
   * wait for a later answer.
   * @param lines the lines about the agent's own tool call
   */
  inform(informed: Informed, lines: readonly string[]): HookDecision {
    const { input, actor, state, call } = informed;
    const { event, moment, agent } = input;
    if (!canInform(event)) {
      for (const line of lines) addNotice(state, line);
      return PROCEED;
    }
    const all = [...state.notices.splice(0), ...lines];
    if (agent === null) all.push(...this.#news.take(moment, actor, call.context));
    if (agent === null && (moment === "start" || !state.introduced)) return this.#introduce(informed, all);
    return all.length === 0 ? PROCEED : { kind: "context", text: fitLines(all, HOOK_CONTEXT_BYTES_MAX).text };
  }

  /**
   * Tells an agent its name and the names of the other agents. Adds as many of the lines as fit, or none if too little
   * room is left. The other lines wait for the next answer.
   */
  #introduce({ actor, state }: Informed, lines: readonly string[]): HookDecision {
    state.introduced = true;
    const start = startText(actor, this.#othersOf(actor));
    const left = HOOK_START_BYTES_MAX - utf8Length(start) - 1;
    const fits = lines.length > 0 && left >= LINES_BYTES_MIN;
    if (!fits) for (const line of lines) addNotice(state, line);
    return { kind: "context", text: fits ? `${start}\n${fitLines(lines, left).text}` : start };
  }

  /** Returns the other active agents of a workspace, the most recently seen first. */
  #othersOf(entry: Entry): readonly Entry[] {
    const own = { holder: entry.id, parent: entry.parent };
    return this.#directory
      .activeIn(entry.workspace, HOOK_ACTIVE_EXAMINED_MAX)
      .filter(({ id, parent }) => !areRelated(own, { holder: id, parent }));
  }
}
