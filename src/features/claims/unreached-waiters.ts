/**
 * Keeps the waiting entries that a search has not reached yet. The search looks for all claims that wait for a holder.
 * Each resource has a list of its unreached entries, in the order of their requests. So if hundreds of claims wait for
 * the same names, the search examines each claim once for each name. Without the lists, it would examine each pair of
 * claims. Pure except for its state.
 */
import type { Claim, LockEntry as Entry } from "./lock-entry.js";
import type { Resource } from "./resource.js";
import type { Meeting, ResourceIndex } from "./resource-index.js";

type Met<Kind extends Claim> = Meeting<Entry<Kind>>;

export class UnreachedWaiters<Kind extends Claim> {
  readonly #index: ResourceIndex<Entry<Kind>>;
  /** The unreached entries that overlap each resource. The key is the scope and the text of the resource. */
  readonly #queues = new Map<string, Met<Kind>[]>();
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
      const queue = this.#queueOf(resource);
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

  #queueOf(resource: Resource): Met<Kind>[] {
    const key = `${resource.scope} ${resource.text}`;
    const known = this.#queues.get(key);
    if (known !== undefined) return known;
    const queue = [...this.#index.meeting([resource], ({ held }) => !held)];
    queue.sort((a, b) => a.filed.claim.order - b.filed.claim.order);
    this.#queues.set(key, queue);
    return queue;
  }
}
