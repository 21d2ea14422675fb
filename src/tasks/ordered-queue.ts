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
  #line: (Item | undefined)[] = [];
  #first = 0;
  #others: TinyQueue<Item>;

  /** @param compare negative where the first of two comes before the other */
  constructor(compare: (a: Item, b: Item) => number) {
    this.#compare = compare;
    this.#others = new TinyQueue([], compare);
  }

  get length(): number {
    return this.#line.length - this.#first + this.#others.length;
  }

  push(item: Item): void {
    const line = this.#line;
    const [first, last] = [line[this.#first], line[line.length - 1]];
    if (first === undefined || last === undefined || this.#compare(last, item) <= 0) {
      line.push(item);
    } else if (this.#first > 0 && this.#compare(item, first) <= 0) {
      // Mostly one that was taken out to be looked at.
      this.#first -= 1;
      line[this.#first] = item;
    } else {
      this.#others.push(item);
    }
  }

  peek(): Item | undefined {
    const first = this.#line[this.#first];
    const other = this.#others.peek();
    if (first === undefined || other === undefined) return first ?? other;
    return this.#compare(other, first) < 0 ? other : first;
  }

  pop(): Item | undefined {
    const item = this.peek();
    if (item === undefined) return undefined;
    if (item !== this.#line[this.#first]) return this.#others.pop();
    this.#line[this.#first] = undefined;
    this.#first += 1;
    if (this.#first === this.#line.length) this.#moveUp();
    else if (this.#first >= EMPTY_MAX && this.#first * 2 >= this.#line.length) this.#moveUp();
    return item;
  }

  /** All of them in order. Those that came out of order are moved into the line, once. */
  sorted(): readonly Item[] {
    const late = this.#others.data;
    if (this.#first > 0) this.#moveUp();
    if (late.length > 0) {
      this.#line = [...this.#line, ...late].sort((a, b) => this.#compare(a as Item, b as Item));
      this.#others = new TinyQueue([], this.#compare);
    }
    // No place is empty before the first.
    return this.#line as readonly Item[];
  }

  /** Drops all but those that are to stay. */
  keep(stays: (item: Item) => boolean): void {
    const kept = (item: Item | undefined): boolean => item !== undefined && stays(item);
    this.#line = this.#line.filter(kept);
    this.#first = 0;
    this.#others = new TinyQueue(this.#others.data.filter(kept), this.#compare);
  }

  #moveUp(): void {
    this.#line = this.#line.slice(this.#first);
    this.#first = 0;
  }
}
