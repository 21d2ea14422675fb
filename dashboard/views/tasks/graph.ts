/** Finds the tasks of the dependency graph and places them. Pure. */
import type { ListedTask, TaskState } from "../../api/types.js";
import { curve, layersOf, type Link, type Place } from "../../parts/layers.js";
import { stackedPaths, stackOrder } from "../../parts/stacked.js";

/** The maximum number of tasks that are drawn. Tasks that have not ended take precedence. */
export const TASKS_MAX = 200;

/** The sizes in px. The size of a box must be the same in style.css. */
const WIDTH = 208;
const HEIGHT = 62;
const SIZES = { width: WIDTH, height: HEIGHT, columnGap: 64, rowGap: 12 };

export interface TaskNode extends Pick<Place, "x" | "y"> {
  readonly id: string;
  /** The task; undefined if another task names it but it is not listed. */
  readonly task: ListedTask | undefined;
}

export interface TaskEdge {
  readonly from: TaskNode;
  readonly to: TaskNode;
  /** Whether the later task still waits for the earlier one. */
  readonly open: boolean;
  /** The edge as an SVG path. */
  readonly path: string;
}

export interface TaskGraph {
  readonly nodes: readonly TaskNode[];
  readonly edges: readonly TaskEdge[];
  readonly width: number;
  readonly height: number;
  /** The number of tasks with dependencies that are not drawn. */
  readonly leftOut: number;
  /** The number of tasks without dependencies. They are not drawn. */
  readonly alone: number;
}

const isDone = (state: TaskState | undefined): boolean => state === "done";

type Node = Omit<TaskNode, "x" | "y">;

/** The places of the drawn tasks, and the paths of their edges, in the order of the edges. */
interface Drawing {
  readonly nodes: readonly TaskNode[];
  readonly paths: readonly string[];
  readonly width: number;
  readonly height: number;
}

/**
 * Returns the dependency graph. An edge leads from a task to a task that must come after it.
 * @param options `narrowPx` is the width of a narrow page, on which the tasks are below each other
 */
export function taskGraph(
  tasks: readonly ListedTask[],
  { most = TASKS_MAX, narrowPx }: { readonly most?: number; readonly narrowPx?: number } = {},
): TaskGraph {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const all: Link[] = tasks.flatMap(({ id, after }) => after.map((from) => ({ from, to: id })));
  const degrees = new Map<string, number>();
  for (const { from, to } of all) for (const id of [from, to]) degrees.set(id, (degrees.get(id) ?? 0) + 1);
  const hasEnded = (id: string): boolean => (byId.get(id)?.ended_at ?? null) !== null || !byId.has(id);
  const ranked = [...degrees].sort(([a, many], [b, more]) => Number(hasEnded(a)) - Number(hasEnded(b)) || more - many);
  const kept = new Set(ranked.slice(0, most).map(([id]) => id));
  const links = all.filter(({ from, to }) => kept.has(from) && kept.has(to));
  const node = (id: string): Node => ({ id, task: byId.get(id) });
  const { nodes, paths, width, height } =
    narrowPx === undefined ? besideEachOther(links, node) : belowEachOther(links, node, narrowPx);
  const drawn = new Map(nodes.map((one) => [one.id, one]));
  const edges = links.flatMap(({ from, to }, at) => {
    const [begin, end] = [drawn.get(from), drawn.get(to)];
    if (begin === undefined || end === undefined) return [];
    return [{ from: begin, to: end, open: !isDone(begin.task?.state), path: paths[at] ?? "" }];
  });
  return {
    nodes,
    edges,
    width,
    height,
    leftOut: degrees.size - nodes.length,
    alone: tasks.filter(({ id }) => !degrees.has(id)).length,
  };
}

function besideEachOther(links: readonly Link[], node: (id: string) => Node): Drawing {
  const { places, width, height } = layersOf(links, SIZES);
  const paths = links.map(({ from, to }) => {
    const [begin, end] = [places.get(from), places.get(to)];
    if (begin === undefined || end === undefined) return "";
    const [x, y] = [begin.x + WIDTH, begin.y + HEIGHT / 2];
    return `M${x},${y}${curve(x, y, end.x, end.y + HEIGHT / 2)}`;
  });
  return { nodes: [...places].map(([id, { x, y }]) => ({ ...node(id), x, y })), paths, width, height };
}

function belowEachOther(links: readonly Link[], node: (id: string) => Node, width: number): Drawing {
  const order = stackOrder([...layersOf(links, SIZES).places.keys()], links);
  const tops = new Map(order.map((id, row) => [id, row * (HEIGHT + SIZES.rowGap)]));
  // An edge leaves a box below the middle, and enters it above the middle. So both can be told apart.
  const { left, paths } = stackedPaths(
    links.map(({ from, to }) => ({
      fromY: (tops.get(from) ?? 0) + (HEIGHT * 2) / 3,
      toY: (tops.get(to) ?? 0) + HEIGHT / 3,
    })),
  );
  const nodes = order.map((id) => ({ ...node(id), x: left, y: tops.get(id) ?? 0 }));
  return { nodes, paths, width, height: order.length * (HEIGHT + SIZES.rowGap) - SIZES.rowGap };
}
