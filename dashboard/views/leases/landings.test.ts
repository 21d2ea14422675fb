/** Tests the landings that the page shows: their order, and events whose data have an unexpected form. */
import t from "tap";
import type { Event, Lease } from "../../api/types.js";
import { listLandings } from "./landings.js";

const AT = "2026-02-09T14:30:00Z";
const HEAD = "9f2ab1c07d5e44218bb4c7c3ad1d4dd2f1a0a3c5";

function lease(id: string, more: Partial<Lease>): Lease {
  const holder = { id: `id-${id}`, name: id };
  return { id, state: "held", resources: ["name:land@trucks/main"], holder, requested_at: AT, ...more } as Lease;
}

function event(id: number, topic: string, data: unknown): Event {
  return { id, topic: `land.${topic}`, data, source: "s", created_at: AT };
}

t.test("the landing, those that wait, and the last results", (t) => {
  const leases = [
    lease("c", { state: "waiting", position: 2, reason: `land fix at ${HEAD}`, granted_at: null }),
    lease("b", { state: "waiting", position: 1, reason: "something else", granted_at: null }),
    lease("a", { position: null, reason: `land tax/vat at ${HEAD}`, granted_at: AT }),
    lease("d", { resources: ["name:land"], position: null, reason: "" }),
    lease("e", { state: "released", position: null, reason: "" }),
  ];
  const data = { lane: "trucks/main", branch: "old", holder: { id: "i", name: "ana" } };
  const events = [
    event(9, "pushing", data),
    event(8, "landed", data),
    event(7, "failed", { ...data, reason: "check" }),
    event(6, "conflict", null),
    event(5, "conflict", 7),
    event(4, "conflict", { lane: 1 }),
    event(3, "other", data),
  ];
  t.same(
    listLandings(leases, events).map(({ branch, lane, holder, state }) => [branch, lane, holder.name, state]),
    [
      ["tax/vat", "trucks/main", "a", "landing"],
      ["", "trucks/main", "b", "waiting, position 1"],
      ["fix", "trucks/main", "c", "waiting, position 2"],
      ["old", "trucks/main", "ana", "landed"],
      ["old", "trucks/main", "ana", "failed: check"],
      ["", "", "", "conflict"],
    ],
  );
  const many = Array.from({ length: 9 }, (_, id) => event(id, "landed", data));
  t.equal(listLandings([], many).length, 5);
  t.same(listLandings([], []), []);
  t.end();
});
