/**
 * A queue that serves callers round-robin. However many items a caller has queued, only one of them is taken before
 * another caller's next item. The items of one caller stay in their order. Pure but for its state.
 */

interface Queued {
  readonly caller: string;
}

export class FairQueue<Item extends Queued> {
  /** The items of each caller, the next one first. An array is removed when it is empty. */
  readonly #queues = new Map<string, Item[]>();
  /** The callers to serve first. The last element is the next caller. */
  readonly #next: string[] = [];
  /** The callers to serve after those in `#next`, in the order of insertion. */
  readonly #later = new Set<string>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  sizeOf(caller: string): number {
    return this.#queues.get(caller)?.length ?? 0;
  }

  push(item: Item): void {
    this.#size += 1;
    const queued = this.#queues.get(item.caller);
    if (queued !== undefined) queued.push(item);
    else {
      this.#queues.set(item.caller, [item]);
      this.#later.add(item.caller);
    }
  }

  /**
   * Puts back items that were taken but not started. Each becomes the first item of its caller again. A caller that has
   * no other items is served next.
   */
  putBack(items: readonly Item[]): void {
    this.#size += items.length;
    for (const item of items.toReversed()) {
      const queued = this.#queues.get(item.caller);
      if (queued !== undefined) queued.unshift(item);
      else {
        this.#queues.set(item.caller, [item]);
        this.#next.push(item.caller);
      }
    }
  }

  /** The next item. */
  peek(): Item | undefined {
    const caller = this.#first();
    return caller === undefined ? undefined : this.#queues.get(caller)?.[0];
  }

  take(): Item | undefined {
    const caller = this.#first();
    const queued = caller === undefined ? undefined : this.#queues.get(caller);
    if (caller === undefined || queued === undefined) return undefined;
    const item = queued.shift();
    this.#size -= 1;
    if (this.#next.length > 0) this.#next.pop();
    else this.#later.delete(caller);
    if (queued.length > 0) this.#later.add(caller);
    else this.#queues.delete(caller);
    return item;
  }

  /** Takes every item that matches, whichever caller it belongs to. The order of the other items does not change. */
  takeWhere(matches: (item: Item) => boolean): Item[] {
    const taken: Item[] = [];
    for (const caller of [...this.#next.toReversed(), ...this.#later]) {
      const queued = this.#queues.get(caller) ?? [];
      const kept: Item[] = [];
      for (const item of queued) (matches(item) ? taken : kept).push(item);
      if (kept.length === queued.length) continue;
      if (kept.length > 0) this.#queues.set(caller, kept);
      else {
        this.#queues.delete(caller);
        this.#later.delete(caller);
      }
    }
    this.#size -= taken.length;
    this.#next.splice(0, this.#next.length, ...this.#next.filter((caller) => this.#queues.has(caller)));
    return taken;
  }

  #first(): string | undefined {
    const next = this.#next.at(-1);
    if (next !== undefined) return next;
    for (const caller of this.#later) return caller;
    return undefined;
  }
}
