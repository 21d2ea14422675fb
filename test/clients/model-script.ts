/**
 * The script of a model, which has its answers turn by turn. The first user text of a conversation selects the script
 * by `SCRIPT:name`. If there are two names, the later one counts, so a resumed conversation can have another script.
 * Pure.
 */

/** A tool call with a name and an input that one client understands. */
export interface ToolCall {
  readonly tool: string;
  /** The group of the tool, if the API has groups. */
  readonly space?: string;
  readonly input: Readonly<Record<string, unknown>> | string;
}

/** One answer of the model. It has tool calls, or a text that ends the run. */
export interface Turn {
  readonly calls: readonly ToolCall[];
  /** Runs when the client requests this turn. The endpoint answers after it has ended. */
  readonly before?: () => Promise<void> | void;
  readonly text?: string;
}

export type Scripts = Readonly<Record<string, readonly Turn[]>>;

/**
 * A tool call with its id. The id contains the script and the turn, so that the next request shows how far the
 * conversation has come.
 */
export interface IdentifiedCall extends ToolCall {
  readonly id: string;
}

export interface Answer {
  readonly text: string;
  readonly calls: readonly IdentifiedCall[];
}

/** A conversation as a request contains it. */
export interface Conversation {
  /** The texts of the user. Results of tools are not among them. */
  readonly userTexts: readonly string[];
  /** The ids of all tool calls that the model has made. */
  readonly callIds: readonly string[];
  /** Whether the request offers tools. A request without tools asks for a title or a summary. */
  readonly hasTools: boolean;
  readonly isStreamed: boolean;
}

const NAME = /SCRIPT:([a-z]+)/g;

/** Returns the prompt that makes the endpoint play a script. */
export function promptFor(script: string): string {
  return `Please do SCRIPT:${script} now.`;
}

/** Returns the name of a conversation's script; undefined if it has none. */
export function scriptOf({ userTexts }: Conversation): string | undefined {
  return userTexts.flatMap((text) => [...text.matchAll(NAME)].map(([, name]) => name)).at(-1);
}

/** Returns the number of the next turn of a script, counted from 0. */
export function nextTurn({ callIds }: Conversation, script: string): number {
  const played = callIds.flatMap((id) => new RegExp(`call_${script}_(\\d+)_`).exec(id)?.[1] ?? []);
  return played.length === 0 ? 0 : 1 + Math.max(...played.map(Number));
}

/** Returns the answer of a turn. After the last turn of the script, the answer is a text. */
export function answerOf(script: string, at: number, turn: Turn | undefined): Answer {
  return {
    text: turn?.text ?? (turn === undefined ? `The end of ${script}.` : ""),
    calls: (turn?.calls ?? []).map((call, index) => ({ ...call, id: `call_${script}_${at}_${index}` })),
  };
}
