/**
 * A doubly linked list. To add an item at the end and to remove any item take constant time. Unlike a Set, a list with a
 * high turnover leaves no old tables behind (turnover-map.ts). Pure.
 */

/** The place of an item in a list, with which the item is removed. */
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

  /** Adds a node, which must be in no list, at the end. */
  append(node: ListNode<Item>): void {
    node.previous = this.#last;
    if (this.#last === null) this.#first = node;
    else this.#last.next = node;
    this.#last = node;
    this.#size += 1;
  }

  /** Removes an item, which must be in this list. */
  remove(node: ListNode<Item>): void {
    const { previous, next } = node;
    for (const iteration of this.#iterations) if (iteration.node === node) iteration.node = next;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    // A removed node in the old generation would otherwise keep all later nodes alive.
    node.previous = null;
    node.next = null;
    this.#size -= 1;
  }

  /** Iterates over the items in order. Items may be removed meanwhile. A removed item is not visited. */
  [Symbol.iterator](): Iterator<Item, undefined> {
    const iteration = new Iteration(this.#first, this.#iterations);
    this.#iterations.push(iteration);
    return iteration;
  }
}

/** An iteration in progress. It is a class and not a generator, because a generator takes nearly twice as long. */
class Iteration<Item> implements Iterator<Item, undefined> {
  readonly #others: Iteration<Item>[];

  /**
   * @param node the node that is visited next
   * @param others all iterations of the list that are in progress, this one included
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

  /** Called when the loop is left early. */
  return(): IteratorReturnResult<undefined> {
    const at = this.#others.indexOf(this);
    if (at !== -1) this.#others.splice(at, 1);
    return { done: true, value: undefined };
  }
}
