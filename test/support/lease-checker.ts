/**
 * An independent checker of leases. It reads events in their order, as any client could, and reports violations of the
 * contract. It knows only the contract and not the server, and computes everything again after each event. Pure.
 */
import { Failure } from "../../src/base/result.js";
import { parseResource, resourcesMeet, type Resource } from "../../src/features/claims/resource.js";

export interface LeaseEvent {
  readonly id: number;
  readonly topic: string;
  readonly data: unknown;
}

interface LeaseData {
  readonly lease_id: string;
  readonly holder: { readonly id: string };
  readonly workspace: string;
  readonly resources: readonly string[];
  readonly mode: string;
  readonly fence: number | null;
  readonly max_holders?: number;
  readonly any?: readonly string[];
}

/** The properties of a lease that its events do not contain. */
export interface LeaseFacts {
  readonly scope: string;
  readonly checkout: string | null;
  readonly parent: string | null;
}

interface Known extends LeaseFacts {
  readonly id: string;
  readonly holder: string;
  readonly shared: boolean;
  /** The maximum number of holders that share the names, including its own holder. */
  readonly holdersMax: number;
  /** The resources that it has or needs, except the chosen names. */
  readonly resources: readonly Resource[];
  /** The groups of alternatives. It needs one name of each group. */
  readonly groups: readonly (readonly Resource[])[];
  /** The chosen name of each group; empty while the claim waits. */
  readonly chosen: readonly Resource[];
  /** The claims in the order of their requests. */
  readonly order: number;
  readonly fence: number | null;
}

/** The blockers of a claim, and the names that the claim gets if there are none. */
interface Found {
  readonly blockers: Known[];
  readonly chosen: readonly Resource[];
}

/** The facts of a lease without a checkout or a parent. */
const PLAIN: LeaseFacts = { scope: "repo", checkout: null, parent: null };

function read(texts: readonly string[], workspace: string): Resource[] {
  return texts.map((text) => {
    const resource = parseResource(text, workspace, "resource");
    if (resource instanceof Failure) throw new Error(resource.message);
    return resource;
  });
}

/** Returns the names of a group of alternatives, in the order in which they are written. */
function namesOf(group: string): string[] {
  return group.split("|").flatMap((part) => {
    const range = /^(.*?)(\d+)\.\.(\d+)$/.exec(part);
    if (range === null) return [part];
    const [, prefix = "", first, last] = range;
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, at) => prefix + (Number(first) + at));
  });
}

function known(data: LeaseData, order: number, { scope, checkout, parent }: LeaseFacts): Known {
  const { lease_id, holder, workspace, mode, fence, max_holders, any = [] } = data;
  const shared = mode === "shared";
  const all = read(data.resources, workspace);
  // The chosen names are the last resources.
  const chosen = fence === null ? [] : all.slice(all.length - any.length);
  const resources = all.slice(0, all.length - chosen.length);
  const taken = new Set(resources.map(({ text }) => text));
  const groups = any.map((group) =>
    read(
      namesOf(group).filter((name) => !taken.has(name)),
      workspace,
    ),
  );
  const holdersMax = max_holders ?? (shared ? Number.POSITIVE_INFINITY : 1);
  return {
    ...{ id: lease_id, holder: holder.id, shared, holdersMax, resources, groups, chosen, order, fence },
    ...{ scope, checkout, parent },
  };
}

function areFamily(a: Known, b: Known): boolean {
  return a.holder === b.holder || a.holder === b.parent || a.parent === b.holder;
}

function areOneTree(a: Known, b: Known): boolean {
  return a.scope === "repo" || b.scope === "repo" || a.checkout === b.checkout;
}

/** Whether a claim has chosen a name, or waits for it as one of its alternatives. */
function choosesName({ groups, chosen, fence }: Known, name: Resource): boolean {
  return (fence === null ? groups.flat() : chosen).some(({ text }) => text === name.text);
}

/** Returns the claims that keep a claim from getting one of its resources. */
function inTheWay(lease: Known, wanted: Resource, others: readonly Known[], isChoice: boolean): Known[] {
  const there = others.filter(
    (other) =>
      (areOneTree(lease, other) || !wanted.text.startsWith("path:")) &&
      [...other.resources, ...(other.fence === null ? other.groups.flat() : other.chosen)].some((one) =>
        resourcesMeet(one, wanted),
      ),
  );
  const own = isChoice ? there.filter((other) => areFamily(lease, other) && choosesName(other, wanted)) : [];
  const alone = there.filter((other) => !areFamily(lease, other) && !(lease.shared && other.shared));
  const sharing = there.filter(
    (other) => lease.shared && other.shared && other.holder !== lease.holder && !own.includes(other),
  );
  const holders = new Set(sharing.map(({ holder }) => holder));
  const holdersMax = Math.min(lease.holdersMax, ...sharing.map((other) => other.holdersMax));
  return [...own, ...alone, ...(holders.size + 1 > holdersMax ? sharing : [])];
}

/**
 * Returns the first choice that has one free name of each group and no name twice. The order of the names decides which
 * is first.
 */
function choose(free: readonly (readonly Resource[])[], before: readonly Resource[] = []): Resource[] | null {
  const [first, ...rest] = free;
  if (first === undefined) return [...before];
  for (const name of first) {
    const found = before.some(({ text }) => text === name.text) ? null : choose(rest, [...before, name]);
    if (found !== null) return found;
  }
  return null;
}

/** Finds the claims among others that block a claim. */
function blockersAmong(lease: Known, others: readonly Known[]): Found {
  const blockers = new Set(lease.resources.flatMap((wanted) => inTheWay(lease, wanted, others, false)));
  const ofNames = lease.groups.map((group) =>
    group.map((name) => ({ name, found: inTheWay(lease, name, others, true) })),
  );
  const chosen = choose(
    ofNames.map((group) => group.filter(({ found }) => found.length === 0).map(({ name }) => name)),
  );
  if (chosen === null) for (const { found } of ofNames.flat()) for (const blocker of found) blockers.add(blocker);
  return { blockers: [...blockers], chosen: blockers.size === 0 ? (chosen ?? []) : [] };
}

/**
 * Whether two claims have the same holder, or the holder of the first one is the parent of the other holder and so
 * waits with it.
 */
function waitsWith({ holder }: Known, asked: Known): boolean {
  return holder === asked.holder || holder === asked.parent;
}

export class LeaseChecker {
  readonly problems: string[] = [];
  readonly held = new Map<string, Known>();
  readonly waiting = new Map<string, Known>();
  readonly #ended = new Set<string>();
  /** The newest fence of any claim. */
  fence = 0;
  granted = 0;
  #order = 0;
  readonly #factsOf: (leaseId: string) => LeaseFacts;

  /** @param factsOf returns the properties of a lease that its events do not contain */
  constructor(factsOf: (leaseId: string) => LeaseFacts = () => PLAIN) {
    this.#factsOf = factsOf;
  }

  read(event: LeaseEvent): void {
    const { topic } = event;
    const data = event.data as LeaseData;
    const lease = known(data, ++this.#order, this.#factsOf(data.lease_id));
    if (this.#ended.has(lease.id)) this.#problem(event, "it has ended before");
    if (topic === "lease.waiting") this.#wait(event, lease);
    else if (topic === "lease.granted") this.#grant(event, lease);
    else this.#end(event, lease);
  }

  /** Checks after the last event that no claim waits without a blocker. */
  readEnd(): void {
    for (const lease of this.waiting.values())
      if (this.#obstacles(lease).blockers.length === 0) this.problems.push(`${lease.id} waits without a blocker`);
  }

  /**
   * Whether a holder could have resources exclusively now.
   * @param of the claims that can block: only the held ones, or the waiting ones too
   */
  isFree(
    resources: readonly string[],
    workspace: string,
    holder: string,
    of: "held" | "all",
    facts: LeaseFacts = PLAIN,
  ): boolean {
    const data = { lease_id: "", holder: { id: holder }, workspace, resources, mode: "exclusive", fence: null };
    const wanted = known(data, Number.POSITIVE_INFINITY, facts);
    const found = of === "held" ? blockersAmong(wanted, [...this.held.values()]) : this.#obstacles(wanted);
    return found.blockers.length === 0;
  }

  #wait(event: LeaseEvent, lease: Known): void {
    if (lease.fence !== null) this.#problem(event, "it waits under a fence");
    if (this.held.has(lease.id) || this.waiting.has(lease.id)) this.#problem(event, "it is known");
    this.waiting.set(lease.id, lease);
  }

  #grant(event: LeaseEvent, lease: Known): void {
    const isNew = !this.waiting.has(lease.id);
    const asked = this.waiting.get(lease.id) ?? { ...lease, chosen: [], fence: null };
    this.waiting.delete(lease.id);
    if (this.held.has(lease.id)) this.#problem(event, "it is held");
    if (lease.fence === null || lease.fence <= this.fence) this.#problem(event, `its fence is not above ${this.fence}`);
    this.fence = Math.max(this.fence, lease.fence ?? 0);
    const { blockers, chosen } = this.#obstacles(asked);
    // A new claim without alternatives may overtake waiting claims that have to wait for its holder anyway.
    const overtakes = isNew && asked.groups.length === 0;
    const obstacle = blockers.find((one) => !overtakes || !this.#hasToWaitFor(one, asked));
    if (obstacle !== undefined) this.#problem(event, `${obstacle.id} is in its way`);
    const texts = (names: readonly Resource[]): string => names.map(({ text }) => text).join();
    if (obstacle === undefined && texts(chosen) !== texts(lease.chosen))
      this.#problem(event, `it gets ${texts(lease.chosen)}, not ${texts(chosen)}`);
    this.held.set(lease.id, { ...asked, chosen: lease.chosen, fence: lease.fence });
    this.granted += 1;
  }

  #end(event: LeaseEvent, lease: Known): void {
    const before = this.held.get(lease.id) ?? this.waiting.get(lease.id);
    if (before === undefined) this.#problem(event, "it was neither held nor waiting");
    else if (before.fence !== lease.fence) this.#problem(event, "it ends under another fence");
    this.held.delete(lease.id);
    this.waiting.delete(lease.id);
    this.#ended.add(lease.id);
  }

  /** Returns the held claims and the earlier waiting claims, without those that a claim may overtake. */
  #before(lease: Known): Known[] {
    const earlier = [...this.waiting.values()].filter((other) => other.order < lease.order);
    return [
      ...this.held.values(),
      ...earlier.filter((other) => areFamily(lease, other) || !this.#waitsFor(other, lease)),
    ];
  }

  #obstacles(lease: Known): Found {
    return blockersAmong(lease, this.#before(lease));
  }

  /**
   * Whether a claim cannot be granted before the holder of another claim has ended a claim, directly or through other
   * holders.
   */
  #waitsFor(lease: Known, asked: Known, seen = new Set<Known>()): boolean {
    if (seen.has(lease)) return false;
    seen.add(lease);
    const held = new Map<string, Known[]>();
    for (const one of this.held.values()) held.set(one.holder, [...(held.get(one.holder) ?? []), one]);
    return [...held.values()].some(
      (theirs) =>
        blockersAmong(lease, theirs).blockers.length > 0 &&
        theirs.some(
          (one) => waitsWith(one, asked) || this.#waitsOf(one).some((other) => this.#waitsFor(other, asked, seen)),
        ),
    );
  }

  /** Returns the waiting claims of a claim's holder, and those of the holder's children. */
  #waitsOf({ holder }: Known): Known[] {
    return [...this.waiting.values()].filter((one) => one.holder === holder || one.parent === holder);
  }

  /**
   * Whether a waiting claim has to wait, directly or through others, for the holder of another claim: for what this
   * holder holds, or for what an earlier waiter wants.
   */
  #hasToWaitFor(lease: Known, asked: Known, seen = new Set<Known>()): boolean {
    if (seen.has(lease) || !this.waiting.has(lease.id)) return false;
    seen.add(lease);
    const before = this.#before(lease);
    // Only these waits are certain. Otherwise another holder of a full name may end, or another alternative may become
    // free.
    const certain = lease.resources
      .flatMap((wanted) => inTheWay(lease, wanted, before, false))
      .filter((other) => !(lease.shared && other.shared));
    return certain.some(
      (other) => waitsWith(other, asked) || this.#waitsOf(other).some((one) => this.#hasToWaitFor(one, asked, seen)),
    );
  }

  #problem({ id, topic, data }: LeaseEvent, what: string): void {
    this.problems.push(`event ${id}, ${topic} of ${(data as LeaseData).lease_id}: ${what}`);
  }
}
