/**
 * Tests the export over OpenTelemetry with a real collector, which prints what it has taken. The collector is not
 * installed by `.ci/run`, because its build takes too long.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import t from "tap";
import { must } from "../src/base/assert.js";
import { findFreePort } from "./support/free-ports.js";
import { Agent } from "./support/leasing.js";
import { makeDirectory, tieToThisProcess, type Owner } from "./support/owner.js";
import { startKoor } from "./support/server-process.js";
import { addTask, callTask, claim } from "./support/tasking.js";

const VARIABLE = "KOOR_TEST_COLLECTOR";
const NAMES = ["otelcol", "otelcol-contrib", "otelcorecol"];
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";

/** The path of a collector that has the receiver `otlp` and the exporter `debug`; undefined if there is none. */
function findCollector(): string | undefined {
  const named = process.env[VARIABLE] ?? "";
  if (named !== "") return named;
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), join(homedir(), "go", "bin")];
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find((path) => existsSync(path));
}

const collector = findCollector();
const skip = collector === undefined ? `no collector on this machine (${NAMES.join(", ")}, or set ${VARIABLE})` : false;

/** Starts the collector. `until` resolves when its output contains a text, and `output` is what it has printed. */
async function startCollector(test: Owner, program: string) {
  const folder = makeDirectory(test);
  const port = await findFreePort();
  writeFileSync(
    join(folder, "collector.yaml"),
    `receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:${port}"}}}}
exporters: {debug: {verbosity: detailed}}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    traces: {receivers: [otlp], exporters: [debug]}
    metrics: {receivers: [otlp], exporters: [debug]}
`,
  );
  const child = spawn(program, ["--config", `file:${join(folder, "collector.yaml")}`], { cwd: folder });
  tieToThisProcess(child);
  test.teardown(() => void child.kill());
  let printed = "";
  let heard = (): void => undefined;
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
      heard();
    });
  const ended = once(child, "exit").then(() => {
    throw new Error(`the collector ended: ${printed}`);
  });
  ended.catch(() => undefined);
  const until = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(printed)) await Promise.race([new Promise<void>((resolve) => (heard = resolve)), ended]);
  };
  await until(/Everything is ready/);
  return { url: `http://127.0.0.1:${port}`, until, output: () => printed };
}

t.test("a real collector takes the traces and the metrics", { skip }, async (t) => {
  const { url, until, output } = await startCollector(t, must(collector, "it was found"));
  const koor = await startKoor(t, {
    args: ["--otlp", url],
    env: { ...process.env, OTEL_METRIC_EXPORT_INTERVAL: "100" },
  });
  const ana = await Agent.register(koor.port, "ana");
  await addTask(ana, { id: "api", traceparent: `00-${TRACE}-${PARENT}-01` });
  const { task } = await claim(ana, { id: "api" });
  await callTask(ana, must(task, "it is ready"), "complete");
  await until(/Name +: task\n/);
  await until(/Name: koor_tasks\n/);
  const spans = output()
    .split(/\nSpan #\d+\n/)
    .slice(1);
  const named = (name: string): string => spans.find((span) => new RegExp(`Name +: ${name}\n`).test(span)) ?? "";
  t.match(named("task"), new RegExp(`Trace ID +: ${TRACE}\n +Parent ID +: ${PARENT}\n`));
  t.match(named("claim"), new RegExp(`Trace ID +: ${TRACE}\n[^]*koor\\.outcome: Str\\(completed\\)`));
  t.match(output(), /service\.name: Str\(koor\)/);
  t.notMatch(output(), /\t(?:error|warn)\t/, "it refuses nothing");
});
