/**
 * Indexes resources by the literal prefixes of their globs, so that a search compares only resources that may overlap.
 * Each scope has one tree, whose edges are path segments. A glob is stored at the node where its literal prefix ends
 * (`src/a/*.ts` at `src`, `a`). Pure except for its state.
 */
import { globsMeet, type PathGlob, stepsToMeet } from "../../base/path-glob.js";
import type { Resource } from "./resource.js";

/** An item of the index. Any object with resources can be one. */
export interface HasResources {
  readonly resources: readonly Resource[];
}

/** A requested resource and an indexed resource that overlap. */
export interface Meeting<Filed> {
  readonly wanted: Resource;
  readonly resource: Resource;
  readonly filed: Filed;
}

interface Entry<Filed> {
  readonly glob: PathGlob;
  readonly resource: Resource;
  readonly filed: Filed;
}

class Node<Filed> {
  /** The child nodes by segment; null if there are none. Most nodes have one entry and no children. */
  children: Map<string, Node<Filed>> | null = null;
  /** Globs whose literal prefix ends here. */
  readonly entries: Entry<Filed>[] = [];
  /**
   * True if all entries of this node were removed. The tree keeps the node, because a resource that was leased once is
   * usually leased again.
   */
  emptied = false;
}

/**
 * The maximum number of literal segments by which a glob is indexed. There is a limit because a node takes ten times
 * the memory of a segment. Globs whose first INDEX_DEPTH_MAX segments are the same are compared with each other.
 */
export const INDEX_DEPTH_MAX = 16;
/** The tree is rebuilt when its emptied nodes outnumber its globs by this number. */
const EMPTIED_MORE = 64;

export class ResourceIndex<Filed extends HasResources> {
  readonly #resourcesOf: (filed: Filed) => readonly Resource[];
  #scopes = new Map<string, Node<Filed>>();
  #size = 0;
  #emptied = 0;

  /** @param resourcesOf returns the resources by which an item is found */
  constructor(resourcesOf: (filed: Filed) => readonly Resource[] = ({ resources }) => resources) {
    this.#resourcesOf = resourcesOf;
  }

  /** The number of indexed globs. */
  get size(): number {
    return this.#size;
  }

  add(filed: Filed): void {
    for (const resource of this.#resourcesOf(filed))
      for (const glob of resource.globs) this.#file({ glob, resource, filed });
  }

  /** Removes an item. Its resources must be those with which it was added. */
  remove(filed: Filed): void {
    for (const resource of this.#resourcesOf(filed))
      for (const glob of resource.globs) this.#unfile(filed, resource, glob);
    if (this.#emptied > this.#size + EMPTIED_MORE) this.#rebuild();
  }

  clear(): void {
    this.#scopes = new Map();
    this.#size = 0;
    this.#emptied = 0;
  }

  /**
   * Yields the pairs of a given and an indexed resource that overlap. Each pair comes once, in no particular order.
   * @param where returns false for items that are to be skipped without a comparison with the given resource
   */
  *meeting(
    resources: readonly Resource[],
    where: (filed: Filed, wanted: Resource) => boolean,
  ): Generator<Meeting<Filed>> {
    for (const wanted of resources) {
      /**
       * The pairs that were already yielded. Only a pair in which one resource has several globs may be found twice, so
       * other pairs are not recorded.
       */
      let met: Map<Filed, Set<Resource>> | undefined;
      for (const glob of wanted.globs) {
        for (const { glob: other, resource, filed } of this.#near(wanted.scope, glob)) {
          if (!where(filed, wanted) || !globsMeet(glob, other)) continue;
          if (wanted.globs.length > 1 || resource.globs.length > 1) {
            met ??= new Map();
            const known = getOrAdd(met, filed, () => new Set());
            if (known.has(resource)) continue;
            known.add(resource);
          }
          yield { wanted, resource, filed };
        }
      }
    }
  }

  /**
   * Returns the maximum number of steps of a search for overlaps. The number does not depend on the order in which
   * items were added.
   * @param stepsMax counting stops above this number
   */
  stepsFor(resources: readonly Resource[], stepsMax: number): number {
    let steps = 0;
    for (const { scope, globs } of resources) {
      for (const glob of globs) {
        for (const { glob: other } of this.#near(scope, glob)) {
          steps += stepsToMeet(glob, other);
          if (steps > stepsMax) return steps;
        }
      }
    }
    return steps;
  }

  /** Returns the number of indexed globs with which a search compares the resources. */
  countNear(resources: readonly Resource[]): number {
    let count = 0;
    for (const { scope, globs } of resources) for (const glob of globs) count += this.#near(scope, glob).length;
    return count;
  }

  /** Returns the items that may overlap one of the resources. */
  near(resources: readonly Resource[]): Set<Filed> {
    const found = new Set<Filed>();
    for (const { scope, globs } of resources)
      for (const glob of globs) for (const { filed } of this.#near(scope, glob)) found.add(filed);
    return found;
  }

  /**
   * Returns the entries that may overlap a glob: those whose literal prefix begins with the glob's, or the other way
   * round.
   */
  #near(scope: string, { prefix }: PathGlob): readonly Entry<Filed>[] {
    let node = this.#scopes.get(scope);
    const lists: (readonly Entry<Filed>[])[] = [];
    for (const segment of filedBy(prefix)) {
      if (node === undefined) break;
      if (node.entries.length > 0) lists.push(node.entries);
      node = node.children?.get(segment);
    }
    const last = node === undefined || node.children === null ? node?.entries : [...everythingUnder(node)];
    if (last !== undefined && last.length > 0) lists.push(last);
    // Usually there is only one list, which is returned without a copy.
    return lists.length > 1 ? lists.flat() : (lists[0] ?? []);
  }

  #file(entry: Entry<Filed>): void {
    let node = getOrAdd(this.#scopes, entry.resource.scope, () => new Node());
    for (const segment of filedBy(entry.glob.prefix)) {
      node.children ??= new Map<string, Node<Filed>>();
      node = getOrAdd(node.children, segment, () => new Node());
    }
    if (node.emptied) this.#emptied -= 1;
    node.emptied = false;
    node.entries.push(entry);
    this.#size += 1;
  }

  #unfile(filed: Filed, resource: Resource, glob: PathGlob): void {
    let node = this.#scopes.get(resource.scope);
    for (const segment of filedBy(glob.prefix)) node = node?.children?.get(segment);
    const at = node?.entries.findIndex((entry) => entry.filed === filed && entry.glob === glob) ?? -1;
    if (node === undefined || at < 0) return;
    node.entries.splice(at, 1);
    this.#size -= 1;
    if (node.entries.length > 0) return;
    node.emptied = true;
    this.#emptied += 1;
  }

  /** Builds the tree again, without emptied nodes. */
  #rebuild(): void {
    const entries = [...this.#scopes.values()].flatMap((node) => [...everythingUnder(node)]);
    this.clear();
    for (const entry of entries) this.#file(entry);
  }
}

/** Returns the segments by which a glob with this literal prefix is indexed: at most the first INDEX_DEPTH_MAX. */
function filedBy(prefix: readonly string[]): readonly string[] {
  return prefix.length <= INDEX_DEPTH_MAX ? prefix : prefix.slice(0, INDEX_DEPTH_MAX);
}

function getOrAdd<Key, Value>(values: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = values.get(key);
  if (value === undefined) {
    value = make();
    values.set(key, value);
  }
  return value;
}

function* everythingUnder<Filed>(node: Node<Filed>): Generator<Entry<Filed>> {
  yield* node.entries;
  for (const child of node.children?.values() ?? []) yield* everythingUnder(child);
}
