/**
 * Tests the lock table by random sequences of steps. After each step, it must agree with a naive model that examines
 * all claims. The holders are agents and their subagents, in several checkouts.
 *
 * Each step also runs on a second lock table, which is sometimes rebuilt from the stored claims, as after a restart of
 * a node in a cluster. Both tables must return the same claims in the same order, because nodes compare their replies.
 */
import t from "tap";
import { must } from "../../base/assert.js";
import { Failure } from "../../base/result.js";
import { countRounds } from "../../../test/support/test-size.js";
import { makeRandom, newSeed } from "../../../test/support/random.js";
import { type Claim, LockTable } from "./lock-table.js";
import { parseResource, resourcesMeet, type Resource } from "./resource.js";

const RESOURCES: readonly Resource[] = [
  "path:a",
  "path:a/*",
  "path:a/**",
  "path:a/b",
  "path:{a/b,c}",
  "path:{c,d}/e.ts",
  "path:*/b",
  "path:**",
  "state:a",
  "state:a/b",
  "deploy",
].map((text) => {
  const resource = parseResource(text, "w", "resource");
  if (resource instanceof Failure) throw new Error(resource.message);
  return resource;
});
/** The holders, each with its parent. */
const PARENTS: ReadonlyMap<string, string | null> = new Map([
  ["h0", null],
  ["h1", null],
  ["h2", null],
  ["h3", null],
  ["h0/a", "h0"],
  ["h0/b", "h0"],
  ["h1/a", "h1"],
]);
const HOLDERS = [...PARENTS.keys()];
/**
 * The checkouts to which claims are limited; "" stands for none. A holder may move to another checkout between two
 * claims.
 */
const CHECKOUTS = ["", "", "", "one", "two"];
const CLAIMS_MAX = 14;

interface Named extends Claim {
  readonly name: string;
}

/** Returns whether two claims have overlapping resources. The files of different checkouts do not overlap. */
function meet(a: Claim, b: Claim): boolean {
  const apart = a.limitedTo !== b.limitedTo && a.limitedTo !== null && b.limitedTo !== null;
  return a.resources.some((one) =>
    b.resources.some((other) => resourcesMeet(one, other) && !(apart && one.text.startsWith("path:"))),
  );
}

function childrenOf(holder: string): string[] {
  return HOLDERS.filter((child) => PARENTS.get(child) === holder);
}

/**
 * A second, simple implementation of the rules by which claims are granted (sections 19, 20, 27 and 28 of the
 * contract). A parent waits for each of its children.
 */
class NaiveLockTable {
  readonly held = new Set<Named>();
  waiting: Named[] = [];

  conflict(a: Claim, b: Claim): boolean {
    const related = [a.holder, a.parent].includes(b.holder) || b.parent === a.holder;
    return !related && !(a.shared && b.shared) && meet(a, b);
  }

  /** Returns the claims for which a claim would wait if it overtook none of them. */
  before(claim: Named): Named[] {
    const earlier = this.waiting.filter((other) => other.order < claim.order);
    return [...this.held, ...earlier].filter((other) => this.conflict(claim, other));
  }

  /**
   * Returns whether a waiting claim waits for a holder, directly or through others. With "held", only waits for held
   * claims count. With "anything", waits for any claim count.
   */
  waitsFor(claim: Named, holder: string, through: "held" | "anything", seen = new Set<Named>()): boolean {
    if (seen.has(claim)) return false;
    seen.add(claim);
    return this.before(claim)
      .filter((other) => through === "anything" || this.held.has(other))
      .some((other) => this.leadsTo(other.holder, holder, (one) => this.waitsFor(one, holder, through, seen)));
  }

  /**
   * Returns whether `from` is the holder `to`, or waits for it. A holder also waits if one of its children waits.
   * @param waits whether a waiting claim waits for `to`
   */
  leadsTo(from: string, to: string, waits: (claim: Named) => boolean): boolean {
    return (
      from === to ||
      this.waiting.some((one) => one.holder === from && waits(one)) ||
      childrenOf(from).some((child) => this.leadsTo(child, to, waits))
    );
  }

  /** Returns whether a child may overtake a waiting claim only because this claim waits for the child's parent. */
  isCovered(claim: Named, other: Named): boolean {
    return (
      claim.parent !== null &&
      this.before(other).some((blocker) => blocker.holder === claim.parent) &&
      !this.before(other).some((blocker) => blocker.holder === claim.holder)
    );
  }

  overtakes(claim: Named, other: Named): boolean {
    return !this.held.has(other) && this.waitsFor(other, claim.holder, "held");
  }

  blockers(claim: Named): Named[] {
    return this.before(claim).filter((other) => !this.overtakes(claim, other));
  }

  /**
   * Returns whether a waiting claim has to wait, directly or through others, for a held or waiting claim of this
   * holder.
   */
  hasToWaitFor(claim: Named, holder: string, seen = new Set<Named>()): boolean {
    if (seen.has(claim)) return false;
    seen.add(claim);
    return this.blockers(claim).some((other) =>
      this.leadsTo(other.holder, holder, (one) => this.hasToWaitFor(one, holder, seen)),
    );
  }

  /** Returns whether a new claim is granted at once. */
  isFree(claim: Named): boolean {
    return this.blockers(claim).every((other) => !this.held.has(other) && this.hasToWaitFor(other, claim.holder));
  }

  deadlocks(claim: Named): boolean {
    return this.before(claim).some((other) =>
      this.leadsTo(
        other.holder,
        claim.holder,
        (one) => !(one === other && this.overtakes(claim, other)) && this.waitsFor(one, claim.holder, "anything"),
      ),
    );
  }

  /** Grants waiting claims until no more can be granted. Returns the granted claims. */
  settle(): Named[] {
    const granted: Named[] = [];
    for (;;) {
      const free = this.waiting.find((claim) => this.blockers(claim).length === 0);
      if (free === undefined) return granted;
      this.waiting = this.waiting.filter((claim) => claim !== free);
      this.held.add(free);
      granted.push(free);
    }
  }
}

/** Returns a decision as text, with each claim as its name. The order of lists is kept. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member !== "object" || member === null) return member;
    if ("name" in member) return member.name;
    return "globs" in member && "text" in member ? member.text : member;
  });
}

function namesOf(claims: Iterable<Named>): string {
  return [...claims]
    .map(({ name }) => name)
    .toSorted()
    .join(" ");
}

t.test("any sequence of requests and ends", (t) => {
  const seed = newSeed();
  const random = makeRandom(seed);
  const steps = countRounds(50_000, 800_000);
  const counts = {
    free: 0,
    taken: 0,
    deadlock: 0,
    granted: 0,
    overtaken: 0,
    overtakenInQueue: 0,
    overtakenByChild: 0,
    besideParent: 0,
    inOtherCheckouts: 0,
    cycleThroughParent: 0,
  };
  const table = new LockTable<Named>();
  let restarted = new LockTable<Named>();
  const naive = new NaiveLockTable();
  let order = 0;
  const pick = <Value>(values: readonly Value[]): Value => must(values[random(values.length)], "one of them");
  const problem = ((): string | null => {
    for (let step = 0; step < steps; step++) {
      const live = [...naive.held, ...naive.waiting];
      if (random(100) === 0) {
        // A restart reads the stored claims again, in the order of their requests.
        restarted = new LockTable();
        for (const claim of [...naive.held].toSorted((a, b) => a.order - b.order)) restarted.hold(claim);
        for (const claim of naive.waiting)
          if (!restarted.enqueue(claim)) return `${step}: ${claim.name} is free after a restart`;
      } else if (live.length < CLAIMS_MAX && random(5) < 3) {
        const resources = Array.from({ length: 1 + random(2) }, () => pick(RESOURCES));
        order += 1;
        const by = pick(HOLDERS);
        const claim: Named = {
          order,
          holder: by,
          parent: PARENTS.get(by) ?? null,
          shared: random(3) === 0,
          limitedTo: pick(CHECKOUTS) || null,
          resources,
          name: `c${order}`,
          alternatives: [],
          chosen: [],
        };
        const blockers = naive.blockers(claim);
        const waits = random(4) > 0;
        const expected = naive.isFree(claim) ? "free" : waits && naive.deadlocks(claim) ? "deadlock" : "taken";
        const decision = table.evaluate(claim, waits, 100);
        counts[decision.kind] += 1;
        if (textOf(restarted.evaluate(claim, waits, 100)) !== textOf(decision))
          return `${step}: after a restart ${claim.name} would get another answer`;
        if (decision.kind !== expected) return `${step}: ${claim.name} is ${decision.kind}, not ${expected}`;
        if (decision.kind === "taken") {
          const held = blockers.some((other) => naive.held.has(other));
          const expectedConflicts = blockers.filter((other) => naive.held.has(other) === held);
          if (namesOf(new Set(decision.conflicts.map((conflict) => conflict.claim))) !== namesOf(expectedConflicts))
            return `${step}: other conflicts`;
          const pairs = expectedConflicts.flatMap((other) =>
            claim.resources.flatMap((wanted) =>
              other.resources.filter((resource) =>
                naive.conflict({ ...claim, resources: [wanted] }, { ...other, resources: [resource] }),
              ),
            ),
          );
          const named = decision.conflicts.filter(({ wanted, resource, claim: other }) =>
            naive.conflict({ ...claim, resources: [wanted] }, { ...other, resources: [resource] }),
          );
          if (named.length !== decision.conflicts.length || named.length !== pairs.length)
            return `${step}: other pairs of resources`;
        }
        if (decision.kind === "deadlock") {
          const { cycle } = decision;
          const wrong = cycle.some(({ claim: waiting, holder }, at) => {
            const next = must(cycle[(at + 1) % cycle.length], "a cycle").holder;
            if (waiting === null && at > 0) return !childrenOf(holder).includes(next);
            return (
              !naive.before(waiting ?? claim).some((other) => other.holder === next) ||
              (waiting ?? claim).holder !== holder
            );
          });
          if (wrong || cycle.length < 2) return `${step}: no cycle ${cycle.map(({ holder }) => holder).join()}`;
          if (cycle.some((one, at) => at > 0 && one.claim === null)) counts.cycleThroughParent += 1;
        }
        if (decision.kind === "free") {
          if (naive.before(claim).length > 0) counts.overtaken += 1;
          if (decision.overtakes) counts.overtakenInQueue += 1;
          const overtakenForParent = naive.before(claim).some((other) => naive.isCovered(claim, other));
          if (overtakenForParent) counts.overtakenByChild += 1;
          const granted = table.hold(claim, decision.overtakes);
          if (textOf(restarted.hold(claim, decision.overtakes)) !== textOf(granted)) return `${step}: other grants`;
          for (const other of naive.held) {
            if (naive.conflict({ ...claim, holder: "", parent: null }, other) && other.holder !== by)
              counts.besideParent += 1;
            if (naive.conflict({ ...claim, limitedTo: null }, other)) counts.inOtherCheckouts += 1;
          }
          naive.held.add(claim);
          // A new claim rarely causes the grant of another claim: about once in 200 000 steps.
          const byThat = namesOf(naive.settle());
          if (namesOf(granted) !== byThat) return `${step}: ${namesOf(granted)} by a grant, not ${byThat}`;
        } else if (decision.kind === "taken" && waits && random(4) > 0) {
          if (!table.enqueue(claim) || !restarted.enqueue(claim)) return `${step}: what is taken is free`;
          naive.waiting.push(claim);
        }
      } else if (live.length > 0) {
        const claim = pick(live);
        naive.held.delete(claim);
        naive.waiting = naive.waiting.filter((other) => other !== claim);
        const granted = table.remove(claim);
        if (textOf(restarted.remove(claim)) !== textOf(granted)) return `${step}: other grants after an end`;
        counts.granted += granted.length;
        const expected = namesOf(naive.settle());
        if (namesOf(granted) !== expected) return `${step}: granted ${namesOf(granted)}, not ${expected}`;
      }
      if (table.held !== naive.held.size || table.waiting !== naive.waiting.length) return `${step}: other numbers`;
      for (const one of naive.held)
        for (const other of naive.held)
          if (naive.conflict(one, other)) return `${step}: ${one.name} and ${other.name} are held`;
    }
    return null;
  })();
  t.equal(problem, null, `seed ${seed}`);
  t.ok(
    Object.values(counts).every((count) => count > 20),
    `everything came up: ${JSON.stringify(counts)}`,
  );
  t.end();
});

/** Returns a claim of names, whose holder may be a subagent. */
function claimOf(order: number, holder: string, ...names: readonly string[]): Named {
  const resources = names.map((name) => {
    const resource = parseResource(name, "w", "resource");
    if (resource instanceof Failure) throw new Error(resource.message);
    return resource;
  });
  const parent = PARENTS.get(holder) ?? null;
  return {
    order,
    holder,
    parent,
    shared: false,
    limitedTo: null,
    resources,
    alternatives: [],
    chosen: [],
    name: `c${order}`,
  };
}

t.test("a grant to a parent lets a waiting claim of its child overtake", (t) => {
  const table = new LockTable<Named>();
  const [first, second, third] = [claimOf(1, "h0", "a"), claimOf(2, "h1", "b"), claimOf(3, "h2", "y")];
  for (const claim of [first, second, third]) table.hold(claim);
  table.enqueue(claimOf(4, "h0", "b"));
  // This claim waits for the parent, so the child's claim of z may overtake it.
  table.enqueue(claimOf(5, "h3", "a", "b", "z"));
  table.enqueue(claimOf(6, "h0/a", "z", "y"));
  t.equal(namesOf(table.remove(first)), "", "it still waits, but only for a waiting claim of the parent");
  t.equal(namesOf(table.remove(third)), "", "so that the child's claim waits for it");
  t.same(
    table.remove(second).map(({ name }) => name),
    ["c4", "c6"],
    "until the parent gets what it waits for",
  );
  t.end();
});

t.test("a child may take what waits for its parent, and a parent waits behind what waits for its child", (t) => {
  const table = new LockTable<Named>();
  table.hold(claimOf(1, "h0", "a"));
  table.hold(claimOf(2, "h0/a", "b"));
  table.enqueue(claimOf(3, "h1", "a"));
  table.enqueue(claimOf(4, "h2", "b"));
  t.match(table.evaluate(claimOf(5, "h0/a", "a"), false, 9), { kind: "free" }, "for the parent's claim covers it");
  t.match(table.evaluate(claimOf(5, "h0/b", "a"), false, 9), { kind: "free" });
  t.match(table.evaluate(claimOf(5, "h0", "b"), false, 9), { kind: "taken", held: false });
  t.match(table.evaluate(claimOf(5, "h0/b", "b"), false, 9), { kind: "taken", held: true }, "siblings stay apart");
  t.end();
});

t.test("a cycle may lead through a parent", (t) => {
  const table = new LockTable<Named>();
  table.hold(claimOf(1, "h0", "a"));
  table.hold(claimOf(2, "h1", "b"));
  const child = claimOf(3, "h0/a", "b");
  table.enqueue(child);
  const decision = table.evaluate(claimOf(4, "h1", "a"), true, 9);
  t.same(decision, {
    kind: "deadlock",
    cycle: [
      { holder: "h1", claim: null },
      { holder: "h0", claim: null },
      { holder: "h0/a", claim: child },
    ],
  });
  t.end();
});

t.test("the end of a claim costs little where many others wait for many", (t) => {
  const [HELD, HOLDERS_WAITING] = [199, 8];
  const WAITING = HELD * HOLDERS_WAITING;
  let compared = 0;
  /** Returns a claim that counts the comparisons with other claims. */
  const counting = (claim: Named): Named =>
    Object.defineProperty({ ...claim }, "shared", { get: () => ((compared += 1), false) });
  const table = new LockTable<Named>();
  const held = Array.from({ length: HELD }, (_, at) => counting(claimOf(at + 1, "h0", `name:${at}`)));
  for (const claim of held) table.hold(claim);
  for (let at = 0; at < WAITING; at++)
    table.enqueue(counting(claimOf(HELD + at + 1, `w${at % HOLDERS_WAITING}`, `name:${at % HELD}`)));
  compared = 0;
  for (const claim of held) table.remove(claim);
  t.equal(table.held, HELD, "each was granted to the next");
  t.ok(compared < 100 * WAITING, `${compared} comparisons`);
  t.end();
});
