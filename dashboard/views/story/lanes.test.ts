/**
 * Tests the lanes of a range: their bars and their marks. The bars of leases and tasks may begin before the range, and
 * may not have ended.
 */
import t from "tap";
import type { Event, LeaseAt, TaskAt } from "../../api/types.js";
import { lanesOf, totalMs, type Seed } from "./lanes.js";

const range = { fromMs: 1_000, toMs: 9_000 };
const time = (ms: number): string => new Date(ms).toISOString();
const NOTHING: Seed = { atMs: 1_000, leases: [], tasks: [] };
const ana = { id: "a", name: "ana" };
const ben = { id: "b", name: "ben" };

let ids = 0;
const event = (atMs: number, topic: string, data: unknown): Event => {
  ids += 1;
  return { id: ids, topic, source: "koor", data, created_at: time(atMs) };
};
const lease = (atMs: number, topic: string, holder: object, more: object = {}): Event =>
  event(atMs, topic, { lease_id: "lease-1", holder, resources: ["path:x.ts"], task: null, reason: "", ...more });

t.test("a lease is a bar while it waits and one while it is held; one that has not ended lasts to the end", (t) => {
  const lanes = lanesOf(
    [
      lease(2_000, "lease.waiting", ana),
      lease(3_000, "lease.granted", ana),
      lease(5_000, "lease.released", ana),
      lease(6_000, "lease.granted", ana, { lease_id: "lease-2", resources: ["path:y.ts", "db"] }),
    ],
    NOTHING,
    range,
  );
  t.same(lanes, [
    {
      ...ana,
      bars: [
        { kind: "waiting", fromMs: 2_000, toMs: 3_000, what: "x.ts" },
        { kind: "held", fromMs: 3_000, toMs: 5_000, what: "x.ts" },
        { kind: "held", fromMs: 6_000, toMs: 9_000, what: "y.ts, db" },
      ],
      marks: [],
    },
  ]);
  t.equal(totalMs(lanes[0]?.bars ?? [], "held", range), 5_000);
  t.end();
});

t.test("a task is worked on until it ends, is released or asks; its lease is no bar of its own", (t) => {
  const about = { task_id: "login", title: "Login", holder: ana, reason: "" };
  const lanes = lanesOf(
    [
      event(2_000, "task.claimed", about),
      lease(2_000, "lease.granted", ana, { task: "login" }),
      event(3_000, "task.ready", { ...about, holder: null }),
      event(4_000, "task.claimed", { ...about, holder: ben }),
      event(5_000, "task.failed", { ...about, holder: null }),
    ],
    NOTHING,
    range,
  );
  t.same(
    lanes.map(({ name, bars }) => [name, bars]),
    [
      ["ben", [{ kind: "working", fromMs: 4_000, toMs: 5_000, what: "Login" }]],
      ["ana", [{ kind: "working", fromMs: 2_000, toMs: 3_000, what: "Login" }]],
    ],
  );
  t.same(lanes[0]?.marks, [{ kind: "lost", atMs: 5_000, what: "failed: Login" }], "by who had worked on it");
  t.end();
});

t.test("what had begun before goes on, and the events up to that time are part of it", (t) => {
  const held = { id: "lease-1", state: "held", holder: ana, resources: ["path:x.ts"], task: null } as const;
  const seed = {
    atMs: 4_000,
    leases: [
      { ...held, requested_at: time(100), granted_at: time(500) },
      { ...held, id: "lease-9", state: "waiting", holder: ben, requested_at: time(3_500), granted_at: null },
      { ...held, id: "lease-8", task: "login" },
    ] as unknown as LeaseAt[],
    tasks: [{ id: "login", title: "Login", holder: ben, claimed_at: time(3_000) }] as unknown as TaskAt[],
  };
  const lanes = lanesOf(
    [
      lease(3_500, "lease.waiting", ben, { lease_id: "lease-9" }),
      lease(6_000, "lease.released", ana),
      lease(6_000, "lease.granted", ben, { lease_id: "lease-9" }),
    ],
    seed,
    range,
  );
  t.same(lanes, [
    {
      ...ben,
      bars: [
        { kind: "waiting", fromMs: 3_500, toMs: 6_000, what: "x.ts" },
        { kind: "working", fromMs: 3_000, toMs: 9_000, what: "Login" },
        { kind: "held", fromMs: 6_000, toMs: 9_000, what: "x.ts" },
      ],
      marks: [],
    },
    { ...ana, bars: [{ kind: "held", fromMs: 500, toMs: 6_000, what: "x.ts" }], marks: [] },
  ]);
  t.equal(totalMs(lanes[1]?.bars ?? [], "held", range), 5_000, "only what is in the range counts");
  t.end();
});

t.test("what is lost, denied or sent to it is a mark; other events and other data are none", (t) => {
  const lanes = lanesOf(
    [
      lease(2_000, "lease.lost", ana, { reason: "broken by dashboard" }),
      event(3_000, "agent.denied", { instance: ana, path: "x.ts" }),
      event(4_000, "agent.stale", { instance_id: "a", name: "ana" }),
      event(5_000, "message.sent", { from: "b", to: ["a"], subject: "Hello" }),
      event(6_000, "message.sent", { from: "b", to: "a" }),
      event(6_000, "lease.granted", null),
      event(6_000, "lease.granted", "text"),
      event(6_000, "task.claimed", { task_id: 1, holder: {} }),
      event(9_500, "agent.denied", { instance: ana, path: "later.ts" }),
    ],
    NOTHING,
    range,
  );
  t.same(lanes, [
    {
      ...ana,
      bars: [],
      marks: [
        { kind: "lost", atMs: 2_000, what: "lost: broken by dashboard" },
        { kind: "lost", atMs: 3_000, what: "denied: x.ts" },
        { kind: "lost", atMs: 4_000, what: "fell silent" },
        { kind: "message", atMs: 5_000, what: "message: Hello" },
      ],
    },
  ]);
  t.end();
});
