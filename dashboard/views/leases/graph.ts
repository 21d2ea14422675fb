/**
 * Computes the layout of the wait graph. The boxes of holders are in columns. A holder that waits is to the left of all
 * holders for which it waits. The edge between two holders is labelled with the resource. Pure.
 */
import type { LeaseWaits } from "../../api/types.js";

/** The maximum number of holders that are drawn. Those with the most edges are drawn. */
export const NODES_MAX = 24;

/** Sizes in px. The sizes of boxes and labels must be the same in style.css. */
export const NODE_WIDTH = 168;
export const NODE_HEIGHT = 44;
export const LABEL_WIDTH = 152;
export const LABEL_HEIGHT = 22;
const NODE_GAP = 14;
/**
 * The gap between columns. It is wider than a label by 88 px, so that an edge has room to curve on both sides of its
 * label.
 */
const COLUMN_GAP = LABEL_WIDTH + 88;

export interface GraphNode {
  readonly id: string;
  readonly name: string;
  /** The number of holders for which this one waits. `in` counts the holders that wait for this one. */
  readonly out: number;
  readonly in: number;
  /** The top left corner. */
  readonly x: number;
  readonly y: number;
}

/** An edge from a waiting holder to a blocking one. Several requests between the same two holders share one edge. */
export interface GraphEdge {
  readonly from: GraphNode;
  readonly to: GraphNode;
  /** The id of the request that has waited longest. `wanted` is the resource for which it waits. */
  readonly lease: string;
  readonly wanted: string;
  readonly since: string;
  /** Number of further requests. */
  readonly more: number;
  /** The centre of its label. */
  readonly x: number;
  readonly y: number;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly width: number;
  readonly height: number;
  /** Number of holders that are not drawn. */
  readonly left_out: number;
}

interface Pair {
  readonly from: string;
  readonly to: string;
  readonly lease: string;
  readonly wanted: string;
  readonly since: string;
  more: number;
}

/** Groups the waits by waiting holder and blocking holder. The pair with the longest wait comes first. */
function pairsOf({ waits, leases }: LeaseWaits): { pairs: Pair[]; names: Map<string, string> } {
  const byId = new Map(leases.map((lease) => [lease.id, lease]));
  const names = new Map<string, string>();
  const pairs = new Map<string, Pair>();
  for (const wait of waits) {
    const [waiting, held] = [byId.get(wait.lease), byId.get(wait.for)];
    if (waiting === undefined || held === undefined) continue;
    const [from, to] = [waiting.holder, held.holder];
    names.set(from.id, from.name).set(to.id, to.name);
    const known = pairs.get(`${from.id} ${to.id}`);
    if (known !== undefined) known.more += 1;
    else
      pairs.set(`${from.id} ${to.id}`, {
        from: from.id,
        to: to.id,
        lease: wait.lease,
        wanted: wait.wanted,
        since: waiting.requested_at,
        more: 0,
      });
  }
  return { pairs: [...pairs.values()], names };
}

/** Limits the graph to the `most` holders with the most edges. Returns the pairs between these holders. */
function busiest(pairs: readonly Pair[], most: number): Pair[] {
  const degrees = new Map<string, number>();
  for (const { from, to } of pairs) for (const id of [from, to]) degrees.set(id, (degrees.get(id) ?? 0) + 1);
  const ranked = [...degrees].sort(([, a], [, b]) => b - a);
  const kept = new Set(ranked.slice(0, most).map(([id]) => id));
  return pairs.filter(({ from, to }) => kept.has(from) && kept.has(to));
}

/**
 * Returns, for each holder, the length of the longest chain of waits that begins at it; 0 if the holder does not wait.
 * Cycles should not occur. If there is one, the chain ends where it would enter the cycle.
 */
function depthsOf(pairs: readonly Pair[]): ReadonlyMap<string, number> {
  const depths = new Map<string, number>();
  const depthOf = (id: string, path: ReadonlySet<string>): number => {
    const known = depths.get(id);
    if (known !== undefined) return known;
    const on = new Set([...path, id]);
    const next = pairs.filter(({ from, to }) => from === id && !on.has(to));
    const depth = next.reduce((most, { to }) => Math.max(most, 1 + depthOf(to, on)), 0);
    depths.set(id, depth);
    return depth;
  };
  for (const { from, to } of pairs) for (const id of [from, to]) depthOf(id, new Set());
  return depths;
}

/**
 * Moves items down so that they are at least `gap` apart. Each item stays as close as possible to its original
 * position.
 */
function spread<Item extends { y: number }>(items: readonly Item[], gap: number): void {
  let least = Number.NEGATIVE_INFINITY;
  for (const item of [...items].sort((a, b) => a.y - b.y)) {
    item.y = Math.max(item.y, least);
    least = item.y + gap;
  }
}

/**
 * Computes the layout of the wait graph.
 * @param most the maximum number of holders that are drawn
 */
export function layoutGraph(waits: LeaseWaits, most = NODES_MAX): Graph {
  const { pairs: all, names } = pairsOf(waits);
  const pairs = busiest(all, most);
  const depths = depthsOf(pairs);
  const deepest = Math.max(0, ...depths.values());
  const columns = Array.from({ length: deepest + 1 }, (_, depth) =>
    [...depths].flatMap(([id, ofId]) => (ofId === depth ? [id] : [])),
  );
  const rowHeight = NODE_HEIGHT + NODE_GAP;
  const rows = Math.max(0, ...columns.map((ids) => ids.length));
  const nodes = new Map<string, GraphNode>();
  // Columns of blockers are laid out first, so that each waiting holder can be placed close to its blockers.
  for (const [depth, ids] of columns.entries()) {
    const wishes = new Map(
      ids.map((id) => {
        const targets = pairs.flatMap(({ from, to }) => (from === id ? (nodes.get(to) ?? []) : []));
        return [id, targets.reduce((sum, { y }) => sum + y, 0) / Math.max(1, targets.length)];
      }),
    );
    const ordered = ids.toSorted((a, b) => (wishes.get(a) ?? 0) - (wishes.get(b) ?? 0));
    const top = ((rows - ids.length) * rowHeight) / 2;
    for (const [row, id] of ordered.entries())
      nodes.set(id, {
        id,
        name: names.get(id) ?? id,
        out: pairs.filter(({ from }) => from === id).length,
        in: pairs.filter(({ to }) => to === id).length,
        x: (deepest - depth) * (NODE_WIDTH + COLUMN_GAP),
        y: top + row * rowHeight,
      });
  }
  const edges = pairs.flatMap(({ from, to, ...pair }) => {
    const [begin, end] = [nodes.get(from), nodes.get(to)];
    if (begin === undefined || end === undefined) return [];
    const steps = Math.max(1, (end.x - begin.x) / (NODE_WIDTH + COLUMN_GAP));
    // The label is in the middle of the first gap between columns, because a long edge has hardly curved there.
    const y = middle(begin) + (middle(end) - middle(begin)) / (2 * steps);
    return [{ ...pair, from: begin, to: end, x: begin.x + NODE_WIDTH + COLUMN_GAP / 2, y }];
  });
  for (const column of new Set(edges.map(({ x }) => x)))
    spread(
      edges.filter(({ x }) => x === column),
      LABEL_HEIGHT + 2,
    );
  const lowest = Math.max(rows * rowHeight - NODE_GAP, ...edges.map(({ y }) => y + LABEL_HEIGHT / 2));
  return {
    nodes: [...nodes.values()].sort((a, b) => a.x - b.x || a.y - b.y),
    edges,
    width: deepest * (NODE_WIDTH + COLUMN_GAP) + NODE_WIDTH,
    height: Math.max(0, lowest),
    left_out: names.size - nodes.size,
  };
}

/**
 * Returns an edge as an SVG path: a curve to the label, a horizontal line behind the label, and a curve to the other
 * box.
 */
export function pathOf({ from, to, x, y }: GraphEdge): string {
  const curve = (x1: number, y1: number, x2: number, y2: number): string =>
    `C${(x1 + x2) / 2},${y1} ${(x1 + x2) / 2},${y2} ${x2},${y2}`;
  const [beginX, beginY] = [from.x + NODE_WIDTH, middle(from)];
  const [labelX, endX] = [x - LABEL_WIDTH / 2, x + LABEL_WIDTH / 2];
  const there = curve(beginX, beginY, labelX, y);
  return `M${beginX},${beginY}${there}H${endX}${curve(endX, y, to.x, middle(to))}`;
}

/** Returns the height at which the edges of a box start and end. */
function middle({ y }: Pick<GraphNode, "y">): number {
  return y + NODE_HEIGHT / 2;
}
