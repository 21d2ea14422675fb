/**
 * Stores the entries of the lock table, and finds them by order, by holder, by parent and by resource. It decides
 * nothing: lock-table.ts has the rules. Pure except for its state.
 */
import { assert } from "../../base/assert.js";
import { Groups } from "../../base/groups.js";
import { TurnoverMap } from "../../base/turnover-map.js";
import { type Claim, inOrder, isPlain, LockEntry as Entry } from "./lock-entry.js";
import type { Resource } from "./resource.js";
import { ResourceIndex } from "./resource-index.js";

export class LockEntries<Kind extends Claim> {
  /** Entries by the order of their claims. */
  readonly byOrder = new TurnoverMap<number, Entry<Kind>>();
  readonly byHolder = new Groups<string, Entry<Kind>>();
  /** The entries of the children of each parent. */
  readonly byParent = new Groups<string, Entry<Kind>>();
  /** All entries, held and waiting, by resource. */
  readonly index = new ResourceIndex<Entry<Kind>>();
  /**
   * The held entries by resource. The most frequent question is whether a held claim blocks a waiting one. With this
   * index, the answer needs no search through the resource's queue, which may be long.
   */
  readonly heldIndex = new ResourceIndex<Entry<Kind>>();
  /**
   * The waiting entries that watch another waiting entry, by their holder. Only these can become free by overtaking,
   * when more claims wait for their holder. All other waiting entries watch only held ones.
   */
  readonly behindWaiting = new Groups<string, Entry<Kind>>();
  /** The number of held entries. */
  held = 0;
  /** The number of changes so far. A result that was cached before a change may be wrong after it. */
  changes = 0;
  /** The number of limited claims. A claim is limited if it is counted, or if it waits with alternatives. */
  #limited = 0;

  /** Returns whether the table has a claim to which the rule of blockers.ts applies. */
  get hasLimited(): boolean {
    return this.#limited > 0;
  }

  /**
   * Returns whether the rule of blockers.ts applies to a claim. While the table has a limited claim, the rule applies
   * to all claims.
   */
  isLimited(claim: Claim): boolean {
    return this.#limited > 0 || !isPlain(claim);
  }

  add(claim: Kind): Entry<Kind> {
    assert(!this.byOrder.has(claim.order), "a claim stands once");
    const entry = new Entry(claim);
    this.byOrder.set(claim.order, entry);
    this.changes += 1;
    if (!isPlain(claim)) this.#limited += 1;
    this.index.add(entry);
    this.byHolder.add(claim.holder, entry);
    if (claim.parent !== null) this.byParent.add(claim.parent, entry);
    return entry;
  }

  drop(entry: Entry<Kind>): void {
    const { claim } = entry;
    if (entry.watches.length > 0) this.watch(entry, []);
    this.changes += 1;
    if (!isPlain(claim)) this.#limited -= 1;
    this.byOrder.delete(claim.order);
    this.index.remove(entry);
    if (entry.held) {
      this.heldIndex.remove(entry);
      this.held -= 1;
      for (const watcher of entry.watchedBy ?? []) this.behindWaiting.add(watcher.claim.holder, watcher);
    }
    this.byHolder.remove(claim.holder, entry);
    if (claim.parent !== null) this.byParent.remove(claim.parent, entry);
  }

  /** Changes a waiting entry to a held one. */
  hold(entry: Entry<Kind>): void {
    entry.held = true;
    this.changes += 1;
    this.heldIndex.add(entry);
    this.held += 1;
    for (const watcher of entry.watchedBy ?? [])
      if (watcher.watches.every(({ held }) => held)) this.behindWaiting.remove(watcher.claim.holder, watcher);
  }

  /** Makes a waiting entry watch these entries instead of the previous ones. */
  watch(entry: Entry<Kind>, watched: readonly Entry<Kind>[]): void {
    const { holder } = entry.claim;
    for (const blocker of entry.watches) blocker.watchedBy?.delete(entry);
    entry.watches = watched;
    for (const blocker of watched) (blocker.watchedBy ??= new Set()).add(entry);
    if (watched.every(({ held }) => held)) this.behindWaiting.remove(holder, entry);
    else this.behindWaiting.add(holder, entry);
  }

  /**
   * Returns the claims of a holder and of its children. While any of these claims waits, the holder counts as waiting.
   */
  behind(holder: string): Entry<Kind>[] {
    return inOrder([...(this.byHolder.get(holder) ?? []), ...(this.byParent.get(holder) ?? [])]);
  }

  /** Adds the chosen names to the resources of a claim that is about to be granted. */
  choose(entry: Entry<Kind>, chosen: readonly Resource[]): void {
    const { claim } = entry;
    this.index.remove(entry);
    claim.resources = [...claim.resources, ...chosen];
    claim.chosen = chosen;
    claim.alternatives = [];
    entry.resources = claim.resources;
    this.index.add(entry);
    this.changes += 1;
    if (isPlain(claim)) this.#limited -= 1;
  }

  clear(): void {
    this.byOrder.clear();
    this.byHolder.clear();
    this.byParent.clear();
    this.index.clear();
    this.heldIndex.clear();
    this.behindWaiting.clear();
    this.#limited = 0;
    this.held = 0;
    this.changes += 1;
  }
}
