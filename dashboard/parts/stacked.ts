/**
 * Places the boxes of a drawn graph below each other, for a narrow page. A box is above all boxes to which its edges
 * lead, and boxes that are connected are close together. The edges are lines in lanes on the left of the boxes. Pure.
 */
import type { Link } from "./layers.js";

/** The distance between two lanes, and the space for the head of an arrow, in px. */
const LANE_PX = 9;
const HEAD_PX = 14;
/** The maximum number of lanes. If more are needed, edges share the last one. */
const LANES_MAX = 9;

/**
 * Returns the ids of the boxes from top to bottom.
 * @param ids the ids in an order in which each box is before those to which its edges lead
 */
export function stackOrder(ids: readonly string[], links: readonly Link[]): string[] {
  const missing = new Map(ids.map((id) => [id, new Set<string>()]));
  for (const { from, to } of links) missing.get(to)?.add(from);
  const order = new Set<string>();
  const place = (id: string): void => {
    if (order.has(id)) return;
    order.add(id);
    for (const { from, to } of links) if (from === id) missing.get(to)?.delete(id);
    for (const { from, to } of links) if (from === id && missing.get(to)?.size === 0) place(to);
  };
  for (const id of ids) if (missing.get(id)?.size === 0) place(id);
  // Only a cycle leaves boxes. It should not occur.
  for (const id of ids) place(id);
  return [...order];
}

/** An edge: the heights at which it leaves one box and enters another, in px. */
export interface StackedEdge {
  readonly fromY: number;
  readonly toY: number;
}

/** Returns the lane of each edge. Lane 0 is next to the boxes. Edges to the same box share a lane. */
function lanesOf(edges: readonly StackedEdge[]): number[] {
  const lanes = edges.map(() => 0);
  const taken: StackedEdge[][] = [];
  const shortestFirst = [...edges.entries()].sort(
    ([, a], [, b]) => Math.abs(a.toY - a.fromY) - Math.abs(b.toY - b.fromY),
  );
  for (const [at, edge] of shortestFirst) {
    const isFree = (lane: readonly StackedEdge[]): boolean =>
      lane.every((other) => other.toY === edge.toY || top(other) >= bottom(edge) || bottom(other) <= top(edge));
    const free = taken.findIndex(isFree);
    const lane = Math.min(free < 0 ? taken.length : free, LANES_MAX - 1);
    lanes[at] = lane;
    taken[lane] = [...(taken[lane] ?? []), edge];
  }
  return lanes;
}

const top = ({ fromY, toY }: StackedEdge): number => Math.min(fromY, toY);
const bottom = ({ fromY, toY }: StackedEdge): number => Math.max(fromY, toY);

/** Returns the paths of edges in SVG, and the width of their lanes in px, which is the left edge of the boxes. */
export function stackedPaths(edges: readonly StackedEdge[]): {
  readonly left: number;
  readonly paths: readonly string[];
} {
  const lanes = lanesOf(edges);
  const left = edges.length === 0 ? 0 : HEAD_PX + LANE_PX * Math.max(...lanes);
  return {
    left,
    paths: edges.map(({ fromY, toY }, at) => {
      const x = left - HEAD_PX - LANE_PX * (lanes[at] ?? 0) + 1;
      return `M${left},${fromY}H${x}V${toY}H${left}`;
    }),
  };
}
