/**
 * Finds the token usage in the lines of a transcript. Knows the formats of Claude Code and Codex, and ignores other
 * lines. The state between two reads is small, and is stored with the transcript's position. Pure except for this
 * state.
 */
import { TRANSCRIPT_MESSAGES_MAX } from "../../schemas/limits/transcripts.js";
import { isJsonObject, type JsonObject } from "../../shared/json-object.js";
import { parseJson } from "../../shared/json-text.js";
import { growthOf, isName, largerOf, NO_TOKENS, type Tokens, tokensIn, type UsageSums } from "./usage-sums.js";

/** The current model of a Codex session, and the usage that Codex has counted in the session so far. */
export interface CodexState {
  readonly provider: string;
  readonly model: string;
  /** The last total that Codex wrote; null if it has written none. */
  readonly total: Tokens | null;
}

export interface LinesState {
  /** The client's id of the session; "" until a line names it. */
  readonly session: string;
  /** Lines that are not newer than this time do not count. In ms since the epoch. */
  readonly floorMs: number;
  /** The time of the newest counted line, in ms since the epoch. */
  readonly newestMs: number;
  /**
   * The tokens that were counted for Claude Code's latest messages. A message may have several lines, and a later line
   * may show more tokens.
   */
  readonly messages: readonly (readonly [id: string, tokens: Tokens])[];
  readonly codex: CodexState;
}

export const NEW_STATE: LinesState = {
  session: "",
  floorMs: 0,
  newestMs: 0,
  messages: [],
  codex: { provider: "openai", model: "", total: null },
};

const CLAUDE_PROVIDER = "anthropic";
/** Texts that occur in each line with usage. Other lines are skipped without parsing, because most lines are long. */
const MARKS = ['"usage"', '"token_count"', '"turn_context"', '"session_meta"'].map((text) => Buffer.from(text));
const SESSION = /^[\x21-\x7e]{1,128}$/;
/**
 * Matches the ids of messages that are stored. They have a maximum length, because a stored position with more than
 * TRANSCRIPT_POSITION_BYTES_MAX bytes is not read again. Then all lines would count once more.
 */
const MESSAGE_ID = /^[\x21-\x7e]{1,128}$/;

export class UsageLines {
  readonly #sums: UsageSums;
  readonly #floorMs: number;
  readonly #messages: Map<string, Tokens>;
  #session: string;
  #newestMs: number;
  #codex: CodexState;

  constructor(state: LinesState, sums: UsageSums) {
    this.#sums = sums;
    this.#floorMs = state.floorMs;
    this.#messages = new Map(state.messages);
    this.#session = state.session;
    this.#newestMs = state.newestMs;
    this.#codex = state.codex;
  }

  get state(): LinesState {
    return {
      session: this.#session,
      floorMs: this.#floorMs,
      newestMs: this.#newestMs,
      messages: [...this.#messages],
      codex: this.#codex,
    };
  }

  read(line: Buffer): void {
    if (!MARKS.some((mark) => line.includes(mark))) return;
    const json = parseJson(line.toString("utf8"));
    if (!isJsonObject(json)) return;
    const { timestamp, message, payload } = json;
    const atMs = typeof timestamp === "string" ? Date.parse(timestamp) : Number.NaN;
    if (isJsonObject(message)) this.#readClaude(json, message, atMs);
    else if (isJsonObject(payload)) this.#readCodex(json, payload, atMs);
  }

  #readClaude({ type, sessionId }: JsonObject, { id, model, usage }: JsonObject, atMs: number): void {
    this.#nameSession(sessionId);
    if (type !== "assistant" || typeof model !== "string" || !isJsonObject(usage) || this.#isOld(atMs)) return;
    const tokens = {
      input: tokensIn(usage["input_tokens"]),
      cache_write: tokensIn(usage["cache_creation_input_tokens"]),
      cache_read: tokensIn(usage["cache_read_input_tokens"]),
      output: tokensIn(usage["output_tokens"]),
    };
    if (typeof id !== "string" || !MESSAGE_ID.test(id)) {
      this.#count(CLAUDE_PROVIDER, model, tokens, atMs);
      return;
    }
    const known = this.#messages.get(id) ?? NO_TOKENS;
    this.#messages.delete(id);
    this.#messages.set(id, largerOf(known, tokens));
    const [oldest] = this.#messages.keys();
    if (this.#messages.size > TRANSCRIPT_MESSAGES_MAX && oldest !== undefined) this.#messages.delete(oldest);
    this.#count(CLAUDE_PROVIDER, model, growthOf(tokens, known), atMs);
  }

  #readCodex({ type }: JsonObject, payload: JsonObject, atMs: number): void {
    const { id, model, model_provider: provider, info } = payload;
    if (type === "session_meta") {
      this.#nameSession(id);
      if (typeof provider === "string") this.#codex = { ...this.#codex, provider: rememberedName(provider) };
    } else if (type === "turn_context") {
      if (typeof model === "string") this.#codex = { ...this.#codex, model: rememberedName(model) };
    } else if (type === "event_msg" && payload["type"] === "token_count" && isJsonObject(info)) {
      const { total_token_usage: usage } = info;
      if (isJsonObject(usage)) this.#countTotal(usage, atMs);
    }
  }

  /** Counts by how much Codex's total has grown. If the total has become smaller, Codex has started again from zero. */
  #countTotal(usage: JsonObject, atMs: number): void {
    const input = tokensIn(usage["input_tokens"]);
    const cached = Math.min(tokensIn(usage["cached_input_tokens"]), input);
    const total = {
      input: input - cached,
      cache_write: 0,
      cache_read: cached,
      output: tokensIn(usage["output_tokens"]),
    };
    const { provider, model, total: known } = this.#codex;
    this.#codex = { ...this.#codex, total };
    if (this.#isOld(atMs)) return;
    const sumOf = ({ input: plain, cache_read, output }: Tokens): number => plain + cache_read + output;
    const hasBegun = known === null || sumOf(total) < sumOf(known);
    this.#count(provider, model, hasBegun ? total : growthOf(total, known), atMs);
  }

  #count(provider: string, model: string, tokens: Tokens, atMs: number): void {
    this.#sums.add(provider, model, tokens);
    if (atMs > this.#newestMs) this.#newestMs = atMs;
  }

  #isOld(atMs: number): boolean {
    return atMs <= this.#floorMs;
  }

  #nameSession(id: unknown): void {
    if (this.#session === "" && typeof id === "string" && SESSION.test(id)) this.#session = id;
  }
}

/**
 * Returns the name of a provider or model. Returns "" if the server would not accept it, so that its usage is not
 * reported.
 */
function rememberedName(name: string): string {
  return isName(name) ? name : "";
}
