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

class Node<Filed> {
  /** Null for none: most have none, and one entry. */
  children: Map<string, Node<Filed>> | null = null;
  /** Those whose literal beginning ends here. */
  readonly entries: Entry<Filed>[] = [];
  /** Something stood here, and nothing does any more. It stays: what was leased once is leased again. */
  emptied = false;
}

/** How many more nodes may be emptied than there are entries. */
const EMPTIED_MORE = 64;

export class ResourceIndex<Filed extends HasResources> {
  #scopes = new Map<string, Node<Filed>>();
  #size = 0;
  #emptied = 0;

  /** How many resources are filed. */
  get size(): number {
    return this.#size;
  }

  add(filed: Filed): void {
    for (const resource of filed.resources) this.#file({ resource, filed });
  }

  /** Takes out what was filed with the resources that it has. */
  remove(filed: Filed): void {
    for (const resource of filed.resources) {
      const node = this.#find(resource);
      const at = node?.entries.findIndex((entry) => entry.filed === filed && entry.resource === resource) ?? -1;
      if (node === undefined || at < 0) continue;
      node.entries.splice(at, 1);
      this.#size -= 1;
      if (node.entries.length > 0) continue;
      node.emptied = true;
      this.#emptied += 1;
    }
    if (this.#emptied > this.#size + EMPTIED_MORE) this.#rebuild();
  }

  clear(): void {
    this.#scopes = new Map();
    this.#size = 0;
    this.#emptied = 0;
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

  #file(entry: Entry<Filed>): void {
    const { scope, glob } = entry.resource;
    let node = getOrAdd(this.#scopes, scope);
    for (const segment of glob.prefix) {
      node.children ??= new Map<string, Node<Filed>>();
      node = getOrAdd(node.children, segment);
    }
    if (node.emptied) this.#emptied -= 1;
    node.emptied = false;
    node.entries.push(entry);
    this.#size += 1;
  }

  #find({ scope, glob }: Resource): Node<Filed> | undefined {
    let node = this.#scopes.get(scope);
    for (const segment of glob.prefix) node = node?.children?.get(segment);
    return node;
  }

  /** Files what there is anew, without the nodes that nothing needs. */
  #rebuild(): void {
    const entries = [...this.#scopes.values()].flatMap((node) => [...everythingUnder(node)]);
    this.clear();
    for (const entry of entries) this.#file(entry);
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
