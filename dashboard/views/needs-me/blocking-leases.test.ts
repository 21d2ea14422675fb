import t from "tap";
import type { Lease, LeaseWaits } from "../../api/types.js";
import { ENDS_SOON_MS, blockingLeases, WAITED_LONG_MS } from "./blocking-leases.js";

const NOW_MS = Date.UTC(2026, 1, 9, 14, 30);
const at = (agoMs: number): string => new Date(NOW_MS - agoMs).toISOString();

function lease(id: string, askedMs: number, more: Partial<Lease> = {}): Lease {
  return {
    id,
    fence: null,
    state: "waiting",
    holder: { id: `of ${id}`, name: id },
    workspace: "w",
    resources: ["path:src/**"],
    mode: "exclusive",
    scope: "repo",
    checkout: null,
    reason: "",
    note: null,
    task: null,
    ttl_s: 600,
    max_s: 14_400,
    requested_at: at(askedMs),
    granted_at: null,
    expires_at: null,
    ended_at: null,
    position: 1,
    ...more,
  };
}

function waits(held: Lease, ...waiting: readonly Lease[]): LeaseWaits {
  const edges = waiting.map(({ id }) => ({ lease: id, for: held.id, wanted: "path:src/a", resource: "path:src/**" }));
  return { waiting: waiting.length, waits: edges, leases: [...waiting, held] };
}

const held = (grantedMs: number, maxS = 14_400): Lease =>
  lease("held", grantedMs, { state: "held", granted_at: at(grantedMs), max_s: maxS, position: null });

t.test("a lease is listed when a request has waited long for it", (t) => {
  const long = lease("long", WAITED_LONG_MS + 1);
  const late = lease("late", 1_000);
  const [found, ...others] = blockingLeases(waits(held(60 * 60_000), late, long), NOW_MS);
  t.same(others, [], "a waiting request blocks no listed one");
  t.equal(found?.lease.id, "held");
  t.equal(found?.endsSoon, false);
  t.same(
    found?.waiting.map(({ id }) => id),
    ["long", "late"],
    "the longest waiting is first",
  );
  t.same(blockingLeases(waits(held(60 * 60_000), lease("not", WAITED_LONG_MS)), NOW_MS), [], "not yet");
  t.end();
});

t.test("a lease is listed that must end soon, while a request waits for it", (t) => {
  const endsIn = (ms: number): Lease => held(14_400_000 - ms);
  const just = lease("just", 0);
  t.match(blockingLeases(waits(endsIn(ENDS_SOON_MS - 1), just), NOW_MS), [
    { endsSoon: true, endsMs: NOW_MS + ENDS_SOON_MS - 1 },
  ]);
  t.same(blockingLeases(waits(endsIn(ENDS_SOON_MS), just), NOW_MS), [], "not so soon");
  t.same(blockingLeases(waits(endsIn(0)), NOW_MS), [], "no request waits");
  t.same(
    blockingLeases(waits({ ...endsIn(0), touched_at: at(1_000) }, just), NOW_MS),
    [],
    "its time has started again",
  );
  t.end();
});

t.test("an automatic lease is listed as soon as a request waits for it", (t) => {
  const automatic: Lease = { ...held(0, 600), automatic: true };
  t.match(blockingLeases(waits(automatic, lease("just", 0)), NOW_MS), [{ endsSoon: false, waitedLong: false }]);
  t.match(blockingLeases(waits(automatic, lease("long", WAITED_LONG_MS + 1)), NOW_MS), [{ waitedLong: true }]);
  t.same(blockingLeases(waits(automatic), NOW_MS), []);
  t.end();
});

t.test("a lease of a stale holder is listed as soon as a request waits for it", (t) => {
  const blocked = waits(held(0), lease("just", 0));
  t.same(blockingLeases(blocked, NOW_MS), [], "its holder is active");
  t.match(blockingLeases(blocked, NOW_MS, new Set(["of held"])), [{ endsSoon: false, waitedLong: false }]);
  t.same(blockingLeases(blocked, NOW_MS, new Set(["of just"])), [], "who waits may be stale");
  t.end();
});

t.test("a request that waits for a waiting request is blocked by neither", (t) => {
  const first = lease("first", WAITED_LONG_MS * 2);
  t.same(blockingLeases(waits(first, lease("second", WAITED_LONG_MS * 2)), NOW_MS), []);
  t.end();
});
