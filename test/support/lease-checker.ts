/**
 * An independent checker of leases: it reads events in their order, as any client could, and reports violations of the
 * contract. It knows only the contract and not the server, and computes everything again with each event. Pure.
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
}

/** The members of a lease that its events do not have. */
export interface LeaseFacts {
  readonly scope: string;
  readonly checkout: string | null;
  readonly parent: string | null;
}

interface Known extends LeaseFacts {
  readonly id: string;
  readonly holder: string;
  readonly shared: boolean;
  readonly resources: readonly Resource[];
  /** The claims in the order of their requests. */
  readonly order: number;
  readonly fence: number | null;
}

/** The facts of a lease without a checkout or a parent. */
const PLAIN: LeaseFacts = { scope: "repo", checkout: null, parent: null };

function known(
  { lease_id, holder, workspace, resources, mode, fence }: LeaseData,
  order: number,
  { scope, checkout, parent }: LeaseFacts,
): Known {
  const read = resources.map((text) => {
    const resource = parseResource(text, workspace, "resource");
    if (resource instanceof Failure) throw new Error(resource.message);
    return resource;
  });
  const shared = mode === "shared";
  return { id: lease_id, holder: holder.id, shared, resources: read, order, fence, scope, checkout, parent };
}

function conflict(a: Known, b: Known): boolean {
  const isFamily = a.holder === b.holder || a.holder === b.parent || a.parent === b.holder;
  const isOneTree = a.scope === "repo" || b.scope === "repo" || a.checkout === b.checkout;
  return (
    !isFamily &&
    !(a.shared && b.shared) &&
    a.resources.some((one) =>
      b.resources.some((two) => (isOneTree || !one.text.startsWith("path:")) && resourcesMeet(one, two)),
    )
  );
}

/** Whether the holder of a claim is that of another, or waits for it because it is its parent. */
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

  /** @param factsOf returns what the events do not say of a lease */
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

  /** Checks, after the last event, that no claim waits without a blocker. */
  readEnd(): void {
    for (const lease of this.waiting.values())
      if (this.#obstacles(lease).length === 0) this.problems.push(`${lease.id} waits without a blocker`);
  }

  /**
   * Whether a holder could have resources exclusively now.
   * @param of the possible blockers: held claims, or waiting ones, too
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
    return of === "held"
      ? ![...this.held.values()].some((other) => conflict(wanted, other))
      : this.#obstacles(wanted).length === 0;
  }

  #wait(event: LeaseEvent, lease: Known): void {
    if (lease.fence !== null) this.#problem(event, "it waits under a fence");
    if (this.held.has(lease.id) || this.waiting.has(lease.id)) this.#problem(event, "it is known");
    this.waiting.set(lease.id, lease);
  }

  #grant(event: LeaseEvent, lease: Known): void {
    const asked = this.waiting.get(lease.id) ?? lease;
    this.waiting.delete(lease.id);
    if (this.held.has(lease.id)) this.#problem(event, "it is held");
    if (lease.fence === null || lease.fence <= this.fence) this.#problem(event, `its fence is not above ${this.fence}`);
    this.fence = Math.max(this.fence, lease.fence ?? 0);
    // A new claim may overtake those that have to wait for its holder anyway.
    const isNew = asked === lease;
    const obstacle = this.#obstacles(asked).find((one) => !isNew || !this.#hasToWaitFor(one, asked));
    if (obstacle !== undefined) this.#problem(event, `${obstacle.id} is in its way`);
    this.held.set(lease.id, { ...asked, fence: lease.fence });
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

  #obstacles(lease: Known): Known[] {
    const held = [...this.held.values()].filter((other) => conflict(lease, other));
    const earlier = [...this.waiting.values()].filter((other) => other.order < lease.order && conflict(lease, other));
    return [...held, ...earlier.filter((other) => !this.#waitsFor(other, lease))];
  }

  /** Whether a claim waits, directly or through others, for what the holder of another holds. */
  #waitsFor(lease: Known, asked: Known, seen = new Set<Known>()): boolean {
    if (seen.has(lease)) return false;
    seen.add(lease);
    const blockers = [...this.held.values()].filter((other) => conflict(lease, other));
    return blockers.some(
      (other) => waitsWith(other, asked) || this.#waitsOf(other).some((one) => this.#waitsFor(one, asked, seen)),
    );
  }

  /** The waiting claims with which the holder of a claim waits: its own, and those of its children. */
  #waitsOf({ holder }: Known): Known[] {
    return [...this.waiting.values()].filter((one) => one.holder === holder || one.parent === holder);
  }

  /**
   * Whether a waiting claim has to wait for the holder of another, directly or through others, for what the holder
   * holds or an earlier waiter wants.
   */
  #hasToWaitFor(lease: Known, asked: Known, seen = new Set<Known>()): boolean {
    if (seen.has(lease) || !this.waiting.has(lease.id)) return false;
    seen.add(lease);
    return this.#obstacles(lease).some(
      (other) => waitsWith(other, asked) || this.#waitsOf(other).some((one) => this.#hasToWaitFor(one, asked, seen)),
    );
  }

  #problem({ id, topic, data }: LeaseEvent, what: string): void {
    this.problems.push(`event ${id}, ${topic} of ${(data as LeaseData).lease_id}: ${what}`);
  }
}
