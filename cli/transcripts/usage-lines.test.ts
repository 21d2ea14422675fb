/** Tests which lines of a transcript count. The lines have the format of Claude Code, that of Codex, or neither. */
import t from "tap";
import {
  TRANSCRIPT_FILES_MAX,
  TRANSCRIPT_MESSAGES_MAX,
  TRANSCRIPT_MODELS_MAX,
  TRANSCRIPT_POSITION_BYTES_MAX,
} from "../../schemas/limits/transcripts.js";
import { NEW_STATE, type LinesState, UsageLines } from "./usage-lines.js";
import { costOf, type ModelUsage, readPrices, UsageSums } from "./usage-sums.js";

/** The space for the path and for the other members of a stored position, in bytes. */
const PATH_BYTES = 1_024;
const AT = "2026-11-26T12:00:00.000Z";

/** Makes a line in the format of Claude Code 2.1.331, without the texts. */
function claude(id: string, usage: object, more: object = {}): object {
  const message = { model: "claude-large", id, type: "message", role: "assistant", content: [], usage };
  return { parentUuid: null, sessionId: "s-1", type: "assistant", message, requestId: "req", timestamp: AT, ...more };
}

const INFO = { last_token_usage: { input_tokens: 1 }, model_context_window: 1 };
/** Makes a line with Codex's count of tokens, in the format of Codex 0.169.0. */
function total(input: number, cached: number, output: number, timestamp = AT): object {
  const usage = { input_tokens: input, cached_input_tokens: cached, output_tokens: output, reasoning_output_tokens: 1 };
  return {
    timestamp,
    type: "event_msg",
    payload: { type: "token_count", info: { ...INFO, total_token_usage: usage } },
  };
}
const META = { timestamp: AT, type: "session_meta", payload: { id: "c-1", model_provider: "acme" } };
const turn = (model: string): object => ({ timestamp: AT, type: "turn_context", payload: { model } });

/** Reads lines, with the state after earlier lines. Returns the sums and the new state. */
function read(lines: readonly unknown[], state: LinesState = NEW_STATE): { sums: ModelUsage[]; state: LinesState } {
  const sums = new UsageSums();
  const reader = new UsageLines(state, sums);
  for (const line of lines) reader.read(Buffer.from(typeof line === "string" ? line : JSON.stringify(line)));
  return { sums: sums.list(), state: reader.state };
}

t.test("a message of Claude Code counts once, however many lines it has", (t) => {
  const full = { input_tokens: 5, cache_creation_input_tokens: 10, cache_read_input_tokens: 100, output_tokens: 7 };
  const { sums, state } = read([claude("m1", { ...full, output_tokens: 1 }), claude("m1", full), claude("m1", full)]);
  t.same(sums, [
    { provider: "anthropic", model: "claude-large", input: 5, cache_write: 10, cache_read: 100, output: 7 },
  ]);
  t.equal(state.session, "s-1");
  const later = read([claude("m1", { ...full, output_tokens: 9 }), claude("m2", { input_tokens: 1 })], state);
  t.match(later.sums, [{ input: 1, cache_write: 0, cache_read: 0, output: 2 }], "the rest of a message, and another");
  t.end();
});

t.test("only the last messages are remembered", (t) => {
  const lines = Array.from({ length: TRANSCRIPT_MESSAGES_MAX + 1 }, (_, at) => claude(`m${at}`, { input_tokens: 1 }));
  const { state } = read(lines);
  t.equal(state.messages.length, TRANSCRIPT_MESSAGES_MAX);
  t.end();
});

t.test("what is remembered of a hostile transcript is small enough to be read again", (t) => {
  const usage = { input_tokens: Number.MAX_SAFE_INTEGER, cache_creation_input_tokens: Number.MAX_SAFE_INTEGER };
  const all = { ...usage, cache_read_input_tokens: Number.MAX_SAFE_INTEGER, output_tokens: Number.MAX_SAFE_INTEGER };
  const ids = Array.from({ length: TRANSCRIPT_MESSAGES_MAX }, (_, at) => `${at}`);
  const long = "m".repeat(100_000);
  const { state } = read([
    { ...META, payload: { id: "c-1", model_provider: long } },
    turn(long),
    ...ids.map((id) => claude(id.padEnd(128, "\\"), all)),
    ...ids.map((id) => claude(id.padEnd(128, "\u0001"), all)),
  ]);
  t.equal(state.messages.length, TRANSCRIPT_MESSAGES_MAX);
  const bytes = Buffer.byteLength(JSON.stringify(state)) + 2 * PATH_BYTES;
  t.ok(bytes * (TRANSCRIPT_FILES_MAX + 1) < TRANSCRIPT_POSITION_BYTES_MAX, `${bytes} bytes for each file`);
  t.end();
});

t.test("the growth of Codex's total counts, for the model of the turn", (t) => {
  const first = read([META, turn("a"), total(100, 40, 10), total(100, 40, 10), turn("b"), total(150, 60, 12)]);
  t.same(first.sums, [
    { provider: "acme", model: "a", input: 60, cache_write: 0, cache_read: 40, output: 10 },
    { provider: "acme", model: "b", input: 30, cache_write: 0, cache_read: 20, output: 2 },
  ]);
  t.equal(first.state.session, "c-1");
  const second = read([total(151, 60, 12)], first.state);
  t.match(second.sums, [{ model: "b", input: 1, output: 0 }]);
  t.match(read([total(20, 0, 5)], second.state).sums, [{ input: 20, output: 5 }], "a smaller total has begun again");
  t.end();
});

t.test("what is not newer than the floor is left out", (t) => {
  const floorMs = Date.parse(AT);
  const state = { ...NEW_STATE, floorMs };
  const later = "2026-11-26T12:00:00.001Z";
  t.same(read([claude("m1", { input_tokens: 5 }), META, turn("a"), total(9, 0, 0)], state).sums, []);
  t.match(read([claude("m1", { input_tokens: 5 }, { timestamp: later })], state).sums, [{ input: 5 }]);
  const codex = read([META, turn("a"), total(9, 0, 0), total(11, 0, 0, later)], state);
  t.match(codex.sums, [{ input: 2 }], "an old total is where the growth begins");
  t.equal(codex.state.newestMs, Date.parse(later));
  t.end();
});

t.test("lines that are none, and hostile ones", (t) => {
  const deep = `{"message":${"[".repeat(100_000)}"usage"`;
  const { sums } = read([
    "",
    '"usage"',
    '{"usage":1}',
    "null",
    `\0"usage"\0`,
    deep,
    claude("m1", { input_tokens: -1, output_tokens: "7", cache_read_input_tokens: 1.5 }),
    claude("m2", { input_tokens: 2 ** 60 }),
    { type: "user", message: { id: "m3", model: "x", usage: { input_tokens: 1 } }, timestamp: AT },
    { type: "assistant", message: { id: "m4", model: 7, usage: { input_tokens: 1 } }, timestamp: AT },
    { type: "event_msg", payload: { type: "token_count", info: null } },
  ]);
  t.same(sums, []);
  t.match(
    read([claude("m1", { input_tokens: 1 }, { timestamp: "soon" })]).sums,
    [{ input: 1 }],
    "no time that can be read",
  );
  t.match(
    read([claude("x".repeat(1000), { input_tokens: 1 })]).state.messages,
    [],
    "an id that is too long is not kept",
  );
  t.end();
});

t.test("models have usable names, and are not too many", (t) => {
  const sums = new UsageSums();
  const tokens = { input: 1, cache_write: 0, cache_read: 0, output: 0 };
  for (const name of ["", " a", "a\nb", "a\u202eb", "x".repeat(300)]) sums.add("p", name, tokens);
  for (let at = 0; at < TRANSCRIPT_MODELS_MAX + 3; at++) sums.add("p", `m${at}`, tokens);
  sums.add("p", "m0", tokens);
  sums.add("p", "none", { ...tokens, input: 0 });
  t.equal(sums.list().length, TRANSCRIPT_MODELS_MAX);
  t.equal(sums.list()[0]?.input, 2);
  t.equal(sums.leftOut, 8);
  t.end();
});

t.test("a cost is known only if each kind of tokens has a price", (t) => {
  const usage = { provider: "p", model: "m", input: 1_000_000, cache_write: 0, cache_read: 500_000, output: 0 };
  t.equal(costOf(usage, {}), null);
  t.equal(costOf(usage, { m: { input: 3 } }), null, "cache reads have no price");
  t.equal(costOf(usage, { m: { input: 3, cache_read: 0.3 } }), 3.15);
  t.equal(costOf({ ...usage, model: "toString" }, {}), null);
  t.same(readPrices(undefined), {});
  t.same(readPrices({ m: { input: 1, output: 0 } }), { m: { input: 1, output: 0 } });
  for (const wrong of [null, [], 7, { m: 1 }, { m: { inputs: 1 } }, { m: { input: -1 } }, { m: { input: "1" } }])
    t.equal(readPrices(wrong), undefined, JSON.stringify(wrong));
  t.end();
});
