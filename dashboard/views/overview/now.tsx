/** Shows the active agents and what each of them is doing: its intent, its task, and what it holds. */
import { agentsLoader } from "../../api/agents.js";
import { isOperator } from "../../api/operator.js";
import { useResource } from "../../api/resource.js";
import type { Instance, Lease, ListedTask } from "../../api/types.js";
import { addressOf } from "../../base/address.js";
import { count } from "../../base/format.js";
import { Agent } from "../../parts/agent.js";
import { Empty } from "../../parts/empty.js";
import { Failure } from "../../parts/notice.js";
import { Section } from "../../parts/page.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { claimedTasks, heldLeases } from "./loader.js";

/** The maximum number of agents that are shown. The one that was seen last comes first. */
const SHOWN_MAX = 12;

interface Doing {
  readonly agent: Instance;
  readonly task: ListedTask | undefined;
  readonly leases: readonly Lease[];
}

function Holds({ leases }: Pick<Doing, "leases">) {
  const [first, ...others] = leases.flatMap(({ resources }) => resources);
  if (first === undefined) return null;
  return (
    <div class="muted">
      holds <span class="mono">{first.replace(/^path:/, "")}</span>
      {others.length > 0 && ` and ${count(others.length)} more`}
    </div>
  );
}

const COLUMNS: readonly Column<Doing>[] = [
  { head: "Agent", sort: ({ agent }) => agent.name, cell: ({ agent }) => <Agent id={agent.id} name={agent.name} /> },
  {
    head: "Does",
    cell: ({ agent: { intent }, task, leases }) => (
      <div class="overview-two">
        <div>
          {task !== undefined && (
            <>
              <a href={addressOf("tasks", task.id)}>{task.title}</a>
              {task.progress !== null && ` ${task.progress} %`}
              {intent !== "" && " · "}
            </>
          )}
          {intent === "" && task === undefined ? <span class="muted">no intent set</span> : intent}
        </div>
        <Holds leases={leases} />
      </div>
    ),
    kind: "wide",
  },
  { head: "Seen", sort: ({ agent }) => agent.last_seen, cell: ({ agent }) => <Time at={agent.last_seen} /> },
];

export function Now() {
  const agents = useResource(agentsLoader);
  const leases = useResource(heldLeases).data.value ?? [];
  const tasks = useResource(claimedTasks).data.value?.claimed ?? [];
  const active = agents.data.value
    ?.filter((agent) => agent.status === "active" && !isOperator(agent))
    .toSorted((a, b) => Date.parse(b.last_seen) - Date.parse(a.last_seen));
  const more = (active?.length ?? 0) - SHOWN_MAX;
  return (
    <Section
      title="Active now"
      actions={<a href={addressOf("agents")}>{more > 0 ? `${count(more)} more` : "All agents"}</a>}
    >
      <Failure of={agents} />
      {active !== undefined && active.length > 0 && (
        <Table
          label="Active agents"
          columns={COLUMNS}
          rows={active.slice(0, SHOWN_MAX).map((agent) => ({
            agent,
            task: tasks.find(({ holder }) => holder?.id === agent.id),
            leases: leases.filter(({ holder }) => holder.id === agent.id),
          }))}
          keyOf={({ agent }) => agent.id}
        />
      )}
      {active?.length === 0 && <Empty title="No agent is active">Agents appear here when they begin to work.</Empty>}
    </Section>
  );
}
