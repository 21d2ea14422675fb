/**
 * Arranges names in a tree by their paths, and returns the visible lines of the tree. In each folder, the subfolders
 * come before the names. Pure.
 */
import type { Entry } from "./space.js";

export interface Branch {
  readonly folders: ReadonlyMap<string, Branch>;
  readonly leaves: readonly Entry[];
  /** The number of entries in the folder, at any depth. */
  readonly count: number;
}

/** A visible line of the tree. */
export interface Line {
  /** The folder's path, or the entry's name. */
  readonly key: string;
  readonly depth: number;
  readonly text: string;
  /** The entry of the line; null for a folder. */
  readonly entry: Entry | null;
  readonly open: boolean;
  readonly count: number;
}

interface Growing {
  readonly folders: Map<string, Growing>;
  readonly leaves: Entry[];
  count: number;
}

/** Separates the parts of a path in a folder's key. No name contains this character. */
const PART_END = "\u0000";

function empty(): Growing {
  return { folders: new Map(), leaves: [], count: 0 };
}

/** Builds the tree of all entries. */
export function growTree(entries: readonly Entry[]): Branch {
  const root = empty();
  for (const entry of entries) {
    let branch = root;
    branch.count += 1;
    for (const part of entry.path.slice(0, -1)) {
      let next = branch.folders.get(part);
      if (next === undefined) branch.folders.set(part, (next = empty()));
      next.count += 1;
      branch = next;
    }
    branch.leaves.push(entry);
  }
  return root;
}

/** Returns the key that identifies the folder with this path. */
export function folderKey(path: readonly string[]): string {
  return path.join(PART_END);
}

/** Returns the keys of the folders that must be open for a path to be visible. */
export function foldersOf(path: readonly string[]): string[] {
  return path.slice(0, -1).map((_, at) => folderKey(path.slice(0, at + 1)));
}

/** Returns the visible lines of a tree, in order. `open` contains the keys of the open folders. */
export function linesOf(tree: Branch, open: ReadonlySet<string>): Line[] {
  const lines: Line[] = [];
  const draw = (branch: Branch, path: readonly string[]): void => {
    for (const [part, folder] of [...branch.folders].toSorted(byName)) {
      const own = [...path, part];
      const key = folderKey(own);
      const isOpen = open.has(key);
      lines.push({ key, depth: path.length, text: part, entry: null, open: isOpen, count: folder.count });
      if (isOpen) draw(folder, own);
    }
    for (const entry of branch.leaves) {
      const text = entry.path.at(-1) ?? entry.name;
      lines.push({ key: entry.name, depth: path.length, text, entry, open: false, count: 1 });
    }
  };
  draw(tree, []);
  return lines;
}

/** Returns the entries whose name contains every word of the search, as lines without folders. */
export function searchLines(entries: readonly Entry[], wanted: string): Line[] {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  return entries
    .filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)))
    .map((entry) => ({ key: entry.name, depth: 0, text: entry.name, entry, open: false, count: 1 }));
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
