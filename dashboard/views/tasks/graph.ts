/** Finds the tasks of the dependency graph and places them. Pure. */
import type { ListedTask, TaskState } from "../../api/types.js";
import { curve, layersOf, type Link, type Place } from "../../parts/layers.js";

/** The maximum number of tasks that are drawn. Tasks that have not ended take precedence. */
export const TASKS_MAX = 200;

/** The sizes in px. The size of a box must be the same in style.css. */
const WIDTH = 208;
const HEIGHT = 62;
const SIZES = { width: WIDTH, height: HEIGHT, columnGap: 64, rowGap: 12 };

export interface TaskNode extends Place {
  readonly id: string;
  /** The task; undefined if another task names it but it is not listed. */
  readonly task: ListedTask | undefined;
}

export interface TaskEdge {
  readonly from: TaskNode;
  readonly to: TaskNode;
  /** Whether the later task still waits for the earlier one. */
  readonly open: boolean;
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

/** Returns the dependency graph. An edge leads from a task to a task that must come after it. */
export function taskGraph(tasks: readonly ListedTask[], most = TASKS_MAX): TaskGraph {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const all: Link[] = tasks.flatMap(({ id, after }) => after.map((from) => ({ from, to: id })));
  const degrees = new Map<string, number>();
  for (const { from, to } of all) for (const id of [from, to]) degrees.set(id, (degrees.get(id) ?? 0) + 1);
  const hasEnded = (id: string): boolean => (byId.get(id)?.ended_at ?? null) !== null || !byId.has(id);
  const ranked = [...degrees].sort(([a, many], [b, more]) => Number(hasEnded(a)) - Number(hasEnded(b)) || more - many);
  const kept = new Set(ranked.slice(0, most).map(([id]) => id));
  const links = all.filter(({ from, to }) => kept.has(from) && kept.has(to));
  const { places, width, height } = layersOf(links, SIZES);
  const nodes = new Map([...places].map(([id, place]) => [id, { id, task: byId.get(id), ...place }]));
  const edges = links.flatMap(({ from, to }) => {
    const [begin, end] = [nodes.get(from), nodes.get(to)];
    return begin === undefined || end === undefined ? [] : [{ from: begin, to: end, open: !isDone(begin.task?.state) }];
  });
  return {
    nodes: [...nodes.values()],
    edges,
    width,
    height,
    leftOut: degrees.size - nodes.size,
    alone: tasks.filter(({ id }) => !degrees.has(id)).length,
  };
}

/** Returns an edge as an SVG path. */
export function pathOf({ from, to }: Pick<TaskEdge, "from" | "to">): string {
  const [x, y] = [from.x + WIDTH, from.y + HEIGHT / 2];
  return `M${x},${y}${curve(x, y, to.x, to.y + HEIGHT / 2)}`;
}
