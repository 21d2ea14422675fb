/** Tests how the front has the writer end claims that have expired. The times are tested in life.test.ts. */
import t from "tap";
import type { EndClaimsRequest, LeaseRecord } from "../../../schemas/leases.js";
import { CLAIMS_ENDED_TOGETHER } from "../../../schemas/limits/claims.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { FakeWriter, settle } from "../../../test/threads/fake-writer.js";
import { Failure } from "../../base/result.js";
import { Expiry } from "./expiry.js";
import { LeaseProjection } from "./lease-projection.js";

const COUNT = 2 * CLAIMS_ENDED_TOGETHER + 3;
const TTL_S = 60;
const TTL_MS = TTL_S * 1000;

function leaseAt(row: number): LeaseRecord {
  return {
    row,
    state: "held",
    fence: row,
    holder: "gone",
    holder_name: "gone",
    workspace: "",
    resources: [`name:${row}`],
    shared: false,
    reason: "",
    note: null,
    task: null,
    ttl_s: TTL_S,
    max_s: TTL_S,
    offered: false,
    queued: false,
    requested_at: 0,
    granted_at: 0,
    ended_at: null,
    scope: "repo",
    checkout: null,
    parent: null,
    touched_at: null,
    automatic: false,
  };
}

function openExpiry() {
  const played = new FakeWriter();
  const leases = new LeaseProjection();
  const clock = { nowMs: 0, now: () => clock.nowMs };
  const expiry = new Expiry({
    leases,
    holders: { lastSeenOf: () => 0, watch: () => undefined },
    writer: played.writer,
    clock,
    log: quietLog(),
    pauseDetector: { resumed: () => ({ beforeMs: Number.NEGATIVE_INFINITY, at_ms: -1, untilMs: -1 }) },
    shared: null,
  });
  leases.load(Array.from({ length: COUNT }, (_, at) => leaseAt(at + 1)));
  const tick = async (nowMs: number): Promise<void> => {
    clock.nowMs = nowMs;
    expiry.tick(nowMs);
    await settle();
  };
  expiry.tick(1);
  /** The rows that the writer was asked to end, call by call. */
  const asked = (): number[][] =>
    played.calls.map((call) => (call.request as EndClaimsRequest).ends.map(({ row }) => row));
  const answer = async (reply: unknown): Promise<void> => {
    const { ends } = played.asked<EndClaimsRequest>(-1);
    if (!(reply instanceof Failure))
      leases.accept(ends.map(({ row }) => ({ ...leaseAt(row), state: "lost" as const, ended_at: TTL_MS })));
    played.calls.at(-1)?.answer(reply);
    await settle();
  };
  return { expiry, asked, answer, tick };
}

t.test("many claims that expire together are ended in several calls, one after the other", async (t) => {
  const { expiry, asked, answer, tick } = openExpiry();
  await tick(2 * TTL_MS);
  const sizes = (): number[] => asked().map(({ length }) => length);
  t.same(sizes(), [CLAIMS_ENDED_TOGETHER], "the writer executes other calls before the next");
  expiry.endOverdue("gone", 2 * TTL_MS);
  await tick(2 * TTL_MS + 1_000);
  t.same(sizes(), [CLAIMS_ENDED_TOGETHER], "no claim is ended twice");
  await answer(null);
  t.same(sizes(), [CLAIMS_ENDED_TOGETHER, CLAIMS_ENDED_TOGETHER]);
  await answer(null);
  t.same(sizes(), [CLAIMS_ENDED_TOGETHER, CLAIMS_ENDED_TOGETHER, 3]);
  await answer(null);
  t.equal(new Set(asked().flat()).size, COUNT);
  await tick(3 * TTL_MS);
  t.equal(asked().length, 3, "all have ended");
});

t.test("claims that could not be ended are tried again, and do not hold up the others", async (t) => {
  const { asked, answer, tick } = openExpiry();
  await tick(2 * TTL_MS);
  const failed = asked()[0];
  await answer(new Failure("RESOURCE_EXHAUSTED", "busy"));
  t.equal(asked().length, 2);
  await answer(null);
  await answer(null);
  await tick(2 * TTL_MS + 2_000);
  t.same(
    asked()
      .at(-1)
      ?.toSorted((a, b) => a - b),
    failed?.toSorted((a, b) => a - b),
  );
});
