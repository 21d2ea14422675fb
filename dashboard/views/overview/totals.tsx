/** The figures at the top of the overview. */
import { useComputed } from "@preact/signals";
import { agentsLoader } from "../../api/agents.js";
import { figures } from "../../api/recorder.js";
import { useResource } from "../../api/resource.js";
import { lastOf } from "../../api/rows.js";
import type { Instance } from "../../api/types.js";
import { addressOf } from "../../base/address.js";
import { nowMs } from "../../base/clock.js";
import { compact, count, dollars, plural } from "../../base/format.js";
import { Failure } from "../../parts/notice.js";
import { Stat, Stats } from "../../parts/stat.js";
import { serverMetrics } from "../../api/server-metrics.js";
import { costSince, specProjects } from "./loader.js";

/** The text that is shown for an unknown figure, so that the layout does not change when the figure is loaded. */
const UNKNOWN = "–";

/**
 * The tooltip of the figure. It explains that the server assumes that an MCP call costs a language model 300 tokens.
 */
const TAX_TITLE =
  "Tokens that agents did not spend because they called over HTTP instead of MCP, at 300 tokens a call. " +
  "Counted since the server's start, without the dashboard's own calls.";

function agentsAbout(agents: readonly Instance[]): string {
  const having = (status: Instance["status"]): number => agents.filter((agent) => agent.status === status).length;
  const parts = [
    [having("stale"), "stale"],
    [having("pending"), "pending"],
  ] as const;
  const said = parts.flatMap(([number, word]) => (number === 0 ? [] : [`${count(number)} ${word}`]));
  return said.length === 0 ? `of ${count(agents.length)}` : said.join(", ");
}

export function Totals() {
  const todayMs = useComputed(() => new Date(nowMs.value).setHours(0, 0, 0, 0));
  const agents = useResource(agentsLoader);
  const metrics = useResource(serverMetrics);
  const specs = useResource(specProjects);
  const cost = useResource(costSince(todayMs.value));
  // Only one failure is shown, because most failures affect all figures.
  const failed = [agents, metrics, specs, cost].find(({ error }) => error.value !== null);
  const all = agents.data.value;
  const active = all?.filter(({ status }) => status === "active").length;
  // The server itself deletes stale agents of clients' sessions.
  const stale = all?.some(({ status, client }) => status === "stale" && client === undefined) === true;
  const tax = metrics.data.value?.token_tax;
  const projects = specs.data.value?.projects;
  const day = cost.data.value?.total;
  const subscribers = lastOf(figures.value, "subscribers");
  const patterns = lastOf(figures.value, "subscriber_patterns");
  return (
    <>
      {failed !== undefined && <Failure of={failed} />}
      <Stats>
        <Stat
          label="Active agents"
          href={addressOf("agents")}
          value={active === undefined ? UNKNOWN : count(active)}
          about={all === undefined ? " " : agentsAbout(all)}
          {...(stale ? { tone: "warn" as const } : {})}
        />
        <Stat
          label="State keys"
          href={addressOf("state")}
          value={metrics.data.value === undefined ? UNKNOWN : count(metrics.data.value.state_keys)}
          about="shared values"
        />
        <Stat
          label="Specs"
          href={addressOf("specs")}
          value={projects === undefined ? UNKNOWN : count(projects.reduce((sum, { specs: some }) => sum + some, 0))}
          about={projects === undefined ? " " : `in ${plural(projects.length, "project")}`}
        />
        <Stat
          label="Subscribers"
          href={addressOf("events")}
          value={subscribers === null ? UNKNOWN : count(subscribers)}
          about={patterns === null ? " " : plural(patterns, "pattern")}
        />
        <Stat
          label="LLM cost today"
          href={addressOf("usage")}
          value={day === undefined ? UNKNOWN : dollars(day.total_cost_usd)}
          about={day === undefined ? " " : plural(day.request_count, "call")}
        />
        <Stat
          label="Token tax saved"
          value={<span title={TAX_TITLE}>{tax === undefined ? UNKNOWN : compact(tax.rest_tokens_saved)}</span>}
          about={
            <span title={TAX_TITLE}>
              {tax === undefined
                ? " "
                : `${compact(tax.rest_calls)} ${tax.rest_calls === 1 ? "call" : "calls"}, no MCP`}
            </span>
          }
        />
      </Stats>
    </>
  );
}
