/** The page of one task: its question, facts, why it is not claimed, values and history. */
import { jsonPreview } from "../../../shared/json-preview.js";
import { taskLoader } from "../../api/tasks.js";
import { useResource } from "../../api/resource.js";
import type { Task } from "../../api/types.js";
import { addressOf, storyAddress } from "../../base/address.js";
import { Agent } from "../../parts/agent.js";
import { Badge } from "../../parts/badge.js";
import { Code } from "../../parts/code.js";
import { type Fact, FactList } from "../../parts/fact-list.js";
import { Failure } from "../../parts/notice.js";
import { Page, Section } from "../../parts/page.js";
import { PlainText } from "../../parts/plain-text.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { Actions } from "./actions.js";
import { Evidence } from "./evidence.js";
import { formatState, TONES } from "./model.js";
import { Question } from "./question.js";
import { Unclaimed } from "./why.js";

export function TaskPage({ id }: { readonly id: string }) {
  const resource = useResource(taskLoader(id));
  const task = resource.data.value;
  const onDone = (): Promise<void> => resource.refresh();
  return (
    <Page
      title="Tasks"
      part={id}
      home={addressOf("tasks")}
      {...(task === undefined ? {} : { actions: <Actions task={task} onDone={onDone} /> })}
    >
      <Failure of={resource} />
      {task !== undefined && (
        <>
          {task.question !== null && <Question key={task.question} task={task} onDone={onDone} />}
          <Facts task={task} />
          {task.evidence.length > 0 && <Evidence task={task} />}
          {task.state === "ready" && <Unclaimed task={task} />}
          <Values task={task} />
          <Section title="History">
            <Table label="Steps of the task" cards columns={STEPS} rows={task.history.toReversed()} keyOf={stepKey} />
          </Section>
        </>
      )}
    </Page>
  );
}

type Step = Task["history"][number];

const stepKey = ({ at, state }: Step): string => `${at} ${state}`;

const STEPS: readonly Column<Step>[] = [
  {
    head: "When",
    cell: ({ at }) => (
      <a href={storyAddress(at)} title="as it was">
        <Time at={at} />
      </a>
    ),
  },
  { head: "State", cell: ({ state }) => <Badge tone={TONES[state]}>{formatState(state)}</Badge> },
  { head: "By", cell: ({ actor }) => <Agent id={actor} /> },
  { head: "Note", kind: "wide", cell: ({ note }) => <span title={note ?? ""}>{note}</span> },
];

function Facts({ task }: { readonly task: Task }) {
  const { title, state, holder, assignee, lease, progress, note, error, created_by, not_before } = task;
  const facts: readonly Fact[] = [
    ["Attempts", `${task.attempts} of ${task.max_attempts}`],
    ["Priority", task.priority],
    ["Progress", progress === null ? null : `${progress} %`],
    ["Note", note],
    ["Error", error],
    ["Holder", holder === null ? null : <Agent {...holder} />],
    ["For", assignee],
    ["Lease", lease === null ? null : <a href={addressOf("leases", lease)}>{lease}</a>],
    ["Resources", listOf(task.resources)],
    ["Requires", listOf(task.requires)],
    ["Labels", listOf(task.labels)],
    ["After", <Ids key="after" of={task.after} />],
    ["Before", <Ids key="before" of={task.dependents} />],
    ["Workspace", task.workspace],
    ["Created", <Created key="created" by={created_by} at={task.created_at} />],
    ["Not before", not_before === null ? null : <Time at={not_before} as="clock" />],
  ];
  return (
    <section class="card" aria-label="Facts">
      <h2 class="task-head">
        {title} <Badge tone={TONES[state]}>{formatState(state)}</Badge>
        {task.cancel_requested && <Badge tone="warn">cancel requested</Badge>}
      </h2>
      <FactList facts={facts} />
    </section>
  );
}

const listOf = (values: readonly string[]): string => values.join(", ");

/** Shows links to tasks with these ids. */
function Ids({ of }: { readonly of: readonly string[] }) {
  if (of.length === 0) return <span class="muted">none</span>;
  return (
    <>
      {of.map((id) => (
        <a key={id} class="mono task-id" href={addressOf("tasks", id)}>
          {id}
        </a>
      ))}
    </>
  );
}

function Created({ by, at }: { readonly by: string | null; readonly at: string }) {
  return (
    <>
      <Time at={at} />
      {by !== null && (
        <>
          {" by "}
          <Agent id={by} />
        </>
      )}
    </>
  );
}

/** Shows the long values of a task. Values that the task does not have are left out. */
function Values({ task: { body, data, checkpoint, result } }: { readonly task: Task }) {
  const values = [
    ["Data", data],
    ["Checkpoint", checkpoint],
    ["Result", result],
  ] as const;
  return (
    <>
      {body !== "" && (
        <Section title="Description">
          <div class="card">
            <PlainText text={body} label="the task's description" />
          </div>
        </Section>
      )}
      {values.map(
        ([title, value]) =>
          value !== null && (
            <Section key={title} title={title}>
              <Code text={jsonPreview(value)} content_type="application/json" label={`the task's ${title}`} />
            </Section>
          ),
      )}
    </>
  );
}
