/** Tests that the search for the claims that wait for a holder examines each waiting claim only once for each name. */
import t from "tap";
import { type Claim, LockEntry } from "./lock-entry.js";
import { type Resource, storedResource } from "./resource.js";
import { ResourceIndex } from "./resource-index.js";
import { UnreachedWaiters } from "./unreached-waiters.js";

const NAMES = ["a", "b", "c"].map((name) => storedResource(name, "w"));

function entryOf(order: number, resources: readonly Resource[], held = false, holder = `h${order}`): LockEntry<Claim> {
  const base = { holder, parent: null, shared: false, maxHolders: null, limitedTo: null };
  const entry = new LockEntry({ order, ...base, resources, alternatives: [], chosen: [] });
  entry.held = held;
  return entry;
}

t.test("each waiter is examined once for each name", (t) => {
  const index = new ResourceIndex<LockEntry<Claim>>();
  const held = entryOf(1, NAMES, true);
  const waiting = Array.from({ length: 50 }, (_, at) => entryOf(at + 2, NAMES));
  for (const entry of [...waiting.toReversed(), held]) index.add(entry);
  const unreached = new UnreachedWaiters(index);
  let examined = 0;
  const waits = (): boolean => {
    examined += 1;
    return true;
  };
  const found = unreached.takeBehind(held, waits);
  t.equal(found.size, 50);
  for (const entry of waiting) t.equal(unreached.takeBehind(entry, waits).size, 0);
  t.equal(examined, 50, "the other names have no unreached waiters left");
  t.end();
});

t.test("an earlier waiter does not wait for a later one, and one that does not wait stays unreached", (t) => {
  const index = new ResourceIndex<LockEntry<Claim>>();
  const entries = [1, 2, 3, 4].map((order) => entryOf(order, NAMES.slice(0, 2)));
  for (const entry of entries) index.add(entry);
  const unreached = new UnreachedWaiters(index);
  const take = (at: number, waits: (other: LockEntry<Claim>, wanted: Resource) => boolean): number[] =>
    [...unreached.takeBehind(entries[at] ?? entryOf(0, []), waits)].map(({ claim }) => claim.order);
  t.same(
    take(1, (other, wanted) => other.claim.order === 4 && wanted.text === "b"),
    [4],
    "it waits at the second name only",
  );
  t.same(
    take(0, () => true),
    [2, 3],
    "what was reached is not found again",
  );
  t.end();
});

t.test("the claims of one holder are examined once for each name, and again for a claim that excludes more", (t) => {
  const index = new ResourceIndex<LockEntry<Claim>>();
  const own = Array.from({ length: 50 }, (_, at) => entryOf(at + 2, NAMES.slice(0, 1), false, "me"));
  const [before, after] = [entryOf(1, NAMES.slice(0, 1)), entryOf(52, NAMES.slice(0, 1))];
  const held = entryOf(53, NAMES.slice(0, 1), true, "me");
  for (const entry of [before, ...own, after, held]) index.add(entry);
  const unreached = new UnreachedWaiters(index);
  let examined = 0;
  const waits = ({ claim }: LockEntry<Claim>): boolean => {
    examined += 1;
    return claim.holder !== "me";
  };
  const found = (entry: LockEntry<Claim>): number[] =>
    [...unreached.takeBehind(entry, waits)].map(({ claim }) => claim.order);
  t.same(
    own.map(found).filter((orders) => orders.length > 0),
    [[52]],
  );
  t.equal(examined, 50, "the 49 others after the first, and the one that waits for them");
  t.same(found(held), [1], "a held claim comes before all that wait");
  t.same(unreached.takeBehind(entryOf(2, NAMES.slice(0, 1)), () => true).size, 49, "another holder");
  t.end();
});
