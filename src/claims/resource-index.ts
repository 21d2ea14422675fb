/**
 * Who has a resource: found by the segments that its globs begin with, so that what is looked at is what may meet it.
 * A tree for each scope; a glob stands where its literal beginning ends. Pure but for its state.
 */
import { globsMeet } from "../base/path-glob.js";
import type { Resource } from "./resource.js";

/** What is filed: anything that has resources. */
export interface HasResources {
  readonly resources: readonly Resource[];
}

/** Two resources that meet: the one asked for, and one that is filed. */
export interface Meeting<Filed> {
  readonly wanted: Resource;
  readonly resource: Resource;
  readonly filed: Filed;
}

interface Entry<Filed> {
  readonly resource: Resource;
  readonly filed: Filed;
}

/** Most nodes come and go with one resource: they have no children, and one entry. What they do not need is not made. */
class Node<Filed> {
  children: Map<string, Node<Filed>> | null = null;
  /** Those whose literal beginning ends here. */
  entries: Entry<Filed>[] = [];

  get empty(): boolean {
    return this.entries.length === 0 && (this.children === null || this.children.size === 0);
  }
}

export class ResourceIndex<Filed extends HasResources> {
  readonly #scopes = new Map<string, Node<Filed>>();
  readonly #entries = new Map<Filed, readonly Entry<Filed>[]>();

  get size(): number {
    return this.#entries.size;
  }

  add(filed: Filed): void {
    const entries = filed.resources.map((resource) => ({ resource, filed }));
    this.#entries.set(filed, entries);
    for (const entry of entries) this.#nodeOf(entry.resource).entries.push(entry);
  }

  remove(filed: Filed): void {
    for (const entry of this.#entries.get(filed) ?? []) this.#drop(entry);
    this.#entries.delete(filed);
  }

  clear(): void {
    this.#scopes.clear();
    this.#entries.clear();
  }

  /**
   * What meets one of the resources, each meeting once, in no order.
   * @param where what is of no interest is not compared
   */
  *meeting(resources: readonly Resource[], where: (filed: Filed) => boolean): Generator<Meeting<Filed>> {
    for (const wanted of resources) {
      for (const { resource, filed } of this.#near(wanted))
        if (where(filed) && globsMeet(wanted.glob, resource.glob)) yield { wanted, resource, filed };
    }
  }

  /** What may meet: whose literal beginning is one of the other's, either way. */
  *#near({ scope, glob: { prefix, literal } }: Resource): Generator<Entry<Filed>> {
    let node = this.#scopes.get(scope);
    if (node === undefined) return;
    for (const segment of prefix) {
      yield* node.entries;
      node = node.children?.get(segment);
      if (node === undefined) return;
    }
    yield* literal ? node.entries : everythingUnder(node);
  }

  #nodeOf({ scope, glob: { prefix } }: Resource): Node<Filed> {
    let node = getOrAdd(this.#scopes, scope);
    for (const segment of prefix) {
      node.children ??= new Map<string, Node<Filed>>();
      node = getOrAdd(node.children, segment);
    }
    return node;
  }

  /** Takes an entry out, and the branch that only it has needed. */
  #drop(entry: Entry<Filed>): void {
    const { scope, glob } = entry.resource;
    const way: [children: Map<string, Node<Filed>>, name: string, node: Node<Filed>][] = [];
    let children: Map<string, Node<Filed>> | null = this.#scopes;
    for (const name of [scope, ...glob.prefix]) {
      const node: Node<Filed> | undefined = children?.get(name);
      if (children === null || node === undefined) return;
      way.push([children, name, node]);
      ({ children } = node);
    }
    const entries = way.at(-1)?.[2].entries ?? [];
    const at = entries.indexOf(entry);
    if (at >= 0) entries.splice(at, 1);
    for (const [siblings, name, node] of way.toReversed()) {
      if (!node.empty) return;
      siblings.delete(name);
    }
  }
}

function getOrAdd<Filed>(nodes: Map<string, Node<Filed>>, name: string): Node<Filed> {
  let node = nodes.get(name);
  if (node === undefined) {
    node = new Node();
    nodes.set(name, node);
  }
  return node;
}

function* everythingUnder<Filed>(node: Node<Filed>): Generator<Entry<Filed>> {
  yield* node.entries;
  for (const child of node.children?.values() ?? []) yield* everythingUnder(child);
}
