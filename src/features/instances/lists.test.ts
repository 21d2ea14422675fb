/**
 * Tests long lists of instances. A list must be complete and in order, even if instances change between its steps. All
 * lists together must take one time slice of each tick, divided fairly between the callers.
 */
import * as fc from "fast-check";
import t from "tap";
import { instanceRow } from "../../../test/support/instance-row.js";
import type { InstanceStatus } from "../../../schemas/instances.js";
import { INSTANCE_LIST_PAGE, INSTANCE_LIST_STEP } from "../../../schemas/limits/instances.js";
import { TIME_SLICE_MS } from "../../../schemas/limits/process.js";
import { must } from "../../base/assert.js";
import { FairSlices } from "../../base/fair-slices.js";
import { CallerSlices } from "./caller-slices.js";
import { Directory } from "./directory.js";
import type { Entry, InstanceRow } from "./entry.js";
import { collect, InstanceLists } from "./lists.js";

function rowOf(row: number, lastSeen: number, status: InstanceStatus = "active"): InstanceRow {
  return instanceRow(row, { name: `n${row % 2}`, status, last_seen: lastSeen });
}

/** Makes instances whose order of last_seen is independent of their rows. */
function rowsOf(count: number): InstanceRow[] {
  return Array.from({ length: count }, (_unused, at) => rowOf(at + 1, ((at * 7_919) % count) + 1));
}

function collected(directory: Directory, name?: string, between: (step: number) => void = () => undefined): string[] {
  const steps = collect(directory, name === undefined ? {} : { name });
  for (let step = 0; ; step++) {
    const { done, value } = steps.next();
    if (done === true) return [...value];
    between(step);
  }
}

t.test("a list that is collected in steps is the one that is made at once", (t) => {
  for (const count of [0, 1, INSTANCE_LIST_STEP - 1, INSTANCE_LIST_STEP, 3 * INSTANCE_LIST_STEP + 7]) {
    const directory = new Directory();
    directory.load(rowsOf(count));
    const expected = directory.list();
    let steps = 0;
    t.same(
      collected(directory, undefined, () => (steps += 1)),
      expected.map(({ id }) => id),
      `all of ${count}`,
    );
    t.ok(steps >= Math.floor(count / INSTANCE_LIST_STEP), "in steps");
    t.same(
      collected(directory, "n1"),
      expected.filter(({ name }) => name === "n1").map(({ id }) => id),
      `half of ${count}`,
    );
  }
  t.end();
});

t.test("whatever happens between the steps, each instance that stays is listed once", (t) => {
  const count = 2 * INSTANCE_LIST_STEP + 100;
  const rows = rowsOf(count);
  const change = fc.record({ do: fc.constantFrom("touch", "remove", "add", "load"), which: fc.nat(count - 1) });
  const property = fc.property(fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 6 }), (changes) => {
    const directory = new Directory();
    directory.load(rows);
    const removed = new Set<string>();
    let newest = count;
    const ids = collected(directory, undefined, (step) => {
      for (const { do: what, which } of changes[step] ?? []) {
        const id = `id-${which + 1}`;
        const entry = directory.get(id);
        if (what === "add") directory.add(rowOf(++newest, 0));
        else if (what === "load") directory.load(directory.list());
        else if (entry !== undefined && what === "touch") directory.touch(entry, count + step);
        else if (entry !== undefined) {
          directory.remove(id);
          removed.add(id);
        }
      }
    });
    const stayed = rows.filter(({ id }) => !removed.has(id));
    const listed = new Set(ids);
    if (listed.size !== ids.length || !stayed.every(({ id }) => listed.has(id))) return false;
    const touched = new Set(changes.flat().map(({ which }) => `id-${which + 1}`));
    const still = ids.filter((id) => !touched.has(id) && Number(id.slice(3)) <= count);
    return still.every((id, at) => at === 0 || seenOf(rows, still[at - 1]) >= seenOf(rows, id));
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 20 }));
  t.end();
});

function seenOf(rows: readonly InstanceRow[], id = ""): number {
  return must(rows[Number(id.slice(3)) - 1], "one of the rows").last_seen;
}

const stays = (): void => undefined;

/** Reads a list to its end, as one text. */
async function textOf(read: ReturnType<InstanceLists["read"]>): Promise<string> {
  if (typeof read === "string") return read;
  let text = "";
  for await (const page of read) text += page;
  return text;
}

/** Creates a directory and its lists. Their clock advances by one slice after each `perSlice` examined instances. */
function bench(count: number, perSlice: number) {
  let nowMs = 0;
  let examined = 0;
  const due: (() => void)[] = [];
  const directory = new Directory();
  directory.load(rowsOf(count));
  for (const entry of directory.list())
    Object.defineProperty(entry, "name", {
      get: () => {
        examined += 1;
        nowMs += TIME_SLICE_MS / perSlice;
        return "n";
      },
    } satisfies PropertyDescriptor & ThisType<Entry>);
  const slices = new FairSlices({ now: () => nowMs, later: (run) => due.push(run) });
  const lists = new InstanceLists(directory, new CallerSlices(slices));
  /** Runs all ticks. Returns the number of instances that each tick has examined. */
  const ticks = async (): Promise<number[]> => {
    const seen: number[] = [];
    for (let next = due.shift(); next !== undefined; next = due.shift()) {
      next();
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(examined);
      examined = 0;
    }
    return seen;
  };
  return { directory, lists, ticks, examined: () => examined };
}

t.test("all lists together examine the instances of one slice in a tick", async (t) => {
  const count = 10 * INSTANCE_LIST_STEP;
  const { lists, ticks, examined } = bench(count, INSTANCE_LIST_STEP);
  const callers = ["a", "b", "c", "a", "a", "c"];
  const answers = callers.map((actor) => textOf(lists.read({ name: "none" }, actor, stays)));
  t.equal(examined(), 0, "nothing in the tick of the request");
  const seen = await ticks();
  t.equal(
    seen.reduce((sum, each) => sum + each, 0),
    callers.length * count,
  );
  t.ok(Math.max(...seen) <= 4 * INSTANCE_LIST_STEP, `at most ${Math.max(...seen)} in a tick`);
  for (const answer of answers) t.equal(await answer, "[]");
});

t.test("a caller with one list does not wait for all lists of another caller", async (t) => {
  const count = 4 * INSTANCE_LIST_STEP;
  const { lists, ticks } = bench(count, INSTANCE_LIST_STEP);
  const ended: string[] = [];
  const ask = async (actor: string): Promise<void> => {
    await textOf(lists.read({ name: "none" }, actor, stays));
    ended.push(actor);
  };
  const asked = [...Array.from({ length: 10 }, () => ask("many")), ask("one")];
  await ticks();
  await Promise.all(asked);
  t.ok(ended.indexOf("one") <= 2, ended.join(" "));
});

t.test("a list ends when its client disconnects", async (t) => {
  const { lists, ticks } = bench(10 * INSTANCE_LIST_STEP, INSTANCE_LIST_STEP);
  let abort: () => void = () => undefined;
  const answer = textOf(lists.read({ name: "none" }, "", (listener) => (abort = listener)));
  abort();
  const seen = await ticks();
  await answer;
  t.ok(seen.reduce((sum, each) => sum + each, 0) <= 2 * INSTANCE_LIST_STEP, seen.join(" "));
});

t.test("what is removed or changes before it is encoded is left out", async (t) => {
  const directory = new Directory();
  directory.load(Array.from({ length: 2 * INSTANCE_LIST_PAGE }, (_unused, at) => rowOf(at + 1, at, "stale")));
  const due: (() => void)[] = [];
  const slices = new FairSlices({ now: () => due.length, later: (run) => due.push(run) });
  const answer = textOf(new InstanceLists(directory, new CallerSlices(slices)).read({ status: "stale" }, "", stays));
  directory.remove("id-1");
  directory.touch(must(directory.get("id-2"), "it is there"), 1_000);
  let isDone = false;
  const tick = (): void => {
    due.shift()?.();
    if (!isDone) setImmediate(tick);
  };
  tick();
  const text = await answer;
  isDone = true;
  const ids = (JSON.parse(text) as readonly { readonly id: string }[]).map(({ id }) => id);
  t.equal(ids.length, 2 * INSTANCE_LIST_PAGE - 2);
  t.notOk(ids.includes("id-1") || ids.includes("id-2"));
});

t.test(
  "a walk yields the instances in pages, in the order of a list, and none in the tick of the request",
  async (t) => {
    const count = 3 * INSTANCE_LIST_STEP + 7;
    const { directory, lists, ticks, examined } = bench(count, INSTANCE_LIST_STEP);
    const walk = async (): Promise<readonly (readonly Entry[])[]> => {
      const pages: (readonly Entry[])[] = [];
      for await (const page of lists.walk({ status: "active", name: "n" }, "")) pages.push(page);
      return pages;
    };
    const walked = walk();
    t.equal(examined(), 0);
    const seen = await ticks();
    const pages = await walked;
    t.ok(Math.max(...seen) <= 2 * INSTANCE_LIST_STEP, `at most ${Math.max(...seen)} in a tick`);
    t.ok(
      pages.every(({ length }) => length <= INSTANCE_LIST_PAGE),
      "in pages",
    );
    t.same(
      pages.flat().map(({ id }) => id),
      directory.list("active").map(({ id }) => id),
    );
  },
);

t.test("many instances are encoded in pages, each once, those that are removed meanwhile too", async (t) => {
  const directory = new Directory();
  directory.load(rowsOf(3 * INSTANCE_LIST_PAGE));
  const lists = new InstanceLists(directory);
  const given = directory.list();
  const read = lists.encode(given, "", stays);
  if (typeof read === "string") throw new Error("all at once");
  const pages: string[] = [];
  for await (const page of read) {
    pages.push(page);
    directory.remove(must(given.at(-1), "the last one").id);
  }
  t.equal(pages.length, 4, "three pages, and the end of the array");
  t.same(
    (JSON.parse(pages.join("")) as readonly { readonly id: string }[]).map(({ id }) => id),
    given.map(({ id }) => id),
  );
  t.equal(lists.encode([], "", stays), "[]");
});
