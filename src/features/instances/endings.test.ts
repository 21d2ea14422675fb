/** Tests that the tokens of many instances end in bounded steps. The instances may change between the steps. */
import t from "tap";
import { instanceRow } from "../../../test/support/instance-row.js";
import { INSTANCE_LIST_STEP } from "../../../schemas/limits/instances.js";
import { settle } from "../../../test/threads/fake-writer.js";
import { must } from "../../base/assert.js";
import { Directory } from "./directory.js";
import type { InstanceRow } from "./entry.js";
import { Endings } from "./endings.js";

const COUNT = 3 * INSTANCE_LIST_STEP;

function rowOf(row: number, registeredBy: string): InstanceRow {
  return instanceRow(row, { id: `i${row}`, token_hash: `hash of i${row}`, registered_by: registeredBy });
}

/**
 * The first instance has registered half of the instances. Each of the other instances was registered by the one before
 * it.
 */
function open() {
  const revoked: string[] = [];
  const directory = new Directory({ onRevoked: (id) => revoked.push(id) });
  directory.load(
    Array.from({ length: COUNT }, (_unused, at) => {
      const parent = at < COUNT / 2 ? 0 : at - 1;
      return rowOf(at, at === 0 ? "" : `i${parent}`);
    }),
  );
  const waiting: (() => void)[] = [];
  const slice = { yieldIfOver: () => new Promise<void>((resolve) => waiting.push(resolve)) };
  const endings = new Endings(directory, slice);
  /** Runs one step of each unfinished walk. */
  const step = async (): Promise<boolean> => {
    const resumed = waiting.splice(0);
    for (const resume of resumed) resume();
    await settle();
    return resumed.length > 0;
  };
  const isEnding = (id: string): boolean => must(directory.get(id), "it is there").ending;
  const ending = (): number => directory.list().filter((entry) => entry.ending).length;
  return { directory, endings, revoked, step, isEnding, ending };
}

t.test("each step marks a bounded number, the first one at once", async (t) => {
  const { endings, revoked, step, isEnding, ending } = open();
  endings.begin("i0");
  t.ok(isEnding("i0"));
  t.same(revoked, ["i0"]);
  let before = 0;
  for (let marked = ending(); marked < COUNT; marked = ending()) {
    t.ok(marked > before && marked - before <= INSTANCE_LIST_STEP, `${marked - before} in one step`);
    before = marked;
    t.ok(await step(), "there is a next step");
  }
  while (await step());
  t.equal(ending(), COUNT);
});

t.test("instances that are registered or removed between the steps, or loaded, are marked as well", async (t) => {
  const { directory, endings, step, isEnding } = open();
  endings.begin("i0");
  directory.add(rowOf(COUNT, `i${COUNT - 1}`));
  directory.add(rowOf(COUNT + 1, "i1"));
  directory.remove("i2");
  t.notOk(isEnding(`i${COUNT}`), "whose registrant is not marked yet");
  t.ok(isEnding(`i${COUNT + 1}`), "whose registrant is marked");
  await step();
  directory.load(directory.list().map((entry) => ({ ...entry })));
  while (await step());
  t.ok(directory.list().every(({ ending }) => ending));
});

t.test("if the deletion fails between the steps, all tokens are accepted again", async (t) => {
  const { endings, step, ending } = open();
  endings.begin("i0");
  await step();
  endings.cancel("i0");
  while (await step());
  t.equal(ending(), 0);
  endings.begin("i0");
  endings.begin("i0");
  while (await step());
  t.equal(ending(), COUNT, "and can end again");
  endings.cancel("none");
  t.equal(await step(), false, "nothing runs any more");
});
