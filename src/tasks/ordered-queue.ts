/**
 * A priority queue of what mostly comes in order: such items stand in a line, which costs the same however long it is;
 * only those that come out of order go through a heap. Of 100 000 items a heap alone takes 4 µs to give up its first,
 * most of them for memory that no cache has. Pure but for its state.
 */
import TinyQueue from "tinyqueue";

/** How many places before the line's first may be empty before it is moved up. */
const EMPTY_MAX = 1_024;

export class OrderedQueue<Item> {
  readonly #compare: (a: Item, b: Item) => number;
  /** In order, behind places that are empty. */
  #ordered: (Item | undefined)[] = [];
  #first = 0;
  #heap: TinyQueue<Item>;

  /** @param compare negative where the first of two comes before the other */
  constructor(compare: (a: Item, b: Item) => number) {
    this.#compare = compare;
    this.#heap = new TinyQueue([], compare);
  }

  get length(): number {
    return this.#ordered.length - this.#first + this.#heap.length;
  }

  push(item: Item): void {
    const ordered = this.#ordered;
    const [first, last] = [ordered[this.#first], ordered[ordered.length - 1]];
    if (first === undefined || last === undefined || this.#compare(last, item) <= 0) {
      ordered.push(item);
    } else if (this.#first > 0 && this.#compare(item, first) <= 0) {
      // Mostly one that was taken out to be looked at.
      this.#first -= 1;
      ordered[this.#first] = item;
    } else {
      this.#heap.push(item);
    }
  }

  peek(): Item | undefined {
    const first = this.#ordered[this.#first];
    const other = this.#heap.peek();
    if (first === undefined || other === undefined) return first ?? other;
    return this.#compare(other, first) < 0 ? other : first;
  }

  pop(): Item | undefined {
    const item = this.peek();
    if (item === undefined) return undefined;
    if (item !== this.#ordered[this.#first]) return this.#heap.pop();
    this.#ordered[this.#first] = undefined;
    this.#first += 1;
    if (this.#first === this.#ordered.length) this.#compact();
    else if (this.#first >= EMPTY_MAX && this.#first * 2 >= this.#ordered.length) this.#compact();
    return item;
  }

  /** All of them in order. Those that came out of order are moved into the line, once. */
  sorted(): readonly Item[] {
    const late = this.#heap.data;
    if (this.#first > 0) this.#compact();
    if (late.length > 0) {
      this.#ordered = [...this.#ordered, ...late].sort((a, b) => this.#compare(a as Item, b as Item));
      this.#heap = new TinyQueue([], this.#compare);
    }
    // No place is empty before the first.
    return this.#ordered as readonly Item[];
  }

  /** Drops all but those that are to stay. */
  retain(stays: (item: Item) => boolean): void {
    const kept = (item: Item | undefined): boolean => item !== undefined && stays(item);
    this.#ordered = this.#ordered.filter(kept);
    this.#first = 0;
    this.#heap = new TinyQueue(this.#heap.data.filter(kept), this.#compare);
  }

  #compact(): void {
    this.#ordered = this.#ordered.slice(this.#first);
    this.#first = 0;
  }
}
