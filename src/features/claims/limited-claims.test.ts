/**
 * Tests counted claims and claims with alternatives (docs/leases.md "One of many" and "Several holders"). Random
 * sequences of requests and ends run on the lock table. After each step, the table must agree with a naive model that
 * examines all claims.
 *
 * Each step also runs on a second table, which is sometimes rebuilt from the claims, as after a restart. Sometimes a
 * third table is emptied: holders that wait for nothing end their claims, in a random order. In the end, every claim
 * must have been granted. So no request starves, no wake-up is lost, and every deadlock is found.
 */
import t from "tap";
import { must } from "../../base/assert.js";
import { countRounds } from "../../../test/support/test-size.js";
import { makeRandom, newSeed, type Random } from "../../../test/support/random.js";
import { holdersMaxOf, wantedBy } from "./lock-entry.js";
import { type Claim, LockTable } from "./lock-table.js";
import { type Resource, storedResource } from "./resource.js";

const NAMES: ReadonlyMap<string, Resource> = new Map(
  ["a", "b", "c", "d", "e"].map((name) => [name, storedResource(name, "w")]),
);
/** The holders, each with its parent. */
const PARENTS: ReadonlyMap<string, string | null> = new Map([
  ["h0", null],
  ["h1", null],
  ["h2", null],
  ["h3", null],
  ["h4", null],
  ["h0/a", "h0"],
  ["h0/b", "h0"],
  ["h1/a", "h1"],
]);
const HOLDERS = [...PARENTS.keys()];
const CLAIMS_MAX = 14;

interface Named extends Claim {
  readonly name: string;
}

function related(a: Claim, b: Claim): boolean {
  return a.holder === b.holder || a.holder === b.parent || a.parent === b.holder;
}

/** Returns whether a claim has chosen a name, or wants it as one of its alternatives. */
function isChoiceOf({ alternatives, chosen }: Claim, name: Resource): boolean {
  return alternatives.flat().includes(name) || chosen.includes(name);
}

function has({ resources }: Pick<Claim, "resources">, name: Resource): boolean {
  return resources.some(({ text }) => text === name.text);
}

function childrenOf(holder: string): string[] {
  return HOLDERS.filter((child) => PARENTS.get(child) === holder);
}

/**
 * Yields all ways to choose one name of each group, without using a name twice. They come in the order of the names.
 */
function* choices(groups: readonly (readonly Resource[])[], before: readonly Resource[] = []): Generator<Resource[]> {
  const [first, ...rest] = groups;
  if (first === undefined) yield [...before];
  for (const name of first ?? []) if (!before.includes(name)) yield* choices(rest, [...before, name]);
}

/** A second, simple implementation of the rules by which claims are granted. */
class NaiveLockTable {
  readonly held = new Set<Named>();
  waiting: Named[] = [];

  /** Returns the claims of `others` that block a claim at one of its names. */
  atName(claim: Claim, name: Resource, others: readonly Named[], isChoice: boolean): Named[] {
    const there = others.filter((other) => has({ resources: wantedBy(other) }, name));
    const own = there.filter((other) => related(claim, other));
    const foreign = there.filter((other) => !related(claim, other));
    const alone = foreign.filter((other) => !claim.shared || !other.shared);
    const chosen = isChoice ? own.filter((other) => isChoiceOf(other, name)) : [];
    const sharing = there.filter(
      (other) => claim.shared && other.shared && other.holder !== claim.holder && !chosen.includes(other),
    );
    const most = Math.min(holdersMaxOf(claim), ...sharing.map(holdersMaxOf));
    const isFull = new Set(sharing.map(({ holder }) => holder)).size + 1 > most;
    return [...alone, ...(isFull ? sharing : []), ...chosen];
  }

  /**
   * Returns the claims of `others` that block a claim. If there are none, also returns the names that the claim gets.
   */
  among(claim: Claim, others: readonly Named[]): { readonly blockers: Named[]; readonly chosen: Resource[] } {
    const found = new Set(claim.resources.flatMap((name) => this.atName(claim, name, others, false)));
    const free = claim.alternatives.map((group) =>
      group.filter((name) => this.atName(claim, name, others, true).length === 0),
    );
    const [chosen] = choices(free);
    if (chosen === undefined)
      for (const name of claim.alternatives.flat())
        for (const blocker of this.atName(claim, name, others, true)) found.add(blocker);
    return { blockers: [...found], chosen: found.size === 0 ? must(chosen, "nothing blocks it") : [] };
  }

  others(claim: Claim): Named[] {
    return [...this.held, ...this.waiting.filter((other) => other.order < claim.order)];
  }

  before(claim: Claim): Named[] {
    return this.among(claim, this.others(claim)).blockers;
  }

  /** Returns whether a claim has to wait until this holder has ended a claim. */
  needs(claim: Claim, holder: string): boolean {
    const theirs = [...this.held].filter((other) => other.holder === holder);
    return this.among(claim, theirs).blockers.length > 0;
  }

  /**
   * Returns whether a waiting claim waits for a holder, directly or through others. With "held", only a wait counts
   * that must be for a held claim. With "anything", a possible wait for any claim counts.
   */
  waitsFor(claim: Claim, holder: string, through: "held" | "anything", seen = new Set<Claim>()): boolean {
    if (seen.has(claim)) return false;
    seen.add(claim);
    const holders =
      through === "held"
        ? HOLDERS.filter((one) => this.needs(claim, one))
        : this.before(claim).map((other) => other.holder);
    return holders.some((one) => this.leadsTo(one, holder, (next) => this.waitsFor(next, holder, through, seen)));
  }

  leadsTo(from: string, to: string, waits: (claim: Named) => boolean): boolean {
    return (
      from === to ||
      this.waiting.some((one) => one.holder === from && waits(one)) ||
      childrenOf(from).some((child) => this.leadsTo(child, to, waits))
    );
  }

  overtakes(claim: Claim, other: Named): boolean {
    return !this.held.has(other) && !related(claim, other) && this.waitsFor(other, claim.holder, "held");
  }

  decide(claim: Claim): { readonly blockers: Named[]; readonly chosen: Resource[] } {
    return this.among(
      claim,
      this.others(claim).filter((other) => !this.overtakes(claim, other)),
    );
  }

  hasToWaitFor(claim: Claim, holder: string, seen = new Set<Claim>()): boolean {
    if (seen.has(claim)) return false;
    seen.add(claim);
    const earlier = this.others(claim).filter((other) => !this.overtakes(claim, other));
    const certain = claim.resources
      .flatMap((name) => this.atName(claim, name, earlier, false))
      .filter((other) => !claim.shared || !other.shared);
    return certain.some((other) => this.leadsTo(other.holder, holder, (one) => this.hasToWaitFor(one, holder, seen)));
  }

  isFree(claim: Claim): boolean {
    const { blockers } = this.decide(claim);
    if (blockers.length === 0) return true;
    if (claim.alternatives.length > 0) return false;
    return blockers.every((other) => !this.held.has(other) && this.hasToWaitFor(other, claim.holder));
  }

  /**
   * Returns whether a claim waits for its own holder, directly or through others. Such a cycle is not always a
   * deadlock.
   */
  closesCycle(claim: Claim): boolean {
    const overtaken = this.others(claim).filter(
      (other) => this.overtakes(claim, other) && wantedBy(claim).some((name) => this.mayBlock(claim, name, other)),
    );
    const leads = (other: Named, waits: (one: Named) => boolean): boolean =>
      this.leadsTo(other.holder, claim.holder, (one) => waits(one) && this.waitsFor(one, claim.holder, "anything"));
    return (
      this.decide(claim).blockers.some((other) => leads(other, () => true)) ||
      overtaken.some((other) => this.hasChoice(other) || leads(other, (one) => one !== other))
    );
  }

  /** Returns whether a waiting claim waits, directly or through others, for one of several holders or names. */
  hasChoice(claim: Claim, seen = new Set<Claim>()): boolean {
    if (seen.has(claim)) return false;
    seen.add(claim);
    if (claim.maxHolders !== null || claim.alternatives.length > 0) return true;
    return this.before(claim).some((other) => {
      if (claim.shared && other.shared) return true;
      const behind = this.waiting.filter((one) => one.holder === other.holder || one.parent === other.holder);
      return behind.some((one) => this.hasChoice(one, seen));
    });
  }

  /** Returns whether `other` may block a claim at a name, alone or together with other claims. */
  mayBlock(claim: Claim, name: Resource, other: Named): boolean {
    const areUnlimited = holdersMaxOf(claim) === Infinity && holdersMaxOf(other) === Infinity;
    return has({ resources: wantedBy(other) }, name) && !areUnlimited;
  }

  /** Returns whether a new claim's holder can end all of its claims if the new claim waits. */
  canFinish(asked: Claim): boolean {
    const claims = new Set([...this.held, ...this.waiting]);
    const waiting: Claim[] = [...this.waiting, asked];
    const unfinished = new Set([...claims, asked].map(({ holder }) => holder));
    const isBlocked = (claim: Claim): boolean => {
      const others = this.others(claim).filter(({ holder }) => unfinished.has(holder));
      return this.among(claim, others).blockers.length > 0;
    };
    for (let before = -1; before !== unfinished.size; ) {
      before = unfinished.size;
      for (const holder of unfinished) {
        const waitsForChild = childrenOf(holder).some((child) => unfinished.has(child));
        if (!waitsForChild && !waiting.some((claim) => claim.holder === holder && isBlocked(claim)))
          unfinished.delete(holder);
      }
    }
    return !unfinished.has(asked.holder);
  }

  settle(): Named[] {
    const granted: Named[] = [];
    for (;;) {
      const free = this.waiting.find((claim) => this.decide(claim).blockers.length === 0);
      if (free === undefined) return granted;
      const { chosen } = this.decide(free);
      free.resources = [...free.resources, ...chosen];
      free.alternatives = [];
      free.chosen = chosen;
      this.waiting = this.waiting.filter((claim) => claim !== free);
      this.held.add(free);
      granted.push(free);
    }
  }
}

/**
 * A lock table with its own copies of the claims. It needs copies, because a lock table adds the chosen names to its
 * claims.
 */
class Played {
  readonly table = new LockTable<Named>();
  readonly #copies = new Map<string, Named>();

  constructor({ held, waiting }: { readonly held: Iterable<Named>; readonly waiting: readonly Named[] }) {
    for (const claim of [...held].toSorted((a, b) => a.order - b.order)) this.table.hold(this.copy(claim));
    for (const claim of waiting) if (!this.table.enqueue(this.copy(claim))) throw new Error(`${claim.name} is free`);
  }

  copy(claim: Named): Named {
    const copy = { ...claim };
    this.#copies.set(claim.name, copy);
    return copy;
  }

  remove({ name }: Named): Named[] {
    return this.table.remove(must(this.#copies.get(name), "it is there"));
  }
}

function textOf(claims: Iterable<Named>): string {
  return Array.from(claims, ({ name, resources }) => `${name}:${resources.map(({ text }) => text).join("+")}`).join(
    " ",
  );
}

/** Returns a claim as text for a failure. */
function describe({ name, holder, shared, maxHolders, ...claim }: Named, waiting: ReadonlySet<string>): string {
  const { resources, alternatives } = claim;
  const texts = (names: readonly Resource[]): string => names.map(({ text }) => text).join("+");
  const groups = alternatives.map((group) => ` any ${texts(group)}`).join("");
  const limit = maxHolders ?? (shared ? "shared" : 1);
  return `${name} of ${holder} ${waiting.has(name) ? "waits" : "held"} ${texts(resources)}${groups} (${limit})`;
}

function sortedTextOf(claims: Iterable<Named>): string {
  return textOf([...claims].toSorted((a, b) => a.order - b.order));
}

/** Returns a random claim of at most two names and at most two groups of alternatives. It may be counted. */
function drawClaim(random: Random, order: number, holder: string): Named {
  const texts = [...NAMES.keys()];
  const draw = (count: number): Resource[] => {
    const names = new Set(Array.from({ length: count }, () => texts[random(texts.length)] ?? ""));
    return [...names].flatMap((name) => NAMES.get(name) ?? []);
  };
  const counted = random(2) === 0;
  const shared = counted || random(6) === 0;
  const base = { order, holder, parent: PARENTS.get(holder) ?? null, shared, limitedTo: null, name: `c${order}` };
  const maxHolders = counted ? 2 + random(2) : null;
  const resources = draw(random(3));
  const groups = Array.from({ length: resources.length === 0 ? 1 + random(2) : random(2) }, () =>
    draw(2 + random(3)).filter((name) => !resources.includes(name)),
  );
  const isPossible = choices(groups).next().done !== true;
  if (isPossible) return { ...base, maxHolders, resources, alternatives: groups, chosen: [] };
  return { ...base, maxHolders, resources: draw(1), alternatives: [], chosen: [] };
}

t.test("any sequence of requests and ends", (t) => {
  const seed = newSeed();
  const random = makeRandom(seed);
  const steps = countRounds(20_000, 150_000);
  const counts = {
    free: 0,
    taken: 0,
    deadlock: 0,
    granted: 0,
    chosen: 0,
    overtaken: 0,
    behind: 0,
    cautious: 0,
    cycleWithoutDeadlock: 0,
    played: 0,
  };
  const naive = new NaiveLockTable();
  const running = new Played(naive);
  let restarted = new Played(naive);
  let order = 0;
  const pick = <Value>(values: readonly Value[]): Value => must(values[random(values.length)], "one of them");

  const playToTheEnd = (): string | null => {
    const left = new Map([...naive.held, ...naive.waiting].map((claim) => [claim.name, claim]));
    const played = new Played(naive);
    const waiting = new Set(naive.waiting.map(({ name }) => name));
    while (left.size > 0) {
      const busy = new Set([...left.values()].map(({ holder }) => holder));
      const free = [...busy].filter(
        (holder) =>
          !childrenOf(holder).some((child) => busy.has(child)) &&
          ![...left.values()].some((claim) => claim.holder === holder && waiting.has(claim.name)),
      );
      if (free.length === 0)
        return `a deadlock of ${Array.from(left.values(), (claim) => describe(claim, waiting)).join("; ")}`;
      const holder = pick(free);
      for (const claim of [...left.values()].filter((one) => one.holder === holder)) {
        for (const granted of played.remove(claim)) waiting.delete(granted.name);
        left.delete(claim.name);
      }
    }
    counts.played += 1;
    return played.table.held + played.table.waiting === 0 ? null : "claims are left";
  };

  const request = (): string | null => {
    order += 1;
    const claim = drawClaim(random, order, pick(HOLDERS));
    const waits = random(4) > 0;
    const { blockers, chosen } = naive.decide(claim);
    const mayWaitForItself = naive.closesCycle(claim);
    const isDeadlock = waits && mayWaitForItself && !naive.canFinish(claim);
    const expected = naive.isFree(claim) ? "free" : isDeadlock ? "deadlock" : "taken";
    const decision = running.table.evaluate(claim, waits, 100);
    counts[decision.kind] += 1;
    // A request may be refused although no deadlock would follow: all holders could finish one after the other
    // (docs/leases.md). This must be rare.
    const isCautious = decision.kind === "deadlock" && expected === "taken" && waits;
    if (isCautious) counts.cautious += 1;
    else if (decision.kind !== expected) return `${claim.name} is ${decision.kind}, not ${expected}`;
    const again = restarted.table.evaluate(claim, waits, 100);
    if (JSON.stringify(again) !== JSON.stringify(decision)) return `after a restart ${claim.name} gets another answer`;
    if (decision.kind === "taken") {
      if (mayWaitForItself && waits) counts.cycleWithoutDeadlock += 1;
      const held = blockers.some((other) => naive.held.has(other));
      const named = new Set(decision.conflicts.map((conflict) => conflict.claim.name));
      const isExpected = blockers.filter((other) => naive.held.has(other) === held).map(({ name }) => name);
      if ([...named].toSorted().join() !== isExpected.toSorted().join()) return `${claim.name} has other conflicts`;
      if (!waits || random(4) === 0) return null;
      const [copy, other] = [running.copy(claim), restarted.copy(claim)];
      if (!running.table.enqueue(copy) || !restarted.table.enqueue(other)) return "what is taken is free";
      naive.waiting.push(claim);
      const granted = running.table.grantBehind(copy);
      if (textOf(restarted.table.grantBehind(other)) !== textOf(granted)) return "other grants after a restart";
      counts.behind += granted.length;
      const behind = sortedTextOf(naive.settle());
      if (sortedTextOf(granted) !== behind) return `${sortedTextOf(granted)} by a wait, not ${behind}`;
    }
    if (decision.kind === "free") {
      if (
        !decision.overtakes &&
        sortedTextOf([{ ...claim, resources: decision.chosen }]) !== sortedTextOf([{ ...claim, resources: chosen }])
      )
        return `${claim.name} gets other names`;
      if (naive.before(claim).length > 0) counts.overtaken += 1;
      if (claim.alternatives.length > 0) counts.chosen += 1;
      claim.resources = [...claim.resources, ...decision.chosen];
      claim.alternatives = [];
      claim.chosen = decision.chosen;
      const granted = running.table.hold(running.copy(claim), decision.overtakes);
      if (textOf(restarted.table.hold(restarted.copy(claim), decision.overtakes)) !== textOf(granted))
        return "other grants after a restart";
      naive.held.add(claim);
      const byThat = sortedTextOf(naive.settle());
      if (sortedTextOf(granted) !== byThat) return `${sortedTextOf(granted)} by a grant, not ${byThat}`;
    }
    return null;
  };

  const end = (claim: Named): string | null => {
    naive.held.delete(claim);
    naive.waiting = naive.waiting.filter((other) => other !== claim);
    const granted = running.remove(claim);
    if (textOf(restarted.remove(claim)) !== textOf(granted)) return "other grants after a restart";
    counts.granted += granted.length;
    const expected = sortedTextOf(naive.settle());
    return sortedTextOf(granted) === expected ? null : `granted ${sortedTextOf(granted)}, not ${expected}`;
  };

  let problem: string | null = null;
  for (let step = 0; step < steps && problem === null; step++) {
    const live = [...naive.held, ...naive.waiting];
    if (random(40) === 0) problem = playToTheEnd();
    else if (random(60) === 0) restarted = new Played(naive);
    else if (live.length < CLAIMS_MAX && random(5) < 3) problem = request();
    else if (live.length > 0) problem = end(pick(live));
    if (running.table.held !== naive.held.size || running.table.waiting !== naive.waiting.length)
      problem ??= "other numbers";
    if (problem !== null) problem = `step ${step}: ${problem}`;
  }
  t.equal(problem, null, `seed ${seed}`);
  t.ok(
    Object.entries(counts).every(([name, count]) => count > 20 || name === "behind" || name === "cautious"),
    `everything came up: ${JSON.stringify(counts)}`,
  );
  t.ok(counts.cautious <= 1 + counts.deadlock / 100, "few circles are refused that are no deadlock");
  t.end();
});

t.test("a claim that begins to wait lets another holder overtake those that now wait for it", (t) => {
  const table = new LockTable<Named>();
  let order = 0;
  const claim = (holder: string, names: readonly string[], maxHolders: number | null): Named => ({
    ...{ name: `${holder}${++order}`, order, holder, parent: null, limitedTo: null, alternatives: [], chosen: [] },
    ...{ resources: names.map((name) => must(NAMES.get(name), name)), shared: maxHolders !== null, maxHolders },
  });
  table.hold(claim("h0", ["a"], 2));
  const ofB = claim("h1", ["b"], null);
  table.hold(ofB);
  table.hold(claim("h2", ["c"], null));
  // `earlier` waits for "b", which h1 holds. It also waits for "a", so "a" is full for the next claim.
  const earlier = claim("h3", ["a", "b"], 2);
  t.ok(table.enqueue(earlier));
  const later = claim("h2", ["a"], 2);
  t.equal(table.evaluate(later, true, 10).kind, "taken");
  t.ok(table.enqueue(later));
  const further = claim("h4", ["d"], null);
  t.same([table.enqueue(further), table.grantBehind(further)], [false, []], "a claim of something else grants nothing");
  // From now on h1 waits for h2. So `earlier`, which waits for h1, also waits for h2. h0 may still end its claim, so
  // this is no deadlock.
  const behind = claim("h1", ["c"], null);
  t.equal(table.evaluate(behind, true, 10).kind, "taken");
  t.ok(table.enqueue(behind));
  t.same(
    table.grantBehind(behind).map(({ name }) => name),
    [later.name],
  );
  t.same(table.grantBehind(behind), [], "no claim is granted twice");
  t.same(
    table.conflictsOf(earlier, 10).conflicts.map((conflict) => conflict.claim.name),
    [...table.claimsOf("h0"), ofB, later].map(({ name }) => name),
    "the earlier one waits for the holders of both names",
  );
  t.end();
});
