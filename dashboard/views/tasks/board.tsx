/**
 * The board of tasks. It has a column for each group of states (blocked, ready, claimed, asks, ended) and a card for
 * each task.
 */
import { useSignal } from "@preact/signals";
import { tasksLoader } from "../../api/tasks.js";
import { useResource } from "../../api/resource.js";
import type { ListedTask } from "../../api/types.js";
import { addressOf } from "../../base/address.js";
import { nowMs } from "../../base/clock.js";
import { count } from "../../base/format.js";
import { useAddressQuery, type AddressQuery } from "../../parts/address-query.js";
import { Agent } from "../../parts/agent.js";
import { AgentChoice, ValueChoice, WorkspaceChoice } from "../../parts/agent-choice.js";
import { Badge } from "../../parts/badge.js";
import { Button } from "../../parts/button.js";
import { Empty } from "../../parts/empty.js";
import { Fields } from "../../parts/fields.js";
import { Failure } from "../../parts/notice.js";
import { Page } from "../../parts/page.js";
import { Share } from "../../parts/share.js";
import { Time } from "../../parts/time.js";
import { columnsOf, formatState, STATES, TONES, type Column } from "./model.js";
import { type Selected, Selection, toggle } from "./selection.js";
import { Dependencies } from "./task-graph.js";

/** The maximum number of tasks per state, on the board and in the graph. */
const SHOWN = 50;
const DRAWN = 200;
const PRIORITY = 5;
const WHOLE = 100;

export function Board() {
  const { query, set } = useAddressQuery();
  const { workspace = "", label = "", holder = "" } = query;
  const filter = { workspace, label, holder };
  const drawn = query["as"] === "graph";
  const limit = drawn ? DRAWN : SHOWN;
  const resource = useResource(tasksLoader(STATES, filter, limit));
  const data = resource.data.value;
  const columns = data === undefined ? [] : columnsOf(data, limit);
  const tasks = columns.flatMap((column) => column.tasks);
  const selected: Selected = useSignal(new Set());
  const filtered = Object.values(filter).some((value) => value !== "");
  return (
    <Page
      title="Tasks"
      actions={
        <div class="buttons" role="group" aria-label="Show as">
          <Button pressed={!drawn} onClick={() => set({ as: "" })}>
            Board
          </Button>
          <Button pressed={drawn} onClick={() => set({ as: "graph" })}>
            Dependencies
          </Button>
        </div>
      }
    >
      {(filtered || tasks.length > 0) && <Filters query={query} set={set} tasks={tasks} />}
      <Failure of={resource} />
      {data !== undefined && tasks.length === 0 && !filtered && (
        <Empty title="No tasks yet" command="koor-cli task add 'review the orders API' --label review">
          Agents and people add tasks, and one agent at a time claims each.
        </Empty>
      )}
      {drawn && tasks.length > 0 && <Dependencies tasks={tasks} />}
      {!drawn && (filtered || tasks.length > 0) && (
        <div class="board" role="region" aria-label="Board" tabIndex={0}>
          {columns.map((column) => (
            <Lane key={column.title} column={column} selected={selected} />
          ))}
        </div>
      )}
      {!drawn && <Selection selected={selected} tasks={tasks} />}
    </Page>
  );
}

function Filters({
  query,
  set,
  tasks,
}: Pick<AddressQuery, "query" | "set"> & { readonly tasks: readonly ListedTask[] }) {
  const { workspace = "", label = "", holder = "" } = query;
  return (
    <Fields>
      <WorkspaceChoice of={tasks} value={workspace} onChoose={(chosen) => set({ workspace: chosen })} />
      <ValueChoice
        label="Label"
        value={label}
        values={tasks.flatMap(({ labels }) => labels)}
        onChoose={(chosen) => set({ label: chosen })}
      />
      <AgentChoice label="Holder" value={holder} onChoose={(chosen) => set({ holder: chosen })} />
    </Fields>
  );
}

function Lane({ column: { title, tasks, cut }, selected }: { readonly column: Column; readonly selected: Selected }) {
  return (
    <section class="lane" aria-label={title}>
      <h2>
        {title} <span class="hint">{`${count(tasks.length)}${cut ? " or more" : ""}`}</span>
      </h2>
      <ul>
        {tasks.map((task) => (
          <li key={task.id} class="card task">
            <Card task={task} />
            <input
              type="checkbox"
              class="row-choice"
              aria-label={`Select ${task.title}`}
              checked={selected.value.has(task.id)}
              onChange={() => toggle(selected, task.id)}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Card({ task }: { readonly task: ListedTask }) {
  const { id, title, state, priority, labels, attempts, max_attempts, holder, progress, ended_at, not_before } = task;
  return (
    <>
      <a class="task-title" href={addressOf("tasks", id)}>
        {title}
      </a>
      <span class="badges">
        {ended_at !== null && <Badge tone={TONES[state]}>{formatState(state)}</Badge>}
        {priority !== PRIORITY && <Badge tone={priority > PRIORITY ? "warn" : "plain"}>{`priority ${priority}`}</Badge>}
        {task.cancel_requested && <Badge tone="warn">cancel requested</Badge>}
        {attempts > 0 && <Badge tone="warn">{`${attempts} of ${max_attempts} attempts`}</Badge>}
        {labels.map((label) => (
          <Badge key={label}>{label}</Badge>
        ))}
      </span>
      {progress !== null && ended_at === null && (
        <span class="task-progress">
          <Share value={progress} of={WHOLE} /> {progress} %
        </span>
      )}
      <TaskText task={task} />
      <span class="hint">
        {holder !== null && (
          <>
            <Agent {...holder} />
            {" · "}
          </>
        )}
        <Time at={task.updated_at} />
        {not_before !== null && Date.parse(not_before) > nowMs.value && (
          <>
            {", not before "}
            <Time at={not_before} as="clock" />
          </>
        )}
      </span>
    </>
  );
}

/**
 * Shows the text of a card. The task's state decides whether this is the question, the error, the tasks that must be
 * done first, or the last note.
 */
function TaskText({ task: { state, question, error, note, after } }: { readonly task: ListedTask }) {
  const waits = after.length === 0 ? null : `after ${after.join(", ")}`;
  const words = {
    input_required: question,
    failed: error,
    dead: error,
    blocked: note ?? waits,
  } as Readonly<Partial<Record<typeof state, string | null>>>;
  const text = words[state] ?? note;
  return text === null ? null : <p class="task-words">{text}</p>;
}
