/** Shows the state of the server at the chosen time: agents, leases, tasks and keys. */
import type { ComponentChildren } from "preact";
import { MINUTE_MS } from "../../../shared/duration.js";
import type { KeyAt, LeaseAt, TaskAt } from "../../api/types.js";
import { statePath } from "../../base/path.js";
import { clockTime, count } from "../../base/format.js";
import { addressOf, stateAddress } from "../../base/address.js";
import { Agent } from "../../parts/agent.js";
import { Badge } from "../../parts/badge.js";
import { Button } from "../../parts/button.js";
import { Empty } from "../../parts/empty.js";
import { LeaseLink, LeaseState } from "../../parts/lease-table.js";
import { Section } from "../../parts/page.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { doingAt, statesOf, type Doing } from "./doing.js";
import { ROWS_MAX, type Moment, type Past } from "./loader.js";

/**
 * The server knows only a limited past, and the start of that past moves on while the user reads. So the page chooses a
 * time that is this much later than the start, in ms.
 */
const LATER_MS = MINUTE_MS;

const wordsOf = (state: string): string => state.replace("_", " ");

function TaskLink({ id, title }: TaskAt) {
  return <a href={addressOf("tasks", id)}>{title}</a>;
}

const DOING: readonly Column<Doing>[] = [
  { head: "Agent", cell: ({ id, name }) => <Agent id={id} name={name} /> },
  {
    head: "Works on",
    kind: "wide",
    cell: ({ tasks }) => tasks.map((task, at) => [at > 0 && ", ", <TaskLink key={task.id} {...task} />]),
  },
  { head: "Holds", kind: "number", cell: ({ held }) => count(held.length) },
  { head: "Waits", kind: "number", cell: ({ waiting }) => count(waiting.length) },
];

const LEASES: readonly Column<LeaseAt>[] = [
  { head: "Resources", kind: "wide", opens: true, cell: (lease) => <LeaseLink {...lease} /> },
  { head: "Holder", cell: ({ holder }) => <Agent {...holder} /> },
  { head: "State", cell: (lease) => <LeaseState lease={lease} waiting={0} /> },
  {
    head: "Since",
    optional: true,
    cell: ({ granted_at, requested_at }) => <Time at={granted_at ?? requested_at} as="clock" />,
  },
];

const TASKS: readonly Column<TaskAt>[] = [
  { head: "Task", kind: "wide", opens: true, cell: (task) => <TaskLink {...task} /> },
  { head: "State", cell: ({ state }) => <Badge>{wordsOf(state)}</Badge> },
  { head: "Holder", optional: true, cell: ({ holder }) => holder !== null && <Agent {...holder} /> },
  { head: "Since", cell: ({ updated_at }) => <Time at={updated_at} as="clock" /> },
];

function keysOf(at: string): readonly Column<KeyAt>[] {
  return [
    {
      head: "Key",
      kind: "wide",
      opens: true,
      cell: ({ key }) => (
        <a class="mono" href={stateAddress(key)}>
          {key}
        </a>
      ),
    },
    {
      head: "Value then",
      cell: ({ key, version }) =>
        version === null ? (
          <span class="muted">not kept</span>
        ) : (
          <a
            href={statePath(key).replace("/api/", `/api/at/${encodeURIComponent(at)}/`)}
            target="_blank"
            rel="noreferrer"
            aria-label={`version ${version} of ${key}`}
          >
            version {version}
          </a>
        ),
    },
    {
      head: "Written",
      optional: true,
      cell: ({ updated_at }) => updated_at !== null && <Time at={updated_at} as="clock" />,
    },
  ];
}

interface ListProps<Row> {
  readonly title: string;
  readonly past: Past<Row>;
  readonly none: string;
  readonly go: (ms: number) => void;
  readonly children: ComponentChildren;
}

/** A section with a list of the chosen time. If the list is missing, it shows the reason. */
function List<Row>({ title, past: { rows, more, sinceMs }, none, go, children }: ListProps<Row>) {
  return (
    <Section title={title} actions={more && <span class="hint">{`the first ${ROWS_MAX}`}</span>}>
      {sinceMs !== null ? (
        <Empty title="No longer known">
          The server knows this only since {clockTime(sinceMs, Date.now())}.{" "}
          <Button kind="quiet" onClick={() => go(sinceMs + LATER_MS)}>
            Go there
          </Button>
        </Empty>
      ) : rows.length === 0 ? (
        <p class="hint">{none}</p>
      ) : (
        children
      )}
    </Section>
  );
}

interface MomentProps {
  readonly moment: Moment;
  readonly go: (ms: number) => void;
}

export function MomentLists({ moment: { atMs, leases, tasks, state }, go }: MomentProps) {
  const doing = { ...leases, rows: doingAt(leases.rows, tasks.rows) };
  const open = tasks.rows.filter(({ ended_at }) => ended_at === null);
  return (
    <>
      <List title="Agents" past={doing} none="No agent held, waited or worked." go={go}>
        <Table label="Agents then" columns={DOING} rows={doing.rows} keyOf={({ id }) => id} />
      </List>
      <List title="Leases" past={leases} none="None was held." go={go}>
        <Table
          label="Leases then"
          columns={LEASES}
          rows={leases.rows}
          keyOf={({ id }) => id}
          toneOf={({ state: one }) => (one === "waiting" ? "warn" : undefined)}
        />
      </List>
      <List title="Tasks" past={tasks} none="There were none." go={go}>
        <p class="badges">
          {statesOf(tasks.rows).map(([one, many]) => (
            <Badge key={one}>{`${count(many)} ${wordsOf(one)}`}</Badge>
          ))}
        </p>
        {open.length > 0 && <Table label="Tasks then" columns={TASKS} rows={open} keyOf={({ id }) => id} />}
      </List>
      <List title="State" past={state} none="There were no keys." go={go}>
        <Table
          label="Keys then"
          columns={keysOf(new Date(atMs).toISOString())}
          rows={state.rows}
          keyOf={({ key }) => key}
        />
      </List>
    </>
  );
}
