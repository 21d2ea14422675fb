/**
 * A doubly linked list. Adding an item at the end takes constant time, and so does removing any item. A Set is
 * unsuitable if items are added and removed all the time, because its old hash tables stay in memory (turnover-map.ts).
 * Pure.
 */

/** The node of one item in a list. Pass it to `remove` to remove the item. */
export class ListNode<Item> {
  previous: ListNode<Item> | null = null;
  next: ListNode<Item> | null = null;

  constructor(readonly item: Item) {}
}

export class LinkedList<Item> {
  #first: ListNode<Item> | null = null;
  #last: ListNode<Item> | null = null;
  #size = 0;
  /** The iterations in progress. */
  readonly #iterations: Iteration<Item>[] = [];

  get size(): number {
    return this.#size;
  }

  get first(): Item | undefined {
    return this.#first?.item;
  }

  /** Adds an item at the end. Returns its node. */
  push(item: Item): ListNode<Item> {
    const node = new ListNode(item);
    this.append(node);
    return node;
  }

  /** Adds a node at the end. The node must be in no list. */
  append(node: ListNode<Item>): void {
    node.previous = this.#last;
    if (this.#last === null) this.#first = node;
    else this.#last.next = node;
    this.#last = node;
    this.#size += 1;
  }

  /** Removes a node. The node must be in this list. */
  remove(node: ListNode<Item>): void {
    const { previous, next } = node;
    for (const iteration of this.#iterations) if (iteration.node === node) iteration.node = next;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    // Clear the links. Otherwise a removed node in the old generation of the heap would keep all later nodes alive.
    node.previous = null;
    node.next = null;
    this.#size -= 1;
  }

  /** Iterates over the items in order. Items may be removed during the iteration, which then skips them. */
  [Symbol.iterator](): Iterator<Item, undefined> {
    const iteration = new Iteration(this.#first, this.#iterations);
    this.#iterations.push(iteration);
    return iteration;
  }
}

/** An iteration in progress. This is a class because a generator takes nearly twice as long. */
class Iteration<Item> implements Iterator<Item, undefined> {
  readonly #others: Iteration<Item>[];

  /**
   * Starts an iteration.
   * @param node the node that is visited first
   * @param others all running iterations of the list, including this one
   */
  constructor(
    public node: ListNode<Item> | null,
    others: Iteration<Item>[],
  ) {
    this.#others = others;
  }

  next(): IteratorResult<Item, undefined> {
    const { node } = this;
    if (node === null) return this.return();
    this.node = node.next;
    return { done: false, value: node.item };
  }

  /** Ends the iteration. The `for` loop calls this when the loop is left early. */
  return(): IteratorReturnResult<undefined> {
    const at = this.#others.indexOf(this);
    if (at !== -1) this.#others.splice(at, 1);
    return { done: true, value: undefined };
  }
}
