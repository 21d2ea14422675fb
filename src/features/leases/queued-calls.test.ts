/**
 * Tests which lease requests leave the queue because no call waits for them, and that a busy writer is asked again.
 * Uses a scripted writer.
 */
import t from "tap";
import type { LeaseRecord } from "../../../schemas/leases.js";
import { BUSY, Failure } from "../../base/result.js";
import type { Writer } from "../../platform/threads/writer.js";
import { QueuedCalls } from "./queued-calls.js";

interface Sent {
  readonly method: string;
  readonly row: number;
  readonly isCostly: boolean;
  readonly answer: (reply: unknown) => void;
}

/** @param costly the rows whose end takes the writer long */
function setUp(rows: readonly number[], costly: readonly number[] = []) {
  const sent: Sent[] = [];
  const call: Writer["call"] = (method, request, _context, done, isCostly) => {
    const { row } = request as { readonly row: number };
    sent.push({ method: method.name, row, isCostly: isCostly === true, answer: done as (reply: unknown) => void });
  };
  const records = rows.map((row) => ({ row, holder: "ana", state: "waiting", queued: false, fence: 7 }) as LeaseRecord);
  const isCostly = (row: number): boolean => costly.includes(row);
  const leases = {
    get: (row: number) => records.find((record) => record.row === row),
    list: () => records,
    isCostlyAt: isCostly,
    isEndCostly: isCostly,
  };
  const calls = new QueuedCalls(leases, { call });
  /** Returns the calls since the last time. */
  const take = (): Sent[] => sent.splice(0);
  return { calls, take };
}

const shown = (sent: readonly Sent[]): unknown[] =>
  sent.map(({ method, row, isCostly }) => [method, row, ...(isCostly ? ["costly"] : [])]);

t.test("a request without a waiting call leaves the queue, a costly one as such", (t) => {
  const { calls, take } = setUp([1, 2, 3], [2]);
  calls.join(3);
  calls.checkAll();
  calls.tick();
  t.same(shown(take()), [
    ["lease.leave", 1],
    ["lease.leave", 2, "costly"],
  ]);
  calls.tick();
  t.same(take(), [], "once");
  t.end();
});

t.test("a busy writer is asked again, also for the release of a lease that was granted meanwhile", (t) => {
  const { calls, take } = setUp([1], [1]);
  calls.abandon(1);
  /** Answers the one call that was sent. Returns its method. */
  const answer = (reply: unknown): unknown => {
    const [sent] = take();
    sent?.answer(reply);
    return sent?.method;
  };
  calls.tick();
  t.equal(answer(BUSY), "lease.leave");
  calls.tick();
  t.equal(answer({ held: true }), "lease.leave");
  t.equal(answer(BUSY), "lease.release");
  calls.tick();
  const [release] = take();
  t.same(shown(release === undefined ? [] : [release]), [["lease.release", 1, "costly"]]);
  release?.answer(new Failure("NOT_FOUND", "lease not found: lease-1"));
  calls.tick();
  t.same(take(), [], "a lease that has ended needs no release");
  t.end();
});
