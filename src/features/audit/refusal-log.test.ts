/**
 * Tests the log of rejected calls: which rows exist, what they contain, and when counts are stored. The writer is
 * simulated.
 */
import t, { type Test } from "tap";
import {
  AUDIT_COUNT_DELAY_MS,
  AUDIT_REFUSAL_ROWS_MAX,
  AUDIT_REFUSAL_ROWS_OF_CALL_MAX,
  AUDIT_REFUSAL_ROWS_OF_CALLER_MAX,
  AUDIT_REPEAT_MS,
  AUDIT_UNAUTHENTICATED_ROWS_PER_MINUTE_MAX,
} from "../../../schemas/limits/audit.js";
import type { AuditCountRequest, AuditRefusalRequest } from "../../../schemas/audit.js";
import { Failure, notFound } from "../../base/result.js";
import type { Writer } from "../../platform/threads/writer.js";
import { refuseCall } from "./commands.js";
import { RefusalLog, type RefusedCall } from "./refusal-log.js";

interface Row extends AuditRefusalRequest {
  readonly actor: string;
  count: number;
}

/** A log with a simulated writer, which keeps the written rows and the number of its calls. */
class World {
  nowMs = 1_000_000;
  readonly rows: Row[] = [];
  calls = 0;
  broken = false;
  readonly log: RefusalLog;

  constructor() {
    const call = (method: unknown, request: unknown, { actor }: { actor: string }, done: (reply: unknown) => void) => {
      this.calls += 1;
      if (this.broken) {
        done(new Failure("DISK_FULL", "full"));
      } else if (method === refuseCall) {
        this.rows.push({ ...(request as AuditRefusalRequest), actor, count: 1 });
        done({ id: this.rows.length, at: this.nowMs });
      } else {
        for (const { id, count } of (request as AuditCountRequest).rows) {
          const row = this.rows[id - 1];
          if (row !== undefined) row.count = count;
        }
        done(null);
      }
    };
    const request = (method: unknown, asked: unknown, context: { actor: string }): Promise<unknown> =>
      new Promise((resolve) => {
        call(method, asked, context, resolve);
      });
    const writer = { call, request } as unknown as Pick<Writer, "call" | "request">;
    this.log = new RefusalLog(writer, { now: () => this.nowMs });
  }

  /** Rejects calls. Returns how often `done` was called, which must be once for each call. */
  refuse(times: number, refused: (at: number) => Partial<RefusedCall> = () => ({}), actor = "ana"): number {
    let done = 0;
    for (let at = 0; at < times; at++) {
      const call: RefusedCall = {
        call: "PUT /api/state/{key...}",
        caller: actor,
        action: "state.put",
        resource: "k",
        failure: notFound("not there"),
        ...refused(at),
      };
      this.log.record(call, { actor, trace: "" }, () => {
        done += 1;
      });
    }
    return done;
  }

  get counted(): number {
    return this.rows.reduce((sum, { count }) => sum + count, 0);
  }
}

async function settled(t: Test, world: World): Promise<void> {
  await world.log.settle();
  t.equal(world.log.settle(), null, "all counts are stored");
}

t.test("repeats within a minute are one row with a count", async (t) => {
  const world = new World();
  t.equal(world.refuse(3_000), 3_000);
  t.equal(world.calls, 1, "the first is written at once, the others are not");
  await settled(t, world);
  t.equal(world.calls, 2);
  t.match(world.rows, [{ actor: "ana", action: "state.put", resource: "k", count: 3_000 }]);
  world.nowMs += AUDIT_REPEAT_MS - 1;
  world.refuse(1);
  world.nowMs += 1;
  world.refuse(2);
  await settled(t, world);
  t.match(world.rows, [{ count: 3_001 }, { count: 2 }], "a minute after the first call, another row begins");
});

t.test("another caller, call, reason or resource is another row", async (t) => {
  const world = new World();
  const others: readonly Partial<RefusedCall>[] = [
    {},
    { caller: "ben" },
    { call: "DELETE /api/state/{key...}", action: "state.delete" },
    { failure: notFound("gone") },
    { failure: new Failure("PERMISSION_DENIED", "not there") },
    { resource: "other" },
  ];
  for (let round = 0; round < 3; round++) for (const other of others) world.refuse(1, () => other);
  await settled(t, world);
  t.same(
    world.rows.map(({ count }) => count),
    others.map(() => 3),
  );
});

t.test("whatever a caller varies, the rows within a minute are bounded, and every call is counted", async (t) => {
  const most = AUDIT_REFUSAL_ROWS_OF_CALL_MAX;
  const tries: readonly (readonly [what: string, rows: number, refused: (at: number) => Partial<RefusedCall>])[] = [
    ["the path", most + 1, (at) => ({ resource: `k${at}` })],
    ["the reason", most + 1, (at) => ({ failure: notFound(`${at} is not there`) })],
    ["path and call", AUDIT_REFUSAL_ROWS_OF_CALLER_MAX + 1, (at) => ({ call: `PUT /${at % 90}`, resource: `k${at}` })],
    ["who calls", AUDIT_REFUSAL_ROWS_MAX + 1, (at) => ({ caller: `c${at}`, resource: `k${at}` })],
    [
      "a caller without a token",
      AUDIT_UNAUTHENTICATED_ROWS_PER_MINUTE_MAX,
      (at) => ({ caller: `c${at % 700}`, resource: `k${at}`, failure: new Failure("UNAUTHENTICATED", "no token") }),
    ],
  ];
  for (const [what, rows, refused] of tries) {
    const world = new World();
    t.equal(world.refuse(3_000, refused), 3_000, what);
    await settled(t, world);
    t.equal(world.rows.length, rows, `${what}: rows`);
    t.equal(world.counted, 3_000, `${what}: calls`);
    t.match(world.rows.at(-1), { resource: "several", detail: /"refused for several reasons"/ }, what);
    world.nowMs += AUDIT_REPEAT_MS;
    world.refuse(1, refused);
    t.match(world.rows.at(-1), { count: 1 }, `${what}: a minute later there is room again`);
    t.notMatch(world.rows.at(-1)?.resource, "several", what);
  }
});

t.test("unauthenticated clients leave other callers room", (t) => {
  const world = new World();
  world.refuse(3_000, (at) => ({ caller: `c${at}`, failure: new Failure("UNAUTHENTICATED", "no token") }));
  world.refuse(1, () => ({ resource: "of another" }));
  t.match(world.rows.at(-1), { resource: "of another" });
  t.end();
});

t.test("counts are stored at their interval, at the end of their minute, and at a shutdown", async (t) => {
  const world = new World();
  world.refuse(2);
  world.log.tick((world.nowMs += AUDIT_COUNT_DELAY_MS));
  await new Promise(setImmediate);
  t.match(world.rows, [{ count: 2 }], "at their interval");
  world.refuse(1);
  world.log.tick((world.nowMs += AUDIT_REPEAT_MS));
  await new Promise(setImmediate);
  t.match(world.rows, [{ count: 3 }], "at the end of the minute");
  const calls = world.calls;
  world.log.tick((world.nowMs += AUDIT_COUNT_DELAY_MS));
  await new Promise(setImmediate);
  t.equal(world.calls, calls, "a stored count is not stored again");
  world.refuse(4);
  await world.log.close();
  t.match(world.rows, [{ count: 3 }, { count: 4 }], "at a shutdown");
});

t.test("counts that could not be stored are stored later", async (t) => {
  const world = new World();
  world.broken = true;
  t.equal(world.refuse(2), 2);
  t.equal(world.calls, 2, "the next call tries again to write the row");
  world.broken = false;
  world.refuse(3);
  world.broken = true;
  await world.log.settle();
  world.nowMs += 2 * AUDIT_REPEAT_MS;
  world.log.tick(world.nowMs);
  await new Promise(setImmediate);
  t.match(world.rows, [{ count: 1 }]);
  world.broken = false;
  await settled(t, world);
  t.match(world.rows, [{ count: 3 }], "also after its minute");
});

t.test("after a restore, no row of the old log is counted up", async (t) => {
  const world = new World();
  world.refuse(5);
  world.log.forget();
  t.equal(world.log.settle(), null);
  world.refuse(2);
  await settled(t, world);
  t.match(world.rows, [{ count: 1 }, { count: 2 }]);
});
