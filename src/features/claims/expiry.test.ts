/**
 * Tests how the front makes the writer end expired claims, on a clock that the test sets. life.test.ts tests when a
 * claim expires.
 */
import t from "tap";
import type { EndClaimsRequest, LeaseRecord } from "../../../schemas/leases.js";
import type { Writer } from "../../platform/threads/writer.js";
import { CLAIMS_ENDED_TOGETHER } from "../../../schemas/limits/claims.js";
import { leaseRecord } from "../../../test/support/lease-record.js";
import { FakeWriter, settle } from "../../../test/threads/fake-writer.js";
import { Failure } from "../../base/result.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { People, SimulatedServer } from "../../../test/support/simulated-server.js";
import { registerInstance } from "../instances/commands.js";
import { acquireLease, renewLease } from "../leases/commands.js";
import { endClaims } from "./commands.js";
import { Expiry } from "./expiry.js";
import { LeaseProjection } from "./lease-projection.js";

const CLAIM = leaseRecord(1, { ttl_s: 600, max_s: 10 });

const COUNT = 2 * CLAIMS_ENDED_TOGETHER + 3;
const TTL_S = 60;
const TTL_MS = TTL_S * 1000;

t.test("the front ends a claim again that the writer has kept", (t) => {
  let nowMs = 0;
  const asked: EndClaimsRequest["ends"][number][] = [];
  let whileAsked: () => void = () => undefined;
  const leases = new LeaseProjection();
  const writer = {
    call: (_method: unknown, { ends }: EndClaimsRequest, _caller: unknown, done: (reply: unknown) => void): void => {
      asked.push(...ends);
      whileAsked();
      done(null);
    },
  };
  const resumed = { beforeMs: Number.NEGATIVE_INFINITY, at_ms: 0, untilMs: 0 };
  const expiry = new Expiry({
    leases,
    holders: { lastSeenOf: () => 0, watch: () => undefined },
    writer: writer as unknown as Writer,
    clock: { now: () => nowMs },
    log: quietLog(),
    pauseDetector: { resumed: () => resumed },
    shared: null,
  });
  const tickAt = (ms: number): number => {
    nowMs = ms;
    asked.length = 0;
    expiry.tick(ms);
    return asked.length;
  };
  leases.accept([CLAIM]);
  t.equal(tickAt(100), 0);
  t.equal(tickAt(9_900), 0);
  t.equal(tickAt(10_200), 1, "at the end of max_s");
  t.match(asked, [{ row: 1, fence: 1, reason: "max_s" }]);
  t.equal(tickAt(10_300), 0);
  whileAsked = () => leases.accept([{ ...CLAIM, touched_at: 11_000 }]);
  t.equal(tickAt(11_500), 1, "the claim was kept, so it is checked again");
  whileAsked = () => leases.accept([{ ...CLAIM, state: "lost", ended_at: 21_200 }]);
  t.equal(tickAt(20_900), 0, "its maximum life was started again meanwhile");
  t.equal(tickAt(21_200), 1);
  t.equal(tickAt(60_000), 0, "it has ended");
  t.end();
});

t.test("the writer keeps a claim whose maximum life was started again after the front's decision", (t) => {
  const methods = [registerInstance, acquireLease, renewLease, endClaims];
  const played = new SimulatedServer({ methods, hear: () => undefined });
  const { id } = new People(played).register();
  const request = { resources: ["r"], shared: false, workspace: "", ttl_s: 600, max_s: 10, reason: "" };
  played.reply(acquireLease, { ...request, waits: false, queued: false, request_id: null }, id);
  const end = (): boolean => {
    played.reply(endClaims, { ends: [{ row: 1, fence: 1, reason: "max_s", heard_at: null }] }, "");
    return played.mirror.get(1) === undefined;
  };
  played.nowMs += 9_000;
  played.reply(renewLease, { row: 1, fence: 1, ttl_s: null, touch: true }, id);
  played.nowMs += 9_999;
  t.notOk(end(), "it was to end earlier");
  played.nowMs += 1;
  t.ok(end());
  played.close();
  t.end();
});

/** Returns a lease of a holder that is not seen any more. */
function leaseOfGone(row: number): LeaseRecord {
  return leaseRecord(row, { holder: "gone", ttl_s: TTL_S, max_s: TTL_S });
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
  leases.load(Array.from({ length: COUNT }, (_, at) => leaseOfGone(at + 1)));
  const tick = async (nowMs: number): Promise<void> => {
    clock.nowMs = nowMs;
    expiry.tick(nowMs);
    await settle();
  };
  expiry.tick(1);
  /** Returns the rows of the claims that the writer had to end: one list for each call to the writer. */
  const asked = (): number[][] =>
    played.calls.map((call) => (call.request as EndClaimsRequest).ends.map(({ row }) => row));
  const answer = async (reply: unknown): Promise<void> => {
    const { ends } = played.asked<EndClaimsRequest>(-1);
    if (!(reply instanceof Failure))
      leases.accept(ends.map(({ row }) => ({ ...leaseOfGone(row), state: "lost" as const, ended_at: TTL_MS })));
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
