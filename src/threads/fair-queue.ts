/**
 * A queue in which callers take turns: one with hundreds of jobs holds up another with one by a single job. What one
 * caller has queued stays in its order. Constant time for each step. Pure but for its state.
 */

interface Queued {
  readonly caller: string;
}

export class FairQueue<Item extends Queued> {
  /** What each caller has queued, its next one last; none is empty. */
  readonly #queues = new Map<string, Item[]>();
  /** Callers with a line, who is next last. */
  readonly #next: string[] = [];
  /** Those who come after them, the first first; a Set keeps the order of its items. */
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
    const line = this.#queues.get(item.caller);
    // The next one is last, so that taking it moves none; a line is as short as the bound of a caller.
    if (line !== undefined) line.unshift(item);
    else {
      this.#queues.set(item.caller, [item]);
      this.#later.add(item.caller);
    }
  }

  /** Puts items back that were taken and not begun: a caller who has nothing else here is next. */
  putBack(items: readonly Item[]): void {
    this.#size += items.length;
    for (const item of items.toReversed()) {
      const line = this.#queues.get(item.caller);
      if (line !== undefined) line.push(item);
      else {
        this.#queues.set(item.caller, [item]);
        this.#next.push(item.caller);
      }
    }
  }

  /** The item whose turn it is. */
  peek(): Item | undefined {
    const caller = this.#first();
    return caller === undefined ? undefined : this.#queues.get(caller)?.at(-1);
  }

  take(): Item | undefined {
    const caller = this.#first();
    const line = caller === undefined ? undefined : this.#queues.get(caller);
    if (caller === undefined || line === undefined) return undefined;
    const item = line.pop();
    this.#size -= 1;
    if (this.#next.length > 0) this.#next.pop();
    else this.#later.delete(caller);
    if (line.length > 0) this.#later.add(caller);
    else this.#queues.delete(caller);
    return item;
  }

  /** Takes all that are to leave, whoever's turn it is. The turns of the others stay as they are. */
  takeWhere(leaves: (item: Item) => boolean): Item[] {
    const taken: Item[] = [];
    for (const caller of [...this.#next.toReversed(), ...this.#later]) {
      const line = this.#queues.get(caller) ?? [];
      const kept: Item[] = [];
      for (const item of line.toReversed()) (leaves(item) ? taken : kept).push(item);
      if (kept.length === line.length) continue;
      if (kept.length > 0) this.#queues.set(caller, kept.toReversed());
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
