/**
 * Finds who has a resource by the segments that its globs begin with, so that what is compared is what may meet it. A
 * tree for each scope; a glob stands where its literal beginning ends. Pure but for its state.
 */
import { globsMeet, type PathGlob, stepsToMeet } from "../base/path-glob.js";
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
  readonly glob: PathGlob;
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

/**
 * The segments by which a glob is filed at most: a node is ten times as large as a segment. What begins alike beyond
 * that is compared.
 */
export const INDEX_DEPTH_MAX = 16;
/** How many more nodes may be emptied than there are globs. */
const EMPTIED_MORE = 64;

export class ResourceIndex<Filed extends HasResources> {
  #scopes = new Map<string, Node<Filed>>();
  #size = 0;
  #emptied = 0;

  /** How many globs of resources are filed. */
  get size(): number {
    return this.#size;
  }

  add(filed: Filed): void {
    for (const resource of filed.resources) for (const glob of resource.globs) this.#file({ glob, resource, filed });
  }

  /** Takes out what was filed with the resources that it has. */
  remove(filed: Filed): void {
    for (const resource of filed.resources) for (const glob of resource.globs) this.#unfile(filed, resource, glob);
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
      /** The pairs of several globs each, which may meet more than once. */
      let met: Map<Filed, Set<Resource>> | undefined;
      for (const glob of wanted.globs) {
        for (const { glob: other, resource, filed } of this.#near(wanted.scope, glob)) {
          if (!where(filed) || !globsMeet(glob, other)) continue;
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
   * How many steps it takes at most to find what meets these: a sum over what is filed, in whichever order that was.
   * @param steps_max what is more is not counted
   */
  stepsFor(resources: readonly Resource[], steps_max: number): number {
    let steps = 0;
    for (const { scope, globs } of resources) {
      for (const glob of globs) {
        for (const { glob: other } of this.#near(scope, glob)) {
          steps += stepsToMeet(glob, other);
          if (steps > steps_max) return steps;
        }
      }
    }
    return steps;
  }

  /** What may meet one of the resources, each once. */
  near(resources: readonly Resource[]): Set<Filed> {
    const found = new Set<Filed>();
    for (const { scope, globs } of resources)
      for (const glob of globs) for (const { filed } of this.#near(scope, glob)) found.add(filed);
    return found;
  }

  /** What may meet: whose literal beginning is one of the other's, either way. */
  *#near(scope: string, { prefix }: PathGlob): Generator<Entry<Filed>> {
    let node = this.#scopes.get(scope);
    if (node === undefined) return;
    for (const segment of filedBy(prefix)) {
      yield* node.entries;
      node = node.children?.get(segment);
      if (node === undefined) return;
    }
    yield* node.children === null ? node.entries : everythingUnder(node);
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

  /** Files what there is anew, without the nodes that nothing needs. */
  #rebuild(): void {
    const entries = [...this.#scopes.values()].flatMap((node) => [...everythingUnder(node)]);
    this.clear();
    for (const entry of entries) this.#file(entry);
  }
}

/** The segments of a literal beginning by which a glob is filed. */
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
