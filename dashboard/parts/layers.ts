/**
 * Places the boxes of a drawn graph in columns. A box is to the left of all boxes to which its edges lead, and as close
 * as possible to them vertically. Pure.
 */

export interface Link {
  readonly from: string;
  readonly to: string;
}

/** The sizes of the boxes and of the gaps between them, in px. */
export interface BoxSizes {
  readonly width: number;
  readonly height: number;
  readonly columnGap: number;
  readonly rowGap: number;
}

export interface Place {
  /** The left edge of the box, in px; `y` is its top edge. */
  readonly x: number;
  readonly y: number;
  /** The number of edges that start at the box, and of those that end at it. */
  readonly out: number;
  readonly in: number;
}

export interface Layers {
  /** The places of all boxes that have an edge, ordered from left to right and from top to bottom. */
  readonly places: ReadonlyMap<string, Place>;
  readonly width: number;
  readonly height: number;
}

/** Groups links by one of their ends. */
function byEnd(links: readonly Link[], end: "from" | "to"): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const link of links) {
    const [key, other] = end === "from" ? [link.from, link.to] : [link.to, link.from];
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [other]);
    else group.push(other);
  }
  return groups;
}

/**
 * Returns, for each box, the length of the longest chain of edges that begins at it. A chain ends where it would enter
 * a cycle, although cycles should not occur.
 */
function depthsOf(
  ids: readonly string[],
  targets: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, number> {
  const depths = new Map<string, number>();
  const path = new Set<string>();
  const depthOf = (id: string): number => {
    const known = depths.get(id);
    if (known !== undefined) return known;
    path.add(id);
    const next = (targets.get(id) ?? []).filter((to) => !path.has(to));
    const depth = next.reduce((most, to) => Math.max(most, 1 + depthOf(to)), 0);
    path.delete(id);
    depths.set(id, depth);
    return depth;
  };
  for (const id of ids) depthOf(id);
  return depths;
}

/** Computes the places of the boxes. A box without an edge has no place. */
export function layersOf(links: readonly Link[], { width, height, columnGap, rowGap }: BoxSizes): Layers {
  const ids = [...new Set(links.flatMap(({ from, to }) => [from, to]))];
  const [targets, sources] = [byEnd(links, "from"), byEnd(links, "to")];
  const depths = depthsOf(ids, targets);
  const deepest = Math.max(0, ...depths.values());
  const columns = Array.from({ length: deepest + 1 }, (_, depth) => ids.filter((id) => depths.get(id) === depth));
  const rowHeight = height + rowGap;
  const rows = Math.max(0, ...columns.map((column) => column.length));
  const places = new Map<string, Place>();
  // Places the columns on the right first. So each box can be placed close to the boxes to which its edges lead.
  for (const [depth, column] of columns.entries()) {
    const wishes = new Map(
      column.map((id) => {
        const found = (targets.get(id) ?? []).flatMap((to) => places.get(to) ?? []);
        return [id, found.reduce((sum, { y }) => sum + y, 0) / Math.max(1, found.length)];
      }),
    );
    const ordered = column.toSorted((a, b) => (wishes.get(a) ?? 0) - (wishes.get(b) ?? 0));
    const top = ((rows - column.length) * rowHeight) / 2;
    for (const [row, id] of ordered.entries())
      places.set(id, {
        x: (deepest - depth) * (width + columnGap),
        y: top + row * rowHeight,
        out: targets.get(id)?.length ?? 0,
        in: sources.get(id)?.length ?? 0,
      });
  }
  return {
    places: new Map([...places].sort(([, a], [, b]) => a.x - b.x || a.y - b.y)),
    width: ids.length === 0 ? 0 : deepest * (width + columnGap) + width,
    height: Math.max(0, rows * rowHeight - rowGap),
  };
}

/** Returns a curve between two points as a part of an SVG path. It starts and ends horizontally. */
export function curve(x1: number, y1: number, x2: number, y2: number): string {
  return `C${(x1 + x2) / 2},${y1} ${(x1 + x2) / 2},${y2} ${x2},${y2}`;
}
