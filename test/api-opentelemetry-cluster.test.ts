/**
 * Tests the export over OpenTelemetry from a cluster of three nodes. A task is created, claimed and completed at
 * different nodes, and each of its spans is exported once, by the leader. After the leader has stopped, the next leader
 * exports the spans of the same trace.
 */
import t from "tap";
import { must } from "../src/base/assert.js";
import { Clustered, CLUSTERED_MISSING, type Member, Wanderer } from "./support/clustered.js";
import { betweenLooks } from "./support/between-looks.js";
import { readMetric } from "./support/metrics.js";
import { startOtlpReceiver } from "./support/otlp-receiver.js";
import type { Claimed, Task } from "./support/tasking.js";

if (CLUSTERED_MISSING !== false) {
  t.plan(0, CLUSTERED_MISSING);
  process.exit();
}

interface Registered {
  readonly id: string;
}

async function register(at: Member, name: string): Promise<Wanderer> {
  const registering = new Wanderer();
  const { id } = await registering.call<Registered>(at, "POST", "/api/instances/register", { name, workspace: "w" });
  const agent = new Wanderer({ "X-Koor-Instance": id });
  agent.position = registering.position;
  return agent;
}

/** Continues as one agent from the position of another. */
function follow(one: Wanderer, other: Wanderer): void {
  one.position = Math.max(one.position, other.position);
}

async function findLeader(nodes: readonly Member[]): Promise<Member> {
  for (;;) {
    for (const node of nodes) if ((await readMetric(node.port, "koor_cluster_leader")) === 1) return node;
    await betweenLooks();
  }
}

/** An agent's edit of a file, as the hook of Claude Code reports it. */
function edit(session: string, call: number): object {
  return {
    session_id: session,
    cwd: "/work/shop",
    hook_event_name: "PreToolUse",
    tool_name: "Edit",
    tool_use_id: `t-${call}`,
    tool_input: { file_path: "a.ts" },
  };
}

const PROJECT = { "X-Koor-Root": "/work/shop", "X-Koor-Workspace": "shop", "X-Koor-Checkout": "c-1" };

t.test("the leader exports each span once, wherever the task is worked on", async (t) => {
  const collector = await startOtlpReceiver(t);
  const cluster = await Clustered.begin(["--otlp", collector.url]);
  const a = await cluster.start(t, "a");
  const nodes = [a, await cluster.start(t, "b"), await cluster.start(t, "c")];
  const leader = await findLeader(nodes);
  const [b, c] = nodes.filter((node) => node !== leader);
  const [second, third] = [must(b, "three nodes"), must(c, "three nodes")];

  const ana = await register(second, "ana");
  const ben = await register(third, "ben");
  await ana.call(second, "POST", "/api/tasks", { id: "api", title: "t", workspace: "w" });
  follow(ben, ana);
  const { task } = await ben.call<Claimed>(third, "POST", "/api/tasks/claim", { id: "api" });
  const { fence } = must(task, "it is ready");
  const check = { command: "make", exit_code: 0, duration_ms: 5, task: "api" };
  await ben.call(leader, "POST", "/api/evidence", check);
  await collector.untilSpans("check");

  const hooks = new Wanderer(PROJECT);
  await hooks.call(second, "POST", "/api/hooks/claude", edit("s-1", 0));
  for (let call = 1; call <= 3; call++) await hooks.call(third, "POST", "/api/hooks/claude", edit("s-2", call));
  const [denied] = await collector.untilSpans("edit");
  t.match(denied, { error: /^denied: / }, "a denied edit at another node is exported, too");

  await leader.stop();
  const next = await findLeader([second, third]);
  t.not(next.node, leader.node);
  await ben.call<Task>(next === second ? third : second, "POST", "/api/tasks/api/complete", { fence });
  const [root] = await collector.untilSpans("task");
  const [held] = collector.spans("claim");
  t.equal(held?.parentSpanId, root?.spanId);
  const [ran] = collector.spans("check");
  t.match(ran, { traceId: root?.traceId, parentSpanId: held?.spanId }, "the previous leader exported the same trace");
  const ids = collector.spans().map(({ spanId }) => spanId);
  t.equal(new Set(ids).size, ids.length, "no span is exported twice");
  const exporters = new Set(collector.resources("/v1/traces").map((resource) => resource["service.instance.id"]));
  t.same(exporters, new Set([leader.node, next.node]), "by the leaders only");
});
