/**
 * Wakes the waiters for a resource when an overlapping lease changes. It stores the waiters in a `ResourceIndex`, so
 * that it finds the waiters of a changed lease quickly. Runs on the front, and listens to the projection of leases.
 */
import type { LeaseRecord } from "../../../schemas/leases.js";
import { GLOB_STEPS_MAX } from "../../../schemas/limits/claims.js";
import type { Failure } from "../../base/result.js";
import { TurnoverMap } from "../../base/turnover-map.js";
import type { StepBudget } from "../../base/step-budget.js";
import type { Wakeable } from "../../base/waiter.js";
import { type Contender, exclude } from "./contention.js";
import { contenderOf, resourcesOf, TOO_MANY_STEPS } from "./lease.js";
import type { LeaseProjection } from "./lease-projection.js";
import { type Resource, resourcesMeet, storedResource } from "./resource.js";
import { type HasResources, ResourceIndex } from "./resource-index.js";

/** A resource that a waiter wants, in one workspace or in any workspace. */
export interface WantedResource {
  readonly text: string;
  /** The workspace of the resource; null for any workspace. */
  readonly workspace: string | null;
}

interface Watcher extends HasResources {
  readonly wanted: WantedResource;
  readonly waiter: Wakeable;
  /** The claim that the waiter would make; null if the waiter is not an instance. */
  readonly asked: Contender | null;
  /** The number of the waiter. A later one has a higher number. */
  readonly order: number;
}

/**
 * A workspace name that stands for any workspace. Before a comparison, both resources get this name, so that only their
 * globs are compared.
 */
const ANYWHERE = "";

export class ResourceWatch {
  readonly #leases: LeaseProjection;
  readonly #here = new ResourceIndex<Watcher>();
  readonly #anywhere = new ResourceIndex<Watcher>();
  /** The waiting instances, by the number of their wait. The longest wait comes first. */
  readonly #instances = new TurnoverMap<number, Watcher>();
  #added = 0;

  constructor(leases: LeaseProjection) {
    this.#leases = leases;
    leases.listen((record) => this.#notify(record));
  }

  /** The number of resources for which instances wait. */
  get size(): number {
    return this.#instances.size;
  }

  /**
   * Adds a waiter for a resource. Returns the function that removes it.
   * @param asked the claim that the waiter would make; null if it is not an instance
   */
  listen(wanted: WantedResource, waiter: Wakeable, asked: Contender | null = null): () => void {
    const index = wanted.workspace === null ? this.#anywhere : this.#here;
    const resources = resourcesIn(wanted, [wanted.workspace ?? ANYWHERE]);
    const watcher = { resources, wanted, waiter, asked, order: this.#added++ };
    if (asked !== null && asked.holder !== "") this.#instances.set(watcher.order, watcher);
    index.add(watcher);
    return () => {
      index.remove(watcher);
      this.#instances.delete(watcher.order);
    };
  }

  /**
   * Returns whether a held lease would conflict with a claim of the resource. Returns a refusal if the comparison is
   * too expensive.
   */
  isHeld(wanted: WantedResource, asked: Contender): boolean | Failure {
    const workspaces = wanted.workspace === null ? this.#leases.workspaces() : [wanted.workspace];
    const resources = resourcesIn(wanted, workspaces);
    if (this.#leases.costsTooMuch(resources)) return TOO_MANY_STEPS;
    return this.#leases.heldByOthers(resources, asked).next().done !== true;
  }

  /**
   * Returns the ids of the instances that wait for the end of a held lease. The one that has waited longest comes
   * first. Returns none if the comparison is too expensive, or if the budget is used up.
   */
  waitersOf(record: LeaseRecord, budget: StepBudget): string[] {
    const found = [
      ...this.#waitersIn(this.#here, record, record.workspace, budget),
      ...this.#waitersIn(this.#anywhere, record, ANYWHERE, budget),
    ];
    return [...new Set(found.toSorted((a, b) => a.order - b.order).flatMap(({ asked }) => asked?.holder ?? []))];
  }

  /**
   * Yields the held leases that instances wait for. A lease may be yielded several times. Resources that are too
   * expensive to compare are left out. Ends if the budget is used up.
   * @param holder the holder of the leases; null for all holders
   */
  *awaited(holder: string | null, budget: StepBudget): Generator<LeaseRecord> {
    let workspaces: ReadonlySet<string> | undefined;
    for (const { resources, wanted, asked } of this.#instances.values()) {
      let compared = resources;
      if (wanted.workspace === null) {
        workspaces ??= holder === null ? this.#leases.workspaces() : this.#workspacesOf(holder);
        compared = resourcesIn(wanted, workspaces);
      }
      const steps = asked === null ? 0 : this.#leases.stepsFor(compared, Math.min(GLOB_STEPS_MAX, budget.left));
      if (!budget.take(1 + steps)) return;
      if (asked === null || steps > GLOB_STEPS_MAX) continue;
      for (const { filed } of this.#leases.heldByOthers(compared, asked, holder)) yield filed.record;
    }
  }

  #workspacesOf(holder: string): ReadonlySet<string> {
    return new Set([...this.#leases.of(holder)].map(({ workspace }) => workspace));
  }

  #waitersIn(index: ResourceIndex<Watcher>, record: LeaseRecord, workspace: string, budget: StepBudget): Watcher[] {
    if (index.size === 0) return [];
    const resources = resourcesOf(record.resources, workspace);
    const steps = index.stepsFor(resources, Math.min(GLOB_STEPS_MAX, budget.left));
    if (!budget.take(1 + steps)) return [];
    const lease = contenderOf(record);
    const where = ({ asked }: Watcher, resource: Resource): boolean =>
      asked !== null && asked.holder !== "" && exclude(asked, lease, resource);
    return [...index.meeting(resources, where)].map(({ filed }) => filed);
  }

  #notify(record: LeaseRecord): void {
    this.#wake(this.#here, record, record.workspace);
    this.#wake(this.#anywhere, record, ANYWHERE);
  }

  #wake(index: ResourceIndex<Watcher>, record: LeaseRecord, workspace: string): void {
    if (index.size === 0) return;
    const resources = resourcesOf(record.resources, workspace);
    if (index.stepsFor(resources, GLOB_STEPS_MAX) > GLOB_STEPS_MAX) {
      // An exact comparison is too expensive, so wake every waiter that may overlap. Each waiter checks its condition
      // itself.
      for (const { waiter } of index.near(resources)) waiter.wake();
      return;
    }
    for (const { filed } of index.meeting(resources, () => true)) filed.waiter.wake();
  }
}

/**
 * Returns whether a wanted resource overlaps one of the resources of a lease.
 * @param texts the resources of the lease
 * @param leasedIn the workspace of the lease
 */
export function overlaps({ text, workspace }: WantedResource, texts: readonly string[], leasedIn: string): boolean {
  const wanted = storedResource(text, workspace ?? leasedIn);
  return texts.some((leased) => resourcesMeet(storedResource(leased, leasedIn), wanted));
}

function resourcesIn({ text }: WantedResource, workspaces: Iterable<string>): Resource[] {
  return Array.from(workspaces, (workspace) => storedResource(text, workspace));
}
