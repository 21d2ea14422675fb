/**
 * Tests the directory of instances against a naive model: ordered lists, silent instances, lookups, and entries that
 * are not stored yet.
 */
import * as fc from "fast-check";
import t from "tap";
import { instanceRow } from "../../../test/support/instance-row.js";
import type { InstanceStatus } from "../../../schemas/instances.js";
import { INSTANCES_MAX } from "../../../schemas/limits/instances.js";
import { Directory } from "./directory.js";
import { encodeInstance, lastSeenAt, matchesFilter, type Entry, type InstanceRow } from "./entry.js";

const ALL = Number.MAX_SAFE_INTEGER;

function rowOf(row: number, lastSeen: number, status: InstanceStatus = "pending"): InstanceRow {
  return instanceRow(row, {
    name: `n${row % 3}`,
    workspace: `w${row % 2}`,
    capabilities: row % 2 === 0 ? ["even"] : [],
    status,
    registered_at: lastSeen,
    last_seen: lastSeen,
  });
}

interface Known {
  readonly row: number;
  status: InstanceStatus;
  last_seen: number;
}

const step = fc.oneof(
  fc.record({ do: fc.constant("add" as const), which: fc.nat(7) }),
  fc.record({ do: fc.constantFrom("see" as const, "activate" as const, "remove" as const), which: fc.nat(7) }),
  fc.record({
    do: fc.constantFrom("stale" as const, "store" as const, "refuse" as const, "reload" as const),
    which: fc.nat(7),
  }),
);

t.test("any sequence of changes agrees with the model", (t) => {
  const property = fc.property(fc.array(fc.tuple(step, fc.nat(3)), { maxLength: 60 }), (steps) => {
    const directory = new Directory();
    const known = new Map<string, Known>();
    /** The model of the database's contents. */
    const stored = new Map<string, InstanceRow>();
    let now = 1000;
    let rows = 0;
    for (const [{ do: what, which }, passed] of steps) {
      now += passed;
      const id = `id-${which + 1}`;
      const entry = directory.get(id);
      const model = known.get(id);
      if ((entry === undefined) !== (model === undefined)) return false;
      if (what === "add") {
        const row = rowOf(++rows, now);
        directory.add(row);
        known.set(row.id, { row: row.row, status: "pending", last_seen: now });
        stored.set(row.id, row);
      } else if (what === "see" && entry !== undefined && model !== undefined) {
        directory.touch(entry, now);
        model.last_seen = now;
        if (model.status === "stale") model.status = "active";
      } else if (what === "activate" && entry !== undefined && model !== undefined) {
        directory.activate(entry, now);
        Object.assign(model, { last_seen: now, status: "active" });
        stored.set(id, { ...rowOf(model.row, now, "active") });
      } else if (what === "remove") {
        directory.remove(id);
        known.delete(id);
        stored.delete(id);
      } else if (what === "stale") {
        const until = now - which;
        const silent = directory.silentSince(until, ALL);
        const expected = [...known].filter(([, { status, last_seen }]) => status === "active" && last_seen <= until);
        if (
          JSON.stringify(silent.map((one) => one.id).toSorted()) !==
          JSON.stringify(expected.map(([key]) => key).toSorted())
        )
          return false;
        if (silent.some((one, at) => at > 0 && one.last_seen < (silent[at - 1]?.last_seen ?? 0))) return false;
        directory.markStale(
          silent,
          silent.map((one) => one.last_seen),
        );
        for (const [key, one] of expected) {
          one.status = "stale";
          stored.set(key, rowOf(one.row, one.last_seen, "stale"));
        }
      } else if (what === "store" || what === "refuse") {
        const taken = directory.takeUnsaved(what === "store" ? ALL : which + 1);
        if (what === "refuse") directory.requeueUnsaved(taken);
        else for (const one of taken) stored.set(one.id, rowOf(one.row, one.last_seen, one.status));
      } else if (what === "reload") {
        directory.load([...stored.values()]);
      }
      const order = (status?: InstanceStatus): string =>
        directory
          .list(status)
          .map((one) => `${one.id} ${one.status} ${one.last_seen}`)
          .toSorted()
          .join();
      for (const status of [undefined, "pending", "active", "stale"] as const) {
        const list = directory.list(status);
        if (list.some((one, at) => at > 0 && one.last_seen > (list[at - 1]?.last_seen ?? 0))) return false;
        const expected = [...known]
          .filter(([, one]) => status === undefined || one.status === status)
          .map(([key, one]) => `${key} ${one.status} ${one.last_seen}`)
          .toSorted();
        if (order(status) !== expected.join()) return false;
        if (status !== undefined && directory.counts[status] !== expected.length) return false;
      }
      if (directory.size !== known.size) return false;
      for (let row = 1; row <= rows; row++) {
        if ((directory.byTokenHash(`hash-${row}`)?.id ?? null) !== (known.has(`id-${row}`) ? `id-${row}` : null))
          return false;
      }
    }
    // Store the entries that are not stored yet. Then the database must agree with the memory, whatever the sequence of
    // calls was.
    for (const one of directory.takeUnsaved(ALL)) stored.set(one.id, rowOf(one.row, one.last_seen, one.status));
    return (
      [...known].every(
        ([key, one]) => stored.get(key)?.last_seen === one.last_seen && stored.get(key)?.status === one.status,
      ) && !directory.urgent
    );
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 1000 }));
  t.end();
});

t.test("an instance that is seen while it is marked stays active, and is stored at once", (t) => {
  const directory = new Directory();
  directory.load([rowOf(1, 10, "active"), rowOf(2, 20, "active")]);
  const silent = directory.silentSince(20, ALL);
  const times = silent.map(({ last_seen }) => last_seen);
  directory.touch(silent[0] as Entry, 30);
  t.equal(directory.urgent, false, "the last_seen of an active one can wait");
  directory.markStale(silent, times);
  t.same(
    directory.list().map(({ id, status }) => [id, status]),
    [
      ["id-1", "active"],
      ["id-2", "stale"],
    ],
  );
  t.equal(directory.urgent, true, "but the database says stale");
  t.same(
    directory.takeUnsaved(ALL).map(({ id, last_seen }) => [id, last_seen]),
    [["id-1", 30]],
  );
  t.equal(directory.urgent, false);
  t.end();
});

t.test("time does not go back, and silent instances are found without visiting the others", (t) => {
  const directory = new Directory();
  directory.load([rowOf(1, 5000, "active"), rowOf(2, 10, "active")]);
  directory.touch(directory.get("id-2") as Entry, 40);
  t.equal(directory.get("id-2")?.last_seen, 5000, "the clock was set back");
  t.same(
    directory.list().map(({ id }) => id),
    ["id-2", "id-1"],
    "seen later, in front",
  );
  t.same(directory.silentSince(4999, ALL), []);
  t.equal(directory.silentSince(5000, 1).length, 1, "at most that many");
  t.end();
});

t.test("filters and the text of an instance", (t) => {
  const directory = new Directory();
  const entry = directory.add({ ...rowOf(1, 0), name: 'a"b', capabilities: ["x"] });
  t.same(JSON.parse(encodeInstance(entry)), {
    id: "id-1",
    name: 'a"b',
    workspace: "w1",
    intent: "",
    stack: "",
    capabilities: ["x"],
    checkout: null,
    parent: null,
    status: "pending",
    registered_at: "1970-01-01T00:00:00.000Z",
    last_seen: "1970-01-01T00:00:00.000Z",
  });
  const session = { session: "s", agent: "", owner: "", client: "claude", ended_at: null };
  const ofSession = directory.add({ ...rowOf(2, 0), registered_by: "id-1", session });
  t.match(JSON.parse(encodeInstance(ofSession)), { registered_by: "id-1", client: "claude" });
  t.notMatch(encodeInstance(ofSession), '"session"', "the client's id is not shown");
  directory.remove(ofSession.id);
  directory.setIntent(entry, "new");
  directory.setCapabilities(entry, ["y"]);
  directory.activate(entry, 1500);
  t.match(JSON.parse(encodeInstance(entry)), {
    intent: "new",
    capabilities: ["y"],
    status: "active",
    last_seen: "1970-01-01T00:00:01.500Z",
  });
  t.ok(matchesFilter(entry, {}));
  t.ok(matchesFilter(entry, { name: 'a"b', workspace: "w1", stack: "", capability: "y" }));
  for (const filter of [{ name: "a" }, { workspace: "" }, { stack: "x" }, { capability: "x" }])
    t.notOk(matchesFilter(entry, filter), JSON.stringify(filter));
  t.end();
});

t.test("an instance that is busy, or waits in a call, is not silent", (t) => {
  const directory = new Directory();
  directory.load([rowOf(1, 10, "active"), rowOf(2, 20, "active"), rowOf(3, 30, "active")]);
  const [busy, waiting] = [directory.get("id-1") as Entry, directory.get("id-2") as Entry];
  const idsAt = (untilMs: number): string[] => directory.silentSince(untilMs, ALL).map(({ id }) => id);
  directory.setBusy(busy, 5_000, 100);
  t.ok(directory.urgent, "it is stored at once");
  const end = directory.beginWait(waiting, () => 400);
  t.equal(lastSeenAt(busy, 200), 5_000);
  t.equal(lastSeenAt(waiting, 200), 200);
  t.same(idsAt(4_999), ["id-3"]);
  directory.setBusy(busy, 4_000, 300);
  t.equal(busy.busy_until, 5_000, "a shorter one does not shorten it");
  t.same(idsAt(5_000), ["id-3", "id-1"], "it is over");
  end();
  t.equal(waiting.last_seen, 400, "the end of a wait is activity");
  t.same(idsAt(5_000).toSorted(), ["id-1", "id-2", "id-3"]);
  directory.setBusy(busy, 9_000, 500);
  directory.load([rowOf(1, 10, "active"), rowOf(2, 20, "active")]);
  t.equal(directory.get("id-1")?.busy_until, 9_000, "state that only memory has is kept");
  directory.setBusy(directory.get("id-1") as Entry, 600, 600);
  t.equal(lastSeenAt(directory.get("id-1") as Entry, 700), 600, "0 seconds end it");
  t.end();
});

t.test("the activity of a watched instance is reported before it counts", (t) => {
  const reported: [string, number, number][] = [];
  const directory = new Directory({ onSeen: (entry, nowMs) => reported.push([entry.id, entry.last_seen, nowMs]) });
  directory.load([rowOf(1, 10, "active"), rowOf(2, 20, "active")]);
  (directory.get("id-1") as Entry).watched = true;
  directory.touch(directory.get("id-2") as Entry, 3_000);
  directory.touch(directory.get("id-1") as Entry, 3_000);
  directory.touch(directory.get("id-1") as Entry, 3_999);
  t.same(reported, [["id-1", 10, 3_000]], "and once, while it is not silent for long");
  t.end();
});

t.test("the newest of a name, and events when an instance is added, removed or changes status", (t) => {
  const reported: string[] = [];
  const directory = new Directory({
    onStatus: ({ id, status }) =>
      reported.push(`${id} ${status} ${directory.get(id) === undefined ? "gone" : "there"}`),
  });
  directory.load([rowOf(4, 10, "active"), rowOf(1, 20, "stale")]);
  t.same(reported, [], "a load calls no listener");
  const named = (row: number): string | undefined => directory.newest(`n${row % 3}`, `w${row % 2}`)?.id;
  t.equal(directory.newest("n1", undefined)?.id, "id-4", "by registration, not by last_seen");
  t.equal(named(1), "id-1");
  t.equal(directory.newest("n1", "w2"), undefined);
  directory.add(rowOf(7, 30));
  t.equal(named(7), "id-7");
  directory.activate(directory.get("id-7") as Entry, 40);
  directory.touch(directory.get("id-7") as Entry, 50);
  directory.touch(directory.get("id-1") as Entry, 50);
  directory.markStale([directory.get("id-4") as Entry], [10]);
  directory.remove("id-7");
  directory.remove("id-7");
  t.same(reported, [
    "id-7 pending there",
    "id-7 active there",
    "id-1 active there",
    "id-4 stale there",
    "id-7 active gone",
  ]);
  t.equal(named(7), "id-1");
  t.end();
});

t.test("the end of a token is reported, for any cause", (t) => {
  const ended: string[] = [];
  const directory = new Directory({ onRevoked: (id) => ended.push(id) });
  const [one, two, three, four] = [rowOf(1, 10), rowOf(2, 20), rowOf(3, 30), rowOf(4, 40)];
  directory.load([one, two, three, four]);
  t.same(ended, [], "an unused token ends nothing");
  directory.remove("id-1");
  directory.applyStored("id-2", undefined);
  directory.applyStored("id-3", { ...three, intent: "another" });
  t.same(ended.splice(0), ["id-1", "id-2"], "here and at another node");
  directory.load([three, { ...four, token_hash: "another" }, rowOf(5, 50)]);
  t.same(ended.splice(0), ["id-4"], "a restore has brought another token");
  directory.load([four]);
  t.same(ended.sort(), ["id-3", "id-4", "id-5"], "or none");
  t.end();
});

t.test("the instance of a session is found by the client's ids", (t) => {
  const directory = new Directory();
  const session = { session: "s", agent: "", owner: "", client: "claude", ended_at: null };
  const running: InstanceRow = { ...rowOf(1, 1000, "active"), session };
  const child: InstanceRow = { ...rowOf(2, 1000, "active"), parent: "id-1", session: { ...session, agent: "a" } };
  const entry = directory.add(running);
  directory.applyStored("id-2", child);
  directory.add(rowOf(3, 1000, "active"));
  t.equal(directory.ofSession("s"), entry);
  t.equal(directory.ofSession("s", "a")?.id, "id-2");
  t.equal(directory.ofSession("s", "b"), undefined);
  t.equal(directory.ofSession("a"), undefined, "a subagent is no session");

  directory.touch(entry, 2000);
  directory.setBusy(entry, 9000, 2000);
  directory.applyStored("id-1", {
    ...running,
    status: "stale",
    last_seen: 3000,
    session: { ...session, ended_at: 3000 },
  });
  t.match(entry, { status: "stale", last_seen: 3000, busy_until: 0, session: { ended_at: 3000 } }, "it has ended");
  t.same(
    directory.list().map(({ id }) => id),
    ["id-1", "id-3", "id-2"],
    "the list is still ordered by last_seen",
  );
  directory.applyStored("id-1", {
    ...running,
    last_seen: 4000,
    checkout: { id: "c", branch: null, root: null, machine: null },
  });
  t.match(entry, { status: "active", checkout: { id: "c" }, session: { ended_at: null } }, "it has begun again");

  directory.load([running, child]);
  t.match(directory.ofSession("s", "a"), { id: "id-2" }, "after a load, too");
  directory.remove("id-2");
  t.equal(directory.ofSession("s", "a"), undefined);
  directory.load([]);
  t.equal(directory.ofSession("s"), undefined);
  t.end();
});

t.test("lists are ordered by last_seen, although an ended session is stale at once", (t) => {
  const directory = new Directory();
  directory.load([rowOf(1, 5000, "active"), rowOf(2, 1000, "active")]);
  directory.applyStored("id-1", rowOf(1, 5000, "stale"));
  directory.applyStored("id-2", rowOf(2, 1000, "stale"));
  t.same(
    directory.list("stale").map(({ id }) => id),
    ["id-1", "id-2"],
  );
  t.end();
});

t.test("fresh sessions cost a search for silent ones nothing, however many there are", (t) => {
  const directory = new Directory();
  const session = { session: "s", agent: "", owner: "", client: "claude", ended_at: 5000 };
  directory.load(
    Array.from({ length: 5000 }, (_, at) => ({
      ...rowOf(at + 1, 5000 + at, "stale"),
      session: { ...session, session: `s-${at}` },
    })),
  );
  let examined = 0;
  const spares = (): boolean => {
    examined += 1;
    return true;
  };
  t.same(directory.silentSince(5001, 10, "stale", spares), []);
  t.equal(examined, 2, "only those that are silent are examined");
  t.end();
});

t.test("places are reserved for instances that are being registered", (t) => {
  const directory = new Directory();
  directory.add(rowOf(1, 1));
  const release = directory.reserve(INSTANCES_MAX - 1);
  t.equal(directory.reserve(1), null);
  release?.();
  t.ok(directory.reserve(1));
  t.end();
});

t.test("what an agent has registered, directly or not, has one root", (t) => {
  const directory = new Directory();
  const add = (row: number, by: string) => directory.add({ ...rowOf(row, 0), registered_by: by });
  const first = add(1, "");
  const chain = [first];
  for (let row = 2; row <= 5; row++) chain.push(add(row, `id-${row - 1}`));
  t.same(
    chain.map((entry) => directory.rootOf(entry, 10)),
    chain.map(() => "id-1"),
  );
  t.equal(directory.rootOf(add(6, "gone"), 10), "id-6", "a registrant that is unknown");
  t.same(
    chain.map((entry) => directory.rootOf(entry, 3)),
    ["id-1", "id-1", "id-1", "", ""],
    "chains that are too long count as one",
  );
  t.end();
});
