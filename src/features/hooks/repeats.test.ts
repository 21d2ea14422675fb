/**
 * Tests how repeated calls of hooks are recognized, which decision a repetition gets, and that the memory is bounded.
 */
import t from "tap";
import { HOOK_CALL_BYTES, HOOK_CALLS_BYTES_MAX, HOOK_CALLS_MAX } from "../../../schemas/limits/hooks.js";
import type { HookDecision } from "./answer.js";
import { type Decided, RepeatedCalls } from "./repeats.js";

const DENY: HookDecision = { kind: "deny", reason: "no", policy: "auto" };
const INFORM: HookDecision = { kind: "context", text: "hi" };
const key = (name: string | number): { key: string; windowMs: number } => ({ key: String(name), windowMs: 1000 });

t.test("a repetition gets the same decision, but no context again", async (t) => {
  const calls = new RepeatedCalls();
  let decided = 0;
  const decide = (decision: Decided) => (): Decided => {
    decided += 1;
    return decision;
  };
  t.equal(calls.once(key("a"), "", 0, decide(DENY)), DENY);
  t.equal(calls.once(key("a"), "", 999, decide(INFORM)), DENY);
  t.equal(decided, 1);
  t.equal(calls.once(key("a"), "other", 999, decide(INFORM)), INFORM, "another token makes another call");
  t.same(calls.once(key("a"), "other", 999, decide(INFORM)), { kind: "proceed" });
  t.equal(calls.once(key("a"), "", 1000, decide(INFORM)), INFORM, "the window has passed");
  t.equal(decided, 3);

  let resolve: (decided: Decided) => void = () => undefined;
  const promise = new Promise<Decided>((done) => {
    resolve = done;
  });
  const first = calls.once(key("b"), "", 0, () => promise);
  const second = calls.once(key("b"), "", 1, decide(DENY));
  resolve(INFORM);
  t.equal(await first, INFORM);
  t.same(await second, { kind: "proceed" }, "it waits for the decision of the first call");
  t.same(calls.once(key("b"), "", 2, decide(DENY)), { kind: "proceed" });
  t.equal(decided, 3);
});

t.test("the memory is bounded by calls and by bytes", (t) => {
  const calls = new RepeatedCalls();
  for (let at = 0; at < HOOK_CALLS_MAX + 10; at++) void calls.once(key(at), "", 0, () => INFORM);
  t.equal(calls.size, HOOK_CALLS_MAX);
  t.equal(calls.once(key(HOOK_CALLS_MAX), "", 0, () => DENY) === DENY, false, "the newest are kept");
  t.equal(
    calls.once(key(0), "", 0, () => DENY),
    DENY,
    "the oldest is forgotten",
  );

  const long = new RepeatedCalls();
  const reason = "x".repeat(HOOK_CALLS_BYTES_MAX / 8);
  for (let at = 0; at < 20; at++) void long.once(key(at), "", 0, () => ({ ...DENY, reason }));
  t.equal(long.size, 3);
  t.ok(long.bytes <= HOOK_CALLS_BYTES_MAX && long.bytes > 3 * HOOK_CALL_BYTES);
  t.end();
});
