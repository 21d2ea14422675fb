/**
 * Wakes the waiters for a resource when an overlapping lease changes. It stores the waiters in a `ResourceIndex`, so
 * that it finds the waiters of a changed lease quickly. Runs on the front, and listens to the projection of leases.
 */
import type { LeaseRecord } from "../../../schemas/leases.js";
import { GLOB_STEPS_MAX } from "../../../schemas/limits/claims.js";
import type { Failure } from "../../base/result.js";
import type { Wakeable } from "../../base/waiter.js";
import type { Contender } from "./contention.js";
import { resourcesOf, TOO_MANY_STEPS } from "./lease.js";
import type { LeaseProjection } from "./lease-projection.js";
import { type Resource, resourcesMeet, storedResource } from "./resource.js";
import { type HasResources, ResourceIndex } from "./resource-index.js";

/** A resource that a waiter wants, in one workspace or in any workspace. */
export interface WantedResource {
  readonly text: string;
  /** Null for any workspace. */
  readonly workspace: string | null;
}

interface Watcher extends HasResources {
  readonly waiter: Wakeable;
}

/**
 * The workspace name that stands for any workspace. Two resources with this name overlap if they would overlap within
 * one workspace.
 */
const ANYWHERE = "";

export class ResourceWatch {
  readonly #leases: LeaseProjection;
  readonly #here = new ResourceIndex<Watcher>();
  readonly #anywhere = new ResourceIndex<Watcher>();

  constructor(leases: LeaseProjection) {
    this.#leases = leases;
    leases.listen((record) => this.#notify(record));
  }

  /** Adds a waiter for a resource. Returns the function that removes it. */
  listen(wanted: WantedResource, waiter: Wakeable): () => void {
    const index = wanted.workspace === null ? this.#anywhere : this.#here;
    const watcher = { resources: resourcesIn(wanted, [wanted.workspace ?? ANYWHERE]), waiter };
    index.add(watcher);
    return () => index.remove(watcher);
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
 * Returns whether one of the leased texts overlaps the wanted resource.
 * @param leasedIn the workspace in which the texts were leased
 */
export function overlaps({ text, workspace }: WantedResource, texts: readonly string[], leasedIn: string): boolean {
  const wanted = storedResource(text, workspace ?? leasedIn);
  return texts.some((leased) => resourcesMeet(storedResource(leased, leasedIn), wanted));
}

function resourcesIn({ text }: WantedResource, workspaces: Iterable<string>): Resource[] {
  return Array.from(workspaces, (workspace) => storedResource(text, workspace));
}
