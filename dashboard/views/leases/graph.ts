/**
 * Computes the layout of the wait graph. The boxes of holders are in columns. If A waits for B, then A's box is to the
 * left of B's box. The edge between them is labelled with the resource. Pure.
 */
import type { LeaseWaits } from "../../api/types.js";
import { curve, layersOf } from "../../parts/layers.js";
import { stackedPaths, stackOrder } from "../../parts/stacked.js";

/** The maximum number of holders that are drawn. Those with the most edges are drawn. */
export const NODES_MAX = 24;

/** The gap between a box and its labels below it, on a narrow page, in px. */
const STACKED_GAP = 4;

/** The sizes of boxes and labels, in px. They must be the same in style.css. */
export const NODE_WIDTH = 168;
export const NODE_HEIGHT = 44;
export const LABEL_WIDTH = 152;
export const LABEL_HEIGHT = 22;
const NODE_GAP = 14;
/** The gap between columns. It is 88 px wider than a label, so that an edge can curve on both sides of its label. */
const COLUMN_GAP = LABEL_WIDTH + 88;
const SIZES = { width: NODE_WIDTH, height: NODE_HEIGHT, columnGap: COLUMN_GAP, rowGap: NODE_GAP };

export interface GraphNode {
  readonly id: string;
  readonly name: string;
  /** The number of holders for which this one waits. `in` counts the holders that wait for this one. */
  readonly out: number;
  readonly in: number;
  /** The left edge of the box; `y` is its top edge. */
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
  /** The number of further requests. */
  readonly more: number;
  /** The left edge of the edge's label; `y` is its top edge. */
  readonly x: number;
  readonly y: number;
  /** The edge as an SVG path. */
  readonly path: string;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly width: number;
  readonly height: number;
  /** The number of holders that are not drawn. */
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
 * Moves items down until they are at least `gap` apart. Each item stays as close as possible to its original position.
 */
function spread<Item extends { y: number }>(items: readonly Item[], gap: number): void {
  let least = Number.NEGATIVE_INFINITY;
  for (const item of [...items].sort((a, b) => a.y - b.y)) {
    item.y = Math.max(item.y, least);
    least = item.y + gap;
  }
}

/** Boxes without a place, and the edges between them without places and paths. */
interface Unplaced {
  readonly nodes: ReadonlyMap<string, Omit<GraphNode, "x" | "y">>;
  readonly pairs: readonly Pair[];
}
type Placed = Omit<Graph, "left_out">;

/**
 * Computes the layout of the wait graph.
 * @param options `most` is the maximum number of holders that are drawn. `narrowPx` is the width of a narrow page, on
 *   which the holders are below each other
 */
export function layoutGraph(
  waits: LeaseWaits,
  { most = NODES_MAX, narrowPx }: { readonly most?: number; readonly narrowPx?: number } = {},
): Graph {
  const { pairs: all, names } = pairsOf(waits);
  const pairs = busiest(all, most);
  const { places } = layersOf(pairs, SIZES);
  const nodes = new Map(
    [...places].map(([id, place]) => [id, { id, name: names.get(id) ?? id, out: place.out, in: place.in }]),
  );
  const placed =
    narrowPx === undefined ? besideEachOther({ nodes, pairs }) : belowEachOther({ nodes, pairs }, narrowPx);
  return { ...placed, left_out: names.size - nodes.size };
}

function besideEachOther({ nodes: unplaced, pairs }: Unplaced): Placed {
  const { places, width, height } = layersOf(pairs, SIZES);
  const nodes = new Map([...unplaced].map(([id, node]) => [id, { ...node, ...placeOf(places.get(id)) }]));
  const labelled = pairs.flatMap(({ from, to, ...pair }) => {
    const [begin, end] = [nodes.get(from), nodes.get(to)];
    if (begin === undefined || end === undefined) return [];
    const steps = Math.max(1, (end.x - begin.x) / (NODE_WIDTH + COLUMN_GAP));
    // The label is in the middle of the first gap between columns, because a long edge has hardly curved there.
    const y = middle(begin) + (middle(end) - middle(begin)) / (2 * steps) - LABEL_HEIGHT / 2;
    return [{ ...pair, from: begin, to: end, x: begin.x + NODE_WIDTH + (COLUMN_GAP - LABEL_WIDTH) / 2, y }];
  });
  for (const column of new Set(labelled.map(({ x }) => x)))
    spread(
      labelled.filter(({ x }) => x === column),
      LABEL_HEIGHT + 2,
    );
  const lowest = Math.max(height, ...labelled.map(({ y }) => y + LABEL_HEIGHT));
  const edges = labelled.map((edge) => ({ ...edge, path: pathOf(edge) }));
  return { nodes: [...nodes.values()], edges, width, height: lowest };
}

function belowEachOther({ nodes: unplaced, pairs }: Unplaced, width: number): Placed {
  const tops = new Map<string, number>();
  const labelTops = new Map<Pair, number>();
  let height = 0;
  for (const id of stackOrder([...unplaced.keys()], pairs)) {
    tops.set(id, height);
    height += NODE_HEIGHT;
    for (const pair of pairs) {
      if (pair.from !== id) continue;
      labelTops.set(pair, height + STACKED_GAP);
      height += STACKED_GAP + LABEL_HEIGHT;
    }
    height += NODE_GAP;
  }
  const { left, paths } = stackedPaths(
    pairs.map((pair) => ({
      fromY: (labelTops.get(pair) ?? 0) + LABEL_HEIGHT / 2,
      toY: (tops.get(pair.to) ?? 0) + NODE_HEIGHT / 2,
    })),
  );
  const nodes = new Map(
    [...tops].flatMap(([id, y]) => {
      const node = unplaced.get(id);
      return node === undefined ? [] : [[id, { ...node, x: left, y }] as const];
    }),
  );
  const edges = pairs.flatMap((pair, at) => {
    const [begin, end] = [nodes.get(pair.from), nodes.get(pair.to)];
    if (begin === undefined || end === undefined) return [];
    return [{ ...pair, from: begin, to: end, x: left, y: labelTops.get(pair) ?? 0, path: paths[at] ?? "" }];
  });
  return { nodes: [...nodes.values()], edges, width, height: Math.max(0, height - NODE_GAP) };
}

function placeOf(place: { readonly x: number; readonly y: number } | undefined): Pick<GraphNode, "x" | "y"> {
  return { x: place?.x ?? 0, y: place?.y ?? 0 };
}

/**
 * Returns an edge as an SVG path. The path is a curve to the label, a horizontal line behind the label, and a curve to
 * the second box.
 */
function pathOf({ from, to, x, y }: Omit<GraphEdge, "path">): string {
  const [beginX, beginY, labelY] = [from.x + NODE_WIDTH, middle(from), y + LABEL_HEIGHT / 2];
  const endX = x + LABEL_WIDTH;
  const there = curve(beginX, beginY, x, labelY);
  return `M${beginX},${beginY}${there}H${endX}${curve(endX, labelY, to.x, middle(to))}`;
}

/** Returns the height at which the edges of a box start and end. */
function middle({ y }: Pick<GraphNode, "y">): number {
  return y + NODE_HEIGHT / 2;
}
