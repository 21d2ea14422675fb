/** Lists the conflicts of a claim with its blockers, for the refusal of the claim. Pure. */
import { exclude } from "./contention.js";
import type { LockEntries } from "./lock-entries.js";
import { type Claim, inOrder, type LockEntry as Entry, wantedBy } from "./lock-entry.js";
import type { Resource } from "./resource.js";
import type { Meeting } from "./resource-index.js";
import type { FoundBlockers } from "./wait-graph.js";

/** Two resources that conflict. */
export interface Conflict<Kind extends Claim> {
  /** The requested resource. */
  readonly wanted: Resource;
  /** The resource of `claim` that blocks `wanted`. */
  readonly resource: Resource;
  readonly claim: Kind;
}

/**
 * The conflicts of a claim. `held` is true if they are conflicts with held claims. Conflicts with waiting claims are
 * listed only if there are no conflicts with held claims. The list has at most the requested length.
 */
export interface Conflicts<Kind extends Claim> {
  readonly held: boolean;
  readonly conflicts: readonly Conflict<Kind>[];
}

export class ConflictFinder<Kind extends Claim> {
  readonly #entries: LockEntries<Kind>;

  constructor(entries: LockEntries<Kind>) {
    this.#entries = entries;
  }

  /**
   * Returns the first conflicts with these blockers, in the order of the blockers' requests. The conflicts are part of
   * a reply, so their order must be the same on every node.
   */
  find(claim: Claim, found: FoundBlockers<Kind>, conflictsMax: number): Conflicts<Kind> {
    const { blockers } = found;
    const held = [...blockers].some((blocker) => blocker.held);
    const counted = inOrder([...blockers].filter((blocker) => blocker.held === held)).slice(0, conflictsMax);
    const meetings = new Map(counted.map((blocker) => [blocker, new Map<Resource, Set<Resource>>()]));
    for (const { wanted, resource, filed } of this.#meetingsWith(claim, found)) {
      const met = meetings.get(filed);
      if (met === undefined) continue;
      const known = met.get(wanted);
      if (known === undefined) met.set(wanted, new Set([resource]));
      else known.add(resource);
    }
    const conflicts: Conflict<Kind>[] = [];
    for (const [blocker, ofBlocker] of meetings) {
      for (const wanted of wantedBy(claim)) {
        const met = ofBlocker.get(wanted);
        if (met === undefined) continue;
        for (const resource of blocker.resources) {
          if (conflicts.length === conflictsMax) return { held, conflicts };
          if (met.has(resource)) conflicts.push({ wanted, resource, claim: blocker.claim });
        }
      }
    }
    return { held, conflicts };
  }

  /**
   * Returns the pairs of resources that conflict. In each pair, the claim wants the first resource, and a blocker has
   * the second one.
   */
  #meetingsWith(claim: Claim, { blockers, blocking }: FoundBlockers<Kind>): Iterable<Meeting<Entry<Kind>>> {
    if (blocking === null) {
      const where = (other: Entry<Kind>, wanted: Resource): boolean =>
        blockers.has(other) && exclude(other.claim, claim, wanted);
      return this.#entries.index.meeting(claim.resources, where);
    }
    return blocking.obstructions.flatMap(({ alone, together }) => [...alone, ...together]);
  }
}

export function conflictOf<Kind extends Claim>({ wanted, resource, filed }: Meeting<Entry<Kind>>): Conflict<Kind> {
  return { wanted, resource, claim: filed.claim };
}
