/** The page of one agent: facts, leases, activity by the hour, cost, timeline and compliance runs. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { agentsLoader } from "../../api/agents.js";
import { checkoutTitle } from "../../api/checkouts.js";
import { remove as removeAt } from "../../api/client.js";
import { messagesLoader } from "../../api/messages.js";
import { apiPath, query } from "../../base/path.js";
import { useResource } from "../../api/resource.js";
import type { Instance } from "../../api/types.js";
import { addressOf, agentAddress } from "../../base/address.js";
import { nowMs } from "../../base/clock.js";
import { compact, count, dollars, plural } from "../../base/format.js";
import { mayDecide, session } from "../../api/session.js";
import { attempt } from "../../parts/toasts.js";
import { agentName } from "../../parts/agent-name.js";
import { Button, CopyButton } from "../../parts/button.js";
import { Chart } from "../../parts/chart.js";
import { Confirm } from "../../parts/dialog.js";
import { Failure, Notice } from "../../parts/notice.js";
import { NewMessage } from "../../parts/new-message.js";
import { Page, Section } from "../../parts/page.js";
import { Stat, Stats } from "../../parts/stat.js";
import { Time } from "../../parts/time.js";
import { AgentRows } from "./agent-table.js";
import { AgentRuns } from "./agent-runs.js";
import { AgentLeases } from "./agent-leases.js";
import { AgentTimeline } from "./agent-timeline.js";
import { costLoader, countersLoader } from "./loader.js";
import { hourSeconds, lastHours, METRIC_LABELS, metricSeries, subagentsOf, sum } from "./model.js";
import { Status } from "./status.js";

/** The maximum number of unread messages that are loaded. At this number, the page adds "or more". */
const UNREAD_COUNTED = 100;

export function AgentPage({ id }: { readonly id: string }) {
  const resource = useResource(agentsLoader);
  const agents = resource.data.value;
  const agent = agents?.find((one) => one.id === id);
  const gone = agents !== undefined && agent === undefined;
  return (
    <Page
      title="Agents"
      part={agent?.name ?? (gone ? agentName(id, new Map()) : "…")}
      home={addressOf("agents")}
      actions={
        <>
          <a class="button" href={addressOf("audit") + query({ actor: id })}>
            Audit
          </a>
          {agent !== undefined && <NewMessage to={agent} />}
          {agent !== undefined && <Remove agent={agent} />}
        </>
      }
    >
      <Failure of={resource} />
      {gone && (
        <Notice>
          No agent with the id <code>{id}</code> is registered now. Its past actions are listed below.
        </Notice>
      )}
      {agent !== undefined && <Facts agent={agent} agents={agents ?? []} />}
      <AgentLeases id={id} />
      {agent !== undefined && <Subagents agent={agent} agents={agents ?? []} />}
      <Day id={id} />
      <AgentTimeline id={id} />
      <AgentRuns id={id} />
    </Page>
  );
}

function Remove({ agent }: { readonly agent: Instance }) {
  const asking = useSignal(false);
  const { route } = useLocation();
  const may = mayDecide.value || session.value?.actor === agent.id;
  const remove = async (): Promise<void> => {
    const path = apiPath("instances", agent.id);
    if (await attempt(() => removeAt(path), `Agent ${agent.name} removed`)) route(addressOf("agents"));
  };
  return (
    <>
      <Button
        kind="danger"
        disabled={!may}
        title={may ? "Revokes its token" : "This needs the server's token"}
        onClick={() => {
          asking.value = true;
        }}
      >
        Remove
      </Button>
      {asking.value && (
        <Confirm
          title={`Remove ${agent.name}?`}
          action="Remove"
          danger
          onConfirm={remove}
          onClose={() => {
            asking.value = false;
          }}
        >
          Its token is revoked immediately: every call that uses it is refused. Everything that it wrote and published
          stays.
        </Confirm>
      )}
    </>
  );
}

interface AgentProps {
  readonly agent: Instance;
  readonly agents: readonly Instance[];
}

function Facts({ agent, agents }: AgentProps) {
  const { id, status, intent, workspace, stack, capabilities, registered_at, last_seen, client, checkout } = agent;
  const parent = agents.find((one) => one.id === agent.parent);
  return (
    <section class="card agents-facts" aria-label="Facts">
      <p class="agents-intent">
        <Status status={status} />{" "}
        {intent === "" ? <span class="muted">No intent set</span> : <strong>{intent}</strong>}
      </p>
      <dl class="facts">
        <dt>Last seen</dt>
        <dd>
          <Time at={last_seen} />
        </dd>
        <dt>Registered</dt>
        <dd>
          <Time at={registered_at} />
        </dd>
        {client !== undefined && (
          <>
            <dt>Client</dt>
            <dd>{client}</dd>
          </>
        )}
        {parent !== undefined && (
          <>
            <dt>Subagent of</dt>
            <dd>
              <a href={agentAddress(parent.id)}>{parent.name}</a>
            </dd>
          </>
        )}
      </dl>
      <dl class="facts">
        <dt>Workspace</dt>
        <dd>{workspace === "" ? "none" : workspace}</dd>
        {checkout !== null && (
          <>
            <dt>Branch</dt>
            <dd>{checkout.branch ?? "unknown"}</dd>
            <dt>Checkout</dt>
            <dd>{checkoutTitle(checkout)}</dd>
          </>
        )}
      </dl>
      <dl class="facts">
        <dt>Stack</dt>
        <dd>{stack === "" ? "none" : stack}</dd>
        <dt>Capabilities</dt>
        <dd>{capabilities.length === 0 ? "none" : capabilities.join(", ")}</dd>
        {mayDecide.value && <Unread id={id} />}
      </dl>
      <dl class="facts agents-whole">
        <dt>Id</dt>
        <dd class="agents-id">
          <span class="mono">{id}</span> <CopyButton text={id} what="the id" />
        </dd>
      </dl>
    </section>
  );
}

/** Shows the subagents of an agent, if it has any. */
function Subagents({ agent, agents }: AgentProps) {
  const children = useMemo(() => subagentsOf(agent.id, agents), [agent, agents]);
  if (children.length === 0) return null;
  return (
    <Section title="Subagents">
      <AgentRows label={`Subagents of ${agent.name}`} agents={children} parent={agent} />
    </Section>
  );
}

/** Shows how many messages the agent has not read yet. */
function Unread({ id }: { readonly id: string }) {
  const messages = useResource(messagesLoader({ instance: id, unread: true }, UNREAD_COUNTED)).data.value;
  if (messages === undefined) return null;
  const unread = messages.filter(({ to }) => to.some((one) => one.id === id && one.read_at === null)).length;
  return (
    <>
      <dt>Unread</dt>
      <dd>
        <a href={addressOf("messages") + query({ agent: id, only: "unread" })}>
          {messages.length < UNREAD_COUNTED ? plural(unread, "message") : `${count(unread)} messages or more`}
        </a>
      </dd>
    </>
  );
}

/** Shows the activity of the last 24 hours, as totals and by the hour. */
function Day({ id }: { readonly id: string }) {
  const counters = useResource(countersLoader(id));
  const cost = useResource(costLoader(id)).data.value;
  const data = counters.data.value;
  if (data === undefined) return <Failure of={counters} />;
  const hours = lastHours(nowMs.value);
  const series = metricSeries(data, hours);
  const total = (metric: string): number => sum(series.find((one) => one.metric === metric)?.values ?? []);
  const errors = total("errors");
  return (
    <>
      <Failure of={counters} />
      <Stats>
        <Stat label="Calls" value={count(total("rest_calls") + total("mcp_calls"))} about="in 24 hours, REST and MCP" />
        <Stat label="Events published" value={count(total("events_published"))} about="in 24 hours" />
        <Stat
          label="Errors"
          value={count(errors)}
          about="answers of 400 and above"
          {...(errors > 0 ? { tone: "warn" as const } : {})}
        />
        <Stat
          label="LLM cost"
          value={dollars(cost?.total_cost_usd ?? 0)}
          about={`${compact((cost?.total_tokens_in ?? 0) + (cost?.total_tokens_out ?? 0))} tokens in 24 hours`}
          href={addressOf("usage") + query({ by: "agent", range: "24h" })}
        />
      </Stats>
      <Chart
        label="Activity by the hour"
        kind="bars"
        stacked
        times={hours.map(hourSeconds)}
        series={series.map(({ metric, values }) => ({ label: METRIC_LABELS[metric], values }))}
        format={count}
      />
    </>
  );
}
