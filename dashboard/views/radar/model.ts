/** Computes the matrix of checkouts from overlaps, and describes ranges of lines. Pure. */
import { type Checkout, checkoutLabels } from "../../api/checkouts.js";
import type { Overlap } from "../../api/types.js";

export interface WorkspaceOverlaps {
  readonly workspace: string;
  readonly overlaps: readonly Overlap[];
  /** Whether the server has more overlaps than it lists. */
  readonly truncated: boolean;
}

export type OverlapKind = Overlap["kind"];

/** A checkout of the matrix. */
export interface MatrixSide {
  readonly id: string;
  /** The label of the checkout: its branch, with more detail if another checkout has the same branch. */
  readonly label: string;
  readonly agents: readonly { readonly id: string; readonly name: string }[];
}

/** Two checkouts that change the same files. */
export interface Pair {
  readonly a: string;
  readonly b: string;
  readonly overlaps: readonly Overlap[];
  readonly worst: OverlapKind;
}

export interface Matrix {
  /** The checkouts with overlaps, by label. */
  readonly sides: readonly MatrixSide[];
  /** The pairs, the worst first. */
  readonly pairs: readonly Pair[];
}

/** The kinds of overlaps, from the mildest to the worst. */
const KINDS: readonly OverlapKind[] = ["file", "lines", "delete"];

const rankOf = (kind: OverlapKind): number => KINDS.indexOf(kind);

/**
 * Groups overlaps by pairs of checkouts. The pair with the worst kind of overlap comes first. Among pairs of the same
 * kind, the one with the most files comes first. In a pair, the worst file comes first.
 */
function pairsOf(overlaps: readonly Overlap[]): Pair[] {
  const groups = new Map<string, { a: string; b: string; overlaps: Overlap[]; worst: OverlapKind }>();
  for (const overlap of overlaps) {
    const [a, b] = [overlap.a.checkout, overlap.b.checkout];
    const key = `${a} ${b}`;
    const group = groups.get(key) ?? { a, b, overlaps: [], worst: overlap.kind };
    groups.set(key, group);
    group.overlaps.push(overlap);
    if (rankOf(overlap.kind) > rankOf(group.worst)) group.worst = overlap.kind;
  }
  for (const group of groups.values())
    group.overlaps.sort((one, other) => rankOf(other.kind) - rankOf(one.kind) || (one.path < other.path ? -1 : 1));
  return [...groups.values()].sort(
    (one, other) => rankOf(other.worst) - rankOf(one.worst) || other.overlaps.length - one.overlaps.length,
  );
}

/**
 * Computes the matrix of a workspace.
 * @param known the checkouts of agents by id, which say more about a checkout than an overlap does
 */
export function matrixOf(overlaps: readonly Overlap[], known: ReadonlyMap<string, Checkout>): Matrix {
  const found = new Map<string, Overlap["a"]>();
  for (const { a, b } of overlaps) for (const side of [a, b]) found.set(side.checkout, side);
  const checkouts = new Map(
    [...found.values()].map(({ checkout: id, branch }) => [
      id,
      { ...(known.get(id) ?? { root: null, machine: null }), id, branch },
    ]),
  );
  const labels = checkoutLabels(checkouts);
  const sides = [...found.values()]
    .map(({ checkout: id, instances }) => ({ id, label: labels.get(id) ?? id, agents: instances }))
    .sort((one, other) => one.label.localeCompare(other.label));
  return { sides, pairs: pairsOf(overlaps) };
}

/** Returns the pair of two checkouts, in either order; undefined if their changes do not overlap. */
export function pairBetween({ pairs }: Matrix, one: string, other: string): Pair | undefined {
  return pairs.find(({ a, b }) => (a === one && b === other) || (a === other && b === one));
}

/**
 * Describes the lines of the base version that a side of an overlap has changed: `12–18, 30, after 44`. Without ranges,
 * the whole file has changed.
 */
export function describeLines({ kind, a, b }: Overlap, side: "a" | "b"): string {
  const [own, others] = side === "a" ? [a.ranges, b.ranges] : [b.ranges, a.ranges];
  if (own.length === 0) return kind === "delete" && others.length > 0 ? "deleted" : "whole file";
  return own
    .map(([first = 0, last = 0]) => {
      if (last < first) return last === 0 ? "at the start" : `after ${last}`;
      return first === last ? `${first}` : `${first}–${last}`;
    })
    .join(", ");
}

/** Describes the overlaps of a pair: `3 files, same lines`. */
export function describePair({ overlaps, worst }: Pair): string {
  return `${overlaps.length} ${overlaps.length === 1 ? "file" : "files"}, ${KIND_WORDS[worst]}`;
}

/** The text that is shown for each kind of overlap. */
export const KIND_WORDS: Readonly<Record<OverlapKind, string>> = {
  file: "other lines",
  lines: "same lines",
  delete: "deleted by one",
};

/** Chooses the workspace to show: the one in the address, or else the first of those with the most overlaps. */
export function chooseWorkspace(
  all: readonly WorkspaceOverlaps[],
  chosen: string | undefined,
): WorkspaceOverlaps | undefined {
  const found = all.find(({ workspace }) => workspace === chosen);
  if (chosen !== undefined && chosen !== "") return found;
  return [...all].sort((one, other) => other.overlaps.length - one.overlaps.length)[0];
}
