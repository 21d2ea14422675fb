/** Tests the export over OpenTelemetry: a real server, and a collector of the test that takes OTLP/HTTP. */
import { readFileSync } from "node:fs";
import t from "tap";
import { TELEMETRY_TEXT_CHARACTERS_MAX } from "../schemas/limits/telemetry.js";
import { must } from "../src/base/assert.js";
import { send } from "./support/http-client.js";
import { Agent } from "./support/leasing.js";
import { readMetric } from "./support/metrics.js";
import { makeDirectory, startKoor } from "./support/server-process.js";
import { startOtlpReceiver } from "./support/otlp-receiver.js";
import { addTask, callTask, claim } from "./support/tasking.js";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`;
/** The time between two bytes of a slow collector. */
const DRIP_MS = 20;
/** Metrics are exported several times a second. */
const OFTEN = { OTEL_METRIC_EXPORT_INTERVAL: "50" };

async function claimed(agent: Agent, id: string) {
  return must((await claim(agent, { id })).task, "it is ready");
}

t.test("a task is a trace, and what its holder does is in it", async (t) => {
  const collector = await startOtlpReceiver(t);
  const koor = await startKoor(t, { args: ["--otlp", collector.url, "--node-id", "n1"] });
  const ana = await Agent.register(koor.port, "ana");
  const ben = await Agent.register(koor.port, "ben");
  await addTask(ana, {
    id: "api",
    title: "the API",
    labels: ["go"],
    resources: ["path:src/**"],
    traceparent: TRACEPARENT,
  });
  const task = await claimed(ben, "api");
  t.equal((task as { traceparent?: string }).traceparent, TRACEPARENT, "the task keeps its trace");

  const lease = await ben.lease(["deploy"]);
  await ben.ask("POST", "/api/messages", { to: ana.id, subject: "s", body: "b", thread: "th" });
  const check = { command: "npm test", exit_code: 3, duration_ms: 250, task: "api" };
  t.equal((await ben.ask("POST", "/api/evidence", check)).status, 200);
  await ben.release(lease);
  t.equal((await callTask(ben, task, "complete")).status, 200);

  const [root] = await collector.untilSpans("task");
  t.match(root, {
    traceId: TRACE,
    parentSpanId: PARENT,
    error: null,
    kind: 1,
    attributes: {
      "koor.task.id": "api",
      "koor.task.title": "the API",
      "koor.task.state": "done",
      "koor.task.labels": ["go"],
      "koor.workspace": "w",
    },
  });
  const [held] = collector.spans("claim");
  t.match(held, {
    traceId: TRACE,
    parentSpanId: root?.spanId,
    error: null,
    attributes: {
      "koor.fence": task.fence,
      "koor.instance.name": "ben",
      "koor.outcome": "completed",
      "koor.resources": ["path:src/**"],
    },
  });
  t.ok((root?.startMs ?? 0) <= (held?.startMs ?? 0) && held?.endMs === root?.endMs, "the claim is within the task");
  for (const name of ["lease", "check", "message"])
    t.match(collector.spans(name), [{ traceId: TRACE, parentSpanId: held?.spanId }], `${name} is part of the claim`);
  const [ran] = collector.spans("check");
  t.match(ran, {
    error: "exit code 3",
    attributes: { "process.command_line": "npm test", "process.exit.code": 3, "koor.evidence.level": "said" },
  });
  t.equal((ran?.endMs ?? 0) - (ran?.startMs ?? 0), 250, "as long as the command ran");
  t.match(collector.spans("message")[0], {
    kind: 4,
    attributes: { "messaging.operation.type": "send", "messaging.message.conversation_id": "th" },
  });
  t.equal(collector.spans("message")[0]?.attributes["subject"], undefined, "without what it says");
  t.equal(collector.spans().length, 5, "and nothing else");
  t.match(collector.resources("/v1/traces")[0], { "service.name": "koor", "service.instance.id": "n1" });
});

t.test("however long an agent says that a command took, no span has a time that collectors refuse", async (t) => {
  const collector = await startOtlpReceiver(t);
  const koor = await startKoor(t, { args: ["--otlp", collector.url] });
  const ana = await Agent.register(koor.port, "ana");
  const took = [Number.MAX_SAFE_INTEGER, Date.now(), 7];
  for (const ms of took) {
    const body = { command: "make", exit_code: 0, duration_ms: ms };
    t.equal((await ana.ask("POST", "/api/evidence", body)).status, 200);
  }
  const [first, second, third] = await collector.untilSpans("check", took.length);
  t.equal(first?.startMs, 0);
  t.ok((second?.startMs ?? -1) >= 0 && (second?.startMs ?? -1) < 60_000, "a small time is one of 1970");
  t.equal((third?.endMs ?? 0) - (third?.startMs ?? 0), 7);
});

t.test("claims that fail, leases that wait and denied edits", async (t) => {
  const collector = await startOtlpReceiver(t);
  const koor = await startKoor(t, { args: ["--otlp", collector.url] });
  const ana = await Agent.register(koor.port, "ana");
  const ben = await Agent.register(koor.port, "ben");
  await addTask(ana, { id: "api", max_attempts: 1 });
  await callTask(ben, await claimed(ben, "api"), "release", { note: "later" });
  await callTask(ben, await claimed(ben, "api"), "fail", { error: "no compiler" });
  const first = await ana.lease(["db"]);
  const second = await ben.lease(["db"], { queue: true });
  // The wait has a length only if the clock moves on meanwhile.
  for (const ms = Date.now(); Date.now() <= ms + 1; ) await send(koor.port, "GET", "/health");
  await ana.release(first);
  await ben.release(await ben.get(second.id));
  await collector.untilSpans("lease", 2);

  const [task] = collector.spans("task");
  t.match(task, { error: "no compiler", parentSpanId: null, attributes: { "koor.task.state": "dead" } });
  t.match(collector.spans("claim"), [
    { traceId: task?.traceId, error: null, attributes: { "koor.outcome": "released" } },
    { traceId: task?.traceId, error: "no compiler", attributes: { "koor.outcome": "failed" } },
  ]);
  const [wait] = collector.spans("wait");
  const ofBen = collector.spans("lease").find(({ attributes }) => attributes["koor.instance.name"] === "ben");
  t.match(wait, { error: null, attributes: { "koor.lease.id": second.id } });
  t.equal(wait?.endMs, ofBen?.startMs, "the lease is held from the end of the wait");
  t.equal(wait?.traceId, ofBen?.traceId, "both are in one trace");
  t.not(wait?.spanId, ofBen?.spanId);
  t.not(wait?.traceId, task?.traceId, "who works on no task has traces of its own");
});

t.test("a long text is shortened, and no character is cut in half", async (t) => {
  const collector = await startOtlpReceiver(t);
  const koor = await startKoor(t, { args: ["--otlp", collector.url] });
  const ana = await Agent.register(koor.port, "ana");
  await addTask(ana, { id: "api", max_attempts: 1 });
  const error = "x".repeat(TELEMETRY_TEXT_CHARACTERS_MAX - 1);
  await callTask(ana, await claimed(ana, "api"), "fail", { error: `${error}😀 and more` });
  const [task] = await collector.untilSpans("task");
  t.equal(task?.error, `${error}…`);
});

t.test("a task keeps its trace over a restart, and a trace that is not recorded is not exported", async (t) => {
  const collector = await startOtlpReceiver(t);
  const dataDir = makeDirectory(t);
  const options = { data_dir: dataDir, args: ["--otlp", collector.url] };
  const before = await startKoor(t, options);
  const ana = await Agent.register(before.port, "ana");
  await addTask(ana, { id: "a" });
  await addTask(ana, { id: "quiet", traceparent: `00-${TRACE}-${PARENT}-00` });
  const task = await claimed(ana, "a");
  await ana.ask("POST", "/api/messages", { to: ana.id, subject: "s", body: "b" });
  const [sent] = await collector.untilSpans("message");
  t.equal(await before.stop(), 0);
  const after = await startKoor(t, options);
  const again = ana.at(after.port);
  await callTask(again, await claimed(again, "quiet"), "complete");
  await again.ask("POST", "/api/messages", { to: ana.id, subject: "s", body: "b" });
  await callTask(again, task, "complete");
  const [root] = await collector.untilSpans("task");
  t.equal(root?.attributes["koor.task.id"], "a");
  t.equal(root?.traceId, sent?.traceId, "the trace is as it was before the restart");
  t.match(collector.spans("message")[1], { traceId: root?.traceId, parentSpanId: sent?.parentSpanId });
  t.equal(collector.spans().filter(({ traceId }) => traceId === TRACE).length, 0, "nothing of the other trace");
});

t.test("what is not exported yet is exported when the server stops", async (t) => {
  const collector = await startOtlpReceiver(t);
  const koor = await startKoor(t, { args: ["--otlp", collector.url] });
  const ana = await Agent.register(koor.port, "ana");
  await addTask(ana, { id: "a" });
  await callTask(ana, await claimed(ana, "a"), "complete");
  t.equal(await koor.stop(), 0);
  t.equal(collector.spans("task").length, 1);
});

t.test("metrics have the names and types of the page of metrics", async (t) => {
  const collector = await startOtlpReceiver(t);
  const env = { ...OFTEN, OTEL_EXPORTER_OTLP_HEADERS: "x-key=secret", OTEL_RESOURCE_ATTRIBUTES: "team=red" };
  const koor = await startKoor(t, { args: ["--otlp", `${collector.url}/`], env });
  await send(koor.port, "GET", "/api/metrics");
  await collector.receiver.until(() => collector.metrics().has("koor_http_request_duration_seconds"));
  const page = (await send(koor.port, "GET", "/metrics")).text;
  const typed = [...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => [name, type] as const);
  const received = collector.metrics();
  const kindOf = (name: string): string | undefined => {
    const metric = received.get(name);
    if (metric?.sum !== undefined) return metric.sum.isMonotonic ? "counter" : "up-down counter";
    return metric?.histogram !== undefined ? "histogram" : metric?.gauge !== undefined ? "gauge" : undefined;
  };
  for (const [name, type] of typed) {
    const kind = kindOf(name);
    // A metric without values is left out; those that always have values are tested by name below.
    if (kind !== undefined && type !== "summary") t.equal(kind, type, name);
  }
  for (const name of ["koor_events_dropped_total", "koor_otlp_exported_total", "koor_lease_wait_seconds_count"])
    t.equal(kindOf(name), "counter", name);
  t.equal(kindOf("koor_instances"), "gauge");
  t.equal(kindOf("koor_event_loop_delay_seconds"), "gauge", "quantiles are gauges");
  const latency = received.get("koor_http_request_duration_seconds")?.histogram;
  t.match(latency, { aggregationTemporality: 2 });
  t.match(latency?.dataPoints[0], { explicitBounds: Array, bucketCounts: Array });
  t.match(collector.resources("/v1/metrics")[0], { "service.name": "koor", team: "red" });
  t.equal(collector.receiver.requests[0]?.headers["x-key"], "secret");
});

t.test("a dead collector slows no request, and what it has not taken is counted", async (t) => {
  const collector = await startOtlpReceiver(t, () => 400);
  const koor = await startKoor(t, { args: ["--otlp", collector.url] });
  const ana = await Agent.register(koor.port, "ana");
  await addTask(ana, { id: "a" });
  await callTask(ana, await claimed(ana, "a"), "complete");
  await koor.logged(/telemetry is not exported/);
  const failed = async () => await readMetric(koor.port, 'koor_otlp_failed_total\\{kind="spans"\\}');
  t.equal(await failed(), 2);
  collector.receiver.behave = () => 200;
  await addTask(ana, { id: "b" });
  await callTask(ana, await claimed(ana, "b"), "complete");
  await koor.logged(/telemetry is exported again/);
  t.equal(collector.spans("task").length, 2, "the second one is exported");
});

t.test("a collector that never answers holds neither requests nor the end of the server", async (t) => {
  const collector = await startOtlpReceiver(t, () => undefined);
  const koor = await startKoor(t, { args: ["--otlp", collector.url] });
  const ana = await Agent.register(koor.port, "ana");
  await ana.ask("POST", "/api/messages", { to: ana.id, subject: "s", body: "b" });
  await collector.receiver.untilCount(1);
  await addTask(ana, { id: "a" });
  t.equal((await callTask(ana, await claimed(ana, "a"), "complete")).status, 200);
  t.equal(await readMetric(koor.port, "koor_otlp_waiting"), 3, "the events of the task wait");
  t.equal(await koor.stop(), 0);
});

t.test("a collector that drips its answer is given up, and the next spans are exported", async (t) => {
  const collector = await startOtlpReceiver(t, (_request, _response, { socket }) => {
    // Headers without an end. The library's own timeout begins again with each of them.
    socket.write("HTTP/1.1 200 OK\r\n");
    const timer = setInterval(() => socket.write("X: 1\r\n"), DRIP_MS);
    socket.on("close", () => clearInterval(timer));
    return undefined;
  });
  const env = { OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: String(10 * DRIP_MS) };
  const koor = await startKoor(t, { args: ["--otlp", collector.url], env });
  const ana = await Agent.register(koor.port, "ana");
  await ana.ask("POST", "/api/messages", { to: ana.id, subject: "s", body: "b" });
  await koor.logged(/telemetry is not exported.*the collector did not answer within 200 ms/);
  t.equal(await readMetric(koor.port, 'koor_otlp_failed_total\\{kind="spans"\\}'), 1);
  collector.receiver.behave = () => 200;
  await ana.ask("POST", "/api/messages", { to: ana.id, subject: "s", body: "b" });
  await koor.logged(/telemetry is exported again/);
});

t.test("without --otlp no thread is started and no metric is there", async (t) => {
  const koor = await startKoor(t);
  const ana = await Agent.register(koor.port, "ana");
  await addTask(ana, { id: "a" });
  await callTask(ana, await claimed(ana, "a"), "complete");
  t.notMatch((await send(koor.port, "GET", "/metrics")).text, /koor_otlp/);
  t.equal((await koor.stop()) ?? 1, 0);
  const main = readFileSync(new URL("../../app/src/main.js", import.meta.url), "utf8");
  t.notMatch(main, /OTLPTraceExporter/, "the program does not contain the libraries");
});

t.test("a traceparent is checked, and other addresses than of HTTP are refused", async (t) => {
  const koor = await startKoor(t);
  const ana = await Agent.register(koor.port, "ana");
  for (const traceparent of [
    "",
    "00-0",
    `00-${"0".repeat(32)}-${PARENT}-01`,
    TRACEPARENT.toUpperCase(),
    `${TRACEPARENT}-x`,
  ]) {
    const answer = await ana.ask("POST", "/api/tasks", { title: "t", traceparent });
    t.equal(answer.status, 400, traceparent);
  }
  t.equal("traceparent" in (await addTask(ana)), false, "a task without one has no such member");
});
