/**
 * Draws the graph of which tasks must come after which. Each box is a link to its task. The keyboard and a screen
 * reader reach the boxes from left to right. On a narrow page, the boxes are below each other.
 */
import { useMemo } from "preact/hooks";
import type { ListedTask } from "../../api/types.js";
import { addressOf } from "../../base/address.js";
import { plural } from "../../base/format.js";
import { Drawing } from "../../parts/drawing.js";
import { Empty } from "../../parts/empty.js";
import { taskGraph, type TaskNode } from "./graph.js";
import { formatState, TONES } from "./model.js";

export function Dependencies({ tasks }: { readonly tasks: readonly ListedTask[] }) {
  const { nodes, width, leftOut, alone } = useMemo(() => taskGraph(tasks), [tasks]);
  if (nodes.length === 0)
    return <Empty title="No task depends on another">A task waits for the tasks that its `after` names.</Empty>;
  return (
    <>
      <p class="hint" role="status">
        {plural(nodes.length, "task")} with dependencies
        {leftOut > 0 && `, ${leftOut} more not drawn`}
        {alone > 0 && `; ${plural(alone, "task")} without dependencies only on the board`}
      </p>
      <Drawing label="Dependencies, drawn" class="task-graph" widthPx={width}>
        {(narrowPx) => <Graph tasks={tasks} narrowPx={narrowPx} />}
      </Drawing>
    </>
  );
}

interface GraphProps {
  readonly tasks: readonly ListedTask[];
  /** The width of a narrow frame that the graph does not fit, otherwise undefined. */
  readonly narrowPx: number | undefined;
}

function Graph({ tasks, narrowPx }: GraphProps) {
  const { nodes, edges, width, height } = useMemo(
    () => taskGraph(tasks, narrowPx === undefined ? {} : { narrowPx }),
    [tasks, narrowPx],
  );
  return (
    <div style={{ width: `${width}px`, height: `${height}px` }}>
      <svg width={width} height={height} aria-hidden="true">
        <marker id="task-head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">
          <path d="M0 0 8 4 0 8z" />
        </marker>
        {edges.map((edge) => (
          <path
            key={`${edge.from.id} ${edge.to.id}`}
            class={edge.open ? "task-edge" : "task-edge task-edge-done"}
            d={edge.path}
            marker-end="url(#task-head)"
          />
        ))}
      </svg>
      {nodes.map((node) => (
        <Box key={node.id} node={node} />
      ))}
    </div>
  );
}

function Box({ node: { id, task, x, y } }: { readonly node: TaskNode }) {
  const state = task === undefined ? "not listed" : formatState(task.state);
  const words = [state, ...(task?.holder === null || task === undefined ? [] : [task.holder.name])].join(" · ");
  const after = task === undefined || task.after.length === 0 ? "" : `, after ${task.after.join(", ")}`;
  const title = task?.title ?? id;
  return (
    <a
      class={`task-box task-${task === undefined ? "plain" : TONES[task.state]}`}
      style={{ left: `${x}px`, top: `${y}px` }}
      href={addressOf("tasks", id)}
      title={title + after}
    >
      <strong>{title}</strong>
      <span>{words}</span>
    </a>
  );
}
