/** Tests the filters and the order of agents, their activity by the hour, and timelines. */
import t from "tap";
import type { AuditEntry, Event, Instance } from "../../api/types.js";
import {
  activityOf,
  belowParents,
  lastHours,
  listedAgents,
  metricSeries,
  nameBelow,
  subagentsOf,
  valuesOf,
  type AgentFilter,
} from "./model.js";
import { logsToRead, timelineOf } from "./timeline.js";

function agent(name: string, more: Partial<Instance> = {}): Instance {
  return {
    id: `id of ${name}`,
    name,
    workspace: "trucks",
    intent: "",
    stack: "go",
    capabilities: [],
    checkout: null,
    parent: null,
    status: "active",
    registered_at: "2026-02-16T10:00:00Z",
    last_seen: "2026-02-16T14:00:00Z",
    ...more,
  };
}

const EVERYBODY: AgentFilter = { search: "", status: "", workspace: "", stack: "" };
const NAMES = (agents: readonly Instance[]): string[] => agents.map(({ name }) => name);

t.test("active agents come first, then by name", async (t) => {
  const agents = [
    agent("zoe", { last_seen: "2026-02-16T15:00:00Z" }),
    agent("bob", { status: "stale" }),
    agent("ana", { status: "pending", last_seen: "2026-02-16T16:00:00Z" }),
    agent("cy"),
  ];
  const activity = activityOf([
    [{ instance_id: "id of bob", metrics: { rest_calls: 2, mcp_calls: 3, errors: 9 } }],
    [{ instance_id: "id of cy", metrics: { rest_calls: 4 } }],
  ]);
  t.same(activity.get("id of bob"), [5, 0]);
  t.same(activity.get("id of cy"), [0, 4]);
  t.same(NAMES(listedAgents(agents, EVERYBODY)), ["cy", "zoe", "ana", "bob"]);
});

t.test("filters combine, and each word may be anywhere", async (t) => {
  const agents = [
    agent("ana", { intent: "Moving totals to cents", capabilities: ["review"] }),
    agent("bob", { stack: "react", workspace: "shop" }),
    agent("cy", { status: "stale" }),
  ];
  const found = (filter: Partial<AgentFilter>): string[] => NAMES(listedAgents(agents, { ...EVERYBODY, ...filter }));
  t.same(found({ search: "CENTS rev" }), ["ana"]);
  t.same(found({ search: "cents deploy" }), []);
  t.same(found({ search: "id of bob" }), ["bob"]);
  t.same(found({ workspace: "trucks", status: "stale" }), ["cy"]);
  t.same(found({ stack: "react" }), ["bob"]);
  t.same(valuesOf([...agents, agent("dee", { stack: "" })], "stack"), ["go", "react"]);
});

t.test("a day is 24 hours of UTC, including this one", async (t) => {
  const hours = lastHours(Date.parse("2026-03-01T01:59:59Z"));
  t.equal(hours.length, 24);
  t.equal(hours[0], "2026-02-28T02");
  t.equal(hours[23], "2026-03-01T01");
});

t.test("metrics that were never counted are left out, and hours without a count are 0", async (t) => {
  const hours = ["2026-02-16T13", "2026-02-16T14"];
  const counted = [
    { instance_id: "a", metric_name: "errors" as const, metric_value: 2, period: "2026-02-16T14" },
    { instance_id: "a", metric_name: "rest_calls" as const, metric_value: 7, period: "2026-02-16T13" },
    { instance_id: "a", metric_name: "mcp_calls" as const, metric_value: 7, period: "2026-02-15T13" },
  ];
  t.same(metricSeries(counted, hours), [
    { metric: "rest_calls", values: [7, 0] },
    { metric: "errors", values: [0, 2] },
  ]);
});

const second = (at: number): string => new Date(Date.UTC(2026, 1, 16, 14, 0, at)).toISOString();

function wrote(id: number, at: number, outcome: "success" | "error" = "success"): AuditEntry {
  return { id, timestamp: second(at), actor: "a", action: "state.put", resource: "k", detail: "{}", outcome };
}

function published(id: number, at: number, topic = "t"): Event {
  return { id, topic, data: null, source: "a", created_at: second(at) };
}

t.test("a timeline merges both logs as far back as both are held", async (t) => {
  const audit = { rows: [wrote(9, 50), wrote(8, 40, "error"), wrote(7, 30)], complete: false };
  const events = { rows: [published(5, 45), published(4, 30), published(3, 20), published(2, 10)], complete: false };
  t.same(
    timelineOf(audit, events).map(({ kind, at }) => `${kind} ${at}`),
    [
      `wrote ${second(50)}`,
      `published ${second(45)}`,
      `refused ${second(40)}`,
      `wrote ${second(30)}`,
      `published ${second(30)}`,
    ],
  );
  t.same(logsToRead(audit, events), { audit: true, events: false }, "the log that ends first is read further");
  const whole = { ...audit, complete: true };
  t.equal(timelineOf(whole, events).length, 7);
  t.same(logsToRead(whole, events), { audit: false, events: true });
  t.same(logsToRead(whole, { ...events, complete: true }), { audit: false, events: false });
  t.equal(timelineOf({ rows: [], complete: true }, { rows: [], complete: true }).length, 0);
});

t.test("an event of a call in the audit log is not listed again", async (t) => {
  const audit = { rows: [wrote(1, 10)], complete: true };
  const events = {
    rows: [published(3, 12, "koor.state.updated"), published(2, 11, "llm.usage.recorded"), published(1, 9, "koor.x")],
    complete: true,
  };
  t.same(
    timelineOf(audit, events).map(({ kind }) => kind),
    ["wrote", "published"],
  );
});

t.test("an agent is found by its branch and by its client", async (t) => {
  const checkout = { id: "c-1", branch: "fix/crates", root: "/work/trucks", machine: null };
  const agents = [agent("ana", { checkout }), agent("bob", { client: "codex" })];
  t.same(NAMES(listedAgents(agents, { ...EVERYBODY, search: "Fix/" })), ["ana"]);
  t.same(NAMES(listedAgents(agents, { ...EVERYBODY, search: "codex" })), ["bob"]);
});

t.test("the subagents of an agent are listed with the active ones first", async (t) => {
  const of = { parent: "id of ana" };
  const agents = [agent("z", of), agent("a", { ...of, status: "stale" }), agent("ana"), agent("b", of), agent("other")];
  t.same(NAMES(subagentsOf("id of ana", agents)), ["b", "z", "a"]);
  t.same(subagentsOf("id of b", agents), []);
});

t.test("a subagent is listed below its parent, if that is listed", async (t) => {
  const of = (name: string, parent: string): Instance => agent(name, { parent: `id of ${parent}` });
  const agents = [of("ana/b", "ana"), agent("bob"), of("ana/b/c", "ana/b"), agent("ana"), of("ana/a", "ana")];
  t.same(NAMES(belowParents(agents)), ["bob", "ana", "ana/b", "ana/b/c", "ana/a"]);
  t.same(NAMES(belowParents([of("ana/b", "ana"), agent("bob")])), ["ana/b", "bob"], "its parent is filtered out");
  t.equal(nameBelow(of("ana/b", "ana"), agent("ana")), "b");
  t.equal(nameBelow(of("other", "ana"), agent("ana")), "other");
  t.equal(nameBelow(agent("ana/b"), undefined), "ana/b");
});
