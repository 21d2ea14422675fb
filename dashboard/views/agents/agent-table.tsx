/** The table of agents with its filters. */
import { useMemo } from "preact/hooks";
import { agentsLoader, useCheckouts } from "../../api/agents.js";
import { useResource } from "../../api/resource.js";
import type { Instance } from "../../api/types.js";
import { agentAddress } from "../../base/address.js";
import { count, plural } from "../../base/format.js";
import { useAddressQuery, type AddressQuery } from "../../parts/address-query.js";
import { Sparkline } from "../../parts/sparkline.js";
import { Empty } from "../../parts/empty.js";
import { Choice, Fields, TextField } from "../../parts/fields.js";
import { Failure } from "../../parts/notice.js";
import { Page } from "../../parts/page.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { activityLoader } from "./loader.js";
import { activityOf, belowParents, listedAgents, nameBelow, STATUSES, sum, valuesOf, type Activity } from "./model.js";
import { Status } from "./status.js";

const NO_ACTIVITY: readonly number[] = [];
/**
 * The maximum number of columns for members that only some agents have. More columns would leave no width for the
 * intent.
 */
const SPARSE_MAX = 3;

export function AgentTable() {
  const agents = useResource(agentsLoader);
  const hours = useResource(activityLoader);
  const address = useAddressQuery();
  const { query } = address;
  const list = agents.data.value;
  const activity = useMemo(() => activityOf((hours.data.value ?? []).map(({ totals }) => totals)), [hours.data.value]);
  const { search = "", status = "", workspace = "", stack = "" } = query;
  const listed = useMemo(
    () => listedAgents(list ?? [], { search, status, workspace, stack }),
    [list, search, status, workspace, stack],
  );
  return (
    <Page title="Agents">
      <Failure of={agents} />
      {list !== undefined && list.length === 0 && (
        <Empty title="No agent is registered" command="koor-cli register ana --workspace trucks --stack go">
          An agent registers itself once, and then appears here.
        </Empty>
      )}
      {list !== undefined && list.length > 0 && (
        <>
          <Filters list={list} {...address} />
          <p class="hint" role="status">
            {summaryOf(list, listed)}
          </p>
          {listed.length === 0 ? (
            <Empty title="No agent matches">Remove a filter to see more.</Empty>
          ) : (
            <AgentRows label="Agents" agents={listed} activity={activity} orderIn={address} />
          )}
        </>
      )}
    </Page>
  );
}

interface FiltersProps extends AddressQuery {
  readonly list: readonly Instance[];
}

function Filters({ list, query, set }: FiltersProps) {
  const ofStatus = (status: string): number => list.filter((agent) => agent.status === status).length;
  const among = (member: "workspace" | "stack") => withCurrent(valuesOf(list, member), query[member]);
  return (
    <Fields>
      <TextField
        label="Search"
        type="search"
        placeholder="Name, intent…"
        value={query["search"] ?? ""}
        onInput={(search) => set({ search })}
      />
      <Choice
        label="Status"
        value={query["status"] ?? ""}
        choices={[["", "Any"], ...STATUSES.map((one) => [one, `${one} (${ofStatus(one)})`] as const)]}
        onChoose={(status) => set({ status })}
      />
      <Choice
        label="Workspace"
        value={query["workspace"] ?? ""}
        choices={[["", "Any"], ...among("workspace")]}
        onChoose={(workspace) => set({ workspace })}
      />
      <Choice
        label="Stack"
        value={query["stack"] ?? ""}
        choices={[["", "Any"], ...among("stack")]}
        onChoose={(stack) => set({ stack })}
      />
    </Fields>
  );
}

/** Adds the value in the address to the options of a filter. It must be an option even if no agent has it. */
function withCurrent(values: readonly string[], current = ""): (readonly [string, string])[] {
  const all = current === "" || values.includes(current) ? values : [...values, current];
  return all.map((value) => [value, value] as const);
}

function summaryOf(list: readonly Instance[], listed: readonly Instance[]): string {
  const byStatus = STATUSES.flatMap((status) => {
    const ofStatus = listed.filter((agent) => agent.status === status).length;
    return ofStatus === 0 ? [] : [`${count(ofStatus)} ${status}`];
  });
  const some =
    listed.length === list.length ? plural(list.length, "agent") : `${listed.length} of ${list.length} agents`;
  return byStatus.length === 0 ? some : `${some}: ${byStatus.join(", ")}`;
}

interface RowsProps {
  readonly label: string;
  readonly agents: readonly Instance[];
  /** The activity of the agents. If absent, its column is left out. */
  readonly activity?: Activity;
  /** The parent of all these agents, if it is not in the table. */
  readonly parent?: Instance;
  readonly orderIn?: AddressQuery;
}

/**
 * Shows agents as a table. The active ones come first unless the user chooses another order. A subagent is indented if
 * its row follows the row of its parent.
 */
export function AgentRows({ label, agents, activity, parent, orderIn }: RowsProps) {
  const { labels } = useCheckouts();
  const columns = useMemo(() => columnsOf(agents, activity, labels, parent), [agents, activity, labels, parent]);
  return (
    <Table
      label={label}
      columns={columns}
      cards
      rows={agents}
      arrange={belowParents}
      {...(orderIn === undefined ? {} : { orderIn })}
      keyOf={({ id }) => id}
      toneOf={({ status }) => (status === "stale" ? "warn" : undefined)}
    />
  );
}

/**
 * Returns the columns of the table. Some members of agents have a column only if an agent has them, and only the first
 * SPARSE_MAX of these columns are shown.
 */
function columnsOf(
  agents: readonly Instance[],
  activity: Activity | undefined,
  labels: ReadonlyMap<string, string>,
  above?: Instance,
): readonly Column<Instance>[] {
  const byId = new Map([...agents, ...(above === undefined ? [] : [above])].map((agent) => [agent.id, agent]));
  const sparse: readonly (readonly [head: string, textOf: (agent: Instance) => string])[] = [
    ["Client", ({ client = "" }) => client],
    ["Checkout", ({ checkout }) => (checkout === null ? "" : (labels.get(checkout.id) ?? checkout.id))],
    ["Workspace", ({ workspace }) => workspace],
    ["Stack", ({ stack }) => stack],
    ["Capabilities", ({ capabilities }) => capabilities.join(", ")],
  ];
  return [
    {
      head: "Name",
      opens: true,
      sort: ({ name }) => name,
      cell: (agent) => {
        const { id, name, parent } = agent;
        const ofParent = parent === null ? undefined : byId.get(parent);
        return (
          <a
            class={ofParent === undefined ? "agents-name" : "agents-name agents-below"}
            href={agentAddress(id)}
            title={name}
            aria-label={name}
          >
            {nameBelow(agent, ofParent)}
          </a>
        );
      },
    },
    {
      head: "Status",
      sort: ({ status }) => STATUSES.indexOf(status),
      cell: ({ status }) => <Status status={status} />,
    },
    {
      head: "Intent",
      kind: "wide",
      sort: ({ intent }) => intent || null,
      cell: ({ intent }) =>
        intent === "" ? <span class="muted absent">none</span> : <span title={intent}>{intent}</span>,
    },
    ...sparse
      .filter(([, textOf]) => agents.some((agent) => textOf(agent) !== ""))
      .slice(0, SPARSE_MAX)
      .map(
        ([head, textOf]): Column<Instance> => ({
          head,
          optional: true,
          sort: (agent) => textOf(agent) || null,
          cell: (agent) => <Short text={textOf(agent)} />,
        }),
      ),
    ...(activity === undefined
      ? []
      : [
          {
            head: "Activity, 24 h",
            optional: true as const,
            sort: ({ id }: Instance) => sum(activity.get(id) ?? NO_ACTIVITY),
            cell: ({ id }: Instance) => <DayOf calls={activity.get(id) ?? NO_ACTIVITY} />,
          },
        ]),
    {
      head: "Last seen",
      optional: true,
      sort: ({ last_seen }) => last_seen,
      cell: ({ last_seen }) => <Time at={last_seen} />,
    },
  ];
}

/** Shows a text up to a maximum width. The tooltip has the whole text. */
function Short({ text }: { readonly text: string }) {
  return (
    <span class="agents-short" title={text}>
      {text}
    </span>
  );
}

function DayOf({ calls }: { readonly calls: readonly number[] }) {
  const all = sum(calls);
  if (all === 0) return <span class="muted">no calls</span>;
  const words = `${plural(all, "call")} in 24 hours, ${count(calls.at(-1) ?? 0)} in this one`;
  return (
    <span class="agents-day" title={words}>
      <Sparkline values={calls} label={words} />
      <span class="agents-calls">{count(all)}</span>
    </span>
  );
}
