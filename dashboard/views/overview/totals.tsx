/** The figures at the top of the overview. */
import { useComputed } from "@preact/signals";
import { agentsLoader } from "../../api/agents.js";
import { isOperator } from "../../api/operator.js";
import { useResource } from "../../api/resource.js";
import { waitsLoader } from "../../api/leases.js";
import type { MetricRows } from "../../api/metric-history.js";
import { lastOf } from "../../api/rows.js";
import { openQuestions } from "../../api/tasks.js";
import type { HistoryMetric, Instance } from "../../api/types.js";
import { addressOf } from "../../base/address.js";
import { nowMs } from "../../base/clock.js";
import { compact, count, dollars, plural } from "../../base/format.js";
import { Failure } from "../../parts/notice.js";
import { Stat, Stats } from "../../parts/stat.js";
import { serverMetrics } from "../../api/server-metrics.js";
import { claimedTasks, costSince, heldLeases } from "./loader.js";

/** The text that is shown for an unknown figure. With it, the layout does not change when the figure is loaded. */
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

/** @param rows the history of metrics; undefined until it has been loaded */
export function Totals({ rows }: { readonly rows: MetricRows | undefined }) {
  const todayMs = useComputed(() => new Date(nowMs.value).setHours(0, 0, 0, 0));
  const agents = useResource(agentsLoader);
  const metrics = useResource(serverMetrics);
  const claimed = useResource(claimedTasks);
  const held = useResource(heldLeases);
  const waits = useResource(waitsLoader);
  const questions = useResource(openQuestions);
  const cost = useResource(costSince(todayMs.value));
  // Only one failure is shown, because most failures affect all figures.
  const failed = [agents, metrics, claimed, held, waits, questions, cost].find(({ error }) => error.value !== null);
  const all = agents.data.value?.filter((agent) => !isOperator(agent));
  const active = all?.filter(({ status }) => status === "active").length;
  // Stale agents of clients' sessions do not count, because the server itself deletes them.
  const stale = all?.some(({ status, client }) => status === "stale" && client === undefined) === true;
  const tax = metrics.data.value?.token_tax;
  const day = cost.data.value?.total;
  const asking = questions.data.value?.input_required?.length;
  const waiting = waits.data.value?.waiting;
  const shown = (value: number | null | undefined): string =>
    value === null || value === undefined ? UNKNOWN : count(value);
  const latest = (name: HistoryMetric): string => shown(rows === undefined ? null : lastOf(rows, name));
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
          label="Open questions"
          href="/"
          value={asking === undefined ? UNKNOWN : count(asking)}
          about={asking === undefined ? " " : asking === 0 ? "no agent asks" : "waiting for you"}
          {...(asking === undefined || asking === 0 ? {} : { tone: "bad" as const })}
        />
        <Stat
          label="Tasks in work"
          href={addressOf("tasks")}
          value={shown(claimed.data.value?.claimed?.length)}
          about={`${latest("tasks_ready")} ready, ${latest("tasks_blocked")} blocked`}
        />
        <Stat
          label="Leases held"
          href={addressOf("leases")}
          value={shown(held.data.value?.length)}
          about={
            waiting === undefined
              ? " "
              : waiting === 0
                ? "no request waits"
                : plural(waiting, "request waits", "requests wait")
          }
          {...(waiting === undefined || waiting === 0 ? {} : { tone: "warn" as const })}
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
