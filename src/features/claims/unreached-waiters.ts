/**
 * Keeps the waiting entries that a search has not reached yet. The search looks for all claims that wait for a holder.
 * Each resource has a list of its unreached entries, in the order of their requests. So if hundreds of claims wait for
 * the same names, the search examines each claim once for each name. Without the lists, it would examine each pair of
 * claims.
 *
 * The claims of one holder do not wait for each other, so they stay in the lists. Therefore the search does not examine
 * a list for a claim if it has already examined the list for an earlier claim of the same holder that excludes the same
 * claims. Otherwise a holder whose hundreds of claims wait for one name would cost a search for each pair of them. Pure
 * except for its state.
 */
import { choosesName, type Claim, type LockEntry as Entry } from "./lock-entry.js";
import type { Resource } from "./resource.js";
import type { Meeting, ResourceIndex } from "./resource-index.js";

type Met<Kind extends Claim> = Meeting<Entry<Kind>>;

/** The unreached entries that overlap one resource. */
interface List<Kind extends Claim> {
  readonly queue: Met<Kind>[];
  /**
   * The order of the earliest claim for which the queue was examined, by everything that decides which claims wait for
   * a claim. HELD if the claim was held, because all waiting claims come after a held one.
   */
  readonly examinedFrom: Map<string, number>;
}

const HELD = Number.NEGATIVE_INFINITY;

export class UnreachedWaiters<Kind extends Claim> {
  readonly #index: ResourceIndex<Entry<Kind>>;
  /** The lists. The key is the scope and the text of the resource. */
  readonly #lists = new Map<string, List<Kind>>();
  readonly #reached = new Set<Entry<Kind>>();

  /** @param index the index of the table, which must not change during the search */
  constructor(index: ResourceIndex<Entry<Kind>>) {
    this.#index = index;
  }

  /**
   * Returns the unreached entries that wait for an entry. They count as reached afterwards.
   * @param waits returns whether another entry waits for `entry` at a resource that it wants
   */
  takeBehind(entry: Entry<Kind>, waits: (other: Entry<Kind>, wanted: Resource) => boolean): Set<Entry<Kind>> {
    const found = new Set<Entry<Kind>>();
    for (const resource of entry.resources) {
      const list = this.#listOf(resource);
      if (list.queue.length === 0 || isExamined(list, entry, resource)) continue;
      const { queue } = list;
      let at = queue.length;
      for (let last = queue[at - 1]; last !== undefined; last = queue[at - 1]) {
        if (!entry.held && last.filed.claim.order <= entry.claim.order) break;
        at -= 1;
      }
      if (at === queue.length) continue;
      for (const met of queue.splice(at)) {
        if (this.#reached.has(met.filed) || found.has(met.filed)) continue;
        if (waits(met.filed, met.resource)) found.add(met.filed);
        // The entry stays in the list of this resource. If it is later reached at another resource, it is skipped here.
        else queue.push(met);
      }
    }
    for (const other of found) this.#reached.add(other);
    return found;
  }

  #listOf(resource: Resource): List<Kind> {
    const key = `${resource.scope} ${resource.text}`;
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const queue = [...this.#index.meeting([resource], ({ held }) => !held)];
    queue.sort((a, b) => a.filed.claim.order - b.filed.claim.order);
    const list = { queue, examinedFrom: new Map() };
    this.#lists.set(key, list);
    return list;
  }
}

/**
 * Returns whether the claims that wait for an entry at a resource were already found for an earlier entry of the same
 * holder. If not, the entry counts as examined from now on.
 */
function isExamined<Kind extends Claim>(
  { examinedFrom }: List<Kind>,
  { held, claim }: Entry<Kind>,
  resource: Resource,
): boolean {
  const { holder, parent, shared, limitedTo, order } = claim;
  const key = `${holder}\n${parent}\n${shared}\n${choosesName(claim, resource)}\n${limitedTo}`;
  const from = held ? HELD : order;
  if ((examinedFrom.get(key) ?? Number.POSITIVE_INFINITY) <= from) return true;
  examinedFrom.set(key, from);
  return false;
}
