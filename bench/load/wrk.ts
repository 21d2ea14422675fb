/**
 * Measures with wrk, if it is installed. wrk uses less CPU time per request than a client in JavaScript, so that the
 * server is the limit and not the client. It sends the same requests as our own generator, through a Lua script that is
 * written for the run. Runs in the bench process.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bench } from "../bench.js";
import { withCpu } from "../process-cost.js";
import { JOB_GRACE_MS } from "../settings.js";
import type { Slice } from "../statistics.js";
import { encodeHttp, type HttpRequest } from "./requests.js";
import { runTool } from "./run-tool.js";

/** The beginning of the line that the script prints after wrk's own report. */
const RESULT_MARK = "koor-bench-result ";
const US_PER_MS = 1_000;

interface WrkResult {
  readonly requests: number;
  readonly duration_us: number;
  readonly refused: number;
  readonly broken: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly max_us: number;
}

/**
 * Returns a wrk script that sends these requests in round-robin order. The script contains JSON strings, because a JSON
 * string of ASCII text is also a Lua string. For a single request the script only sets wrk's default request, so that
 * wrk calls no Lua while it runs.
 */
export function makeWrkScript(requests: readonly HttpRequest[], host: string): string {
  const report = [
    "done = function(summary, latency)",
    "  local e = summary.errors",
    `  io.write(string.format('\\n${RESULT_MARK}{"requests":%d,"duration_us":%d,"refused":%d,' ..`,
    `    '"broken":%d,"p50_us":%d,"p99_us":%d,"max_us":%d}\\n',`,
    "    summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout,",
    "    latency:percentile(50.0), latency:percentile(99.0), latency.max))",
    "end",
  ];
  return [...(requests.length === 1 ? requests.flatMap(sendOne) : sendRoundRobin(requests, host)), ...report, ""].join(
    "\n",
  );
}

function sendOne({ method, path, headers, body }: HttpRequest): string[] {
  const lines = [`wrk.method = ${JSON.stringify(method)}`, `wrk.path = ${JSON.stringify(path)}`];
  for (const [name, value] of Object.entries(headers ?? {}))
    lines.push(`wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`);
  if (body !== undefined) lines.push(`wrk.body = ${JSON.stringify(body)}`);
  return lines;
}

function sendRoundRobin(requests: readonly HttpRequest[], host: string): string[] {
  const encoded = requests.map((request) => `  ${JSON.stringify(encodeHttp(request, host))},`);
  const send = [
    "local sent = 0",
    "request = function()",
    "  sent = sent + 1",
    `  return requests[(sent - 1) % ${requests.length} + 1]`,
    "end",
  ];
  return ["local requests = {", ...encoded, "}", ...send];
}

/** Reads the figures from wrk's output. Throws if the script's line is missing. */
export function parseWrkOutput(output: string): Slice {
  const start = output.lastIndexOf(RESULT_MARK);
  if (start < 0) throw new Error(`wrk printed no result: ${output.slice(0, 200)}`);
  const line = output.slice(start + RESULT_MARK.length).split("\n", 1)[0] ?? "";
  // The line was printed by our own script, so it has this shape.
  const result = JSON.parse(line) as WrkResult;
  return {
    requests: result.requests,
    elapsedMs: result.duration_us / US_PER_MS,
    p50_ms: result.p50_us / US_PER_MS,
    p99_ms: result.p99_us / US_PER_MS,
    max_ms: result.max_us / US_PER_MS,
    refused: result.refused,
    broken: result.broken,
  };
}

export interface WrkJob {
  readonly port: number;
  readonly connections: number;
  readonly requests: readonly HttpRequest[];
  readonly seconds: number;
  /** The process, or the processes, whose CPU time is measured during the run. */
  readonly pid: number | readonly number[];
}

/** Runs wrk once, with one thread. */
export async function runWrk(bench: Bench, wrk: string, job: WrkJob): Promise<Slice> {
  const script = join(bench.makeDirectory("wrk"), "requests.lua");
  writeFileSync(script, makeWrkScript(job.requests, `127.0.0.1:${job.port}`));
  const args = ["-t1", `-c${job.connections}`, `-d${job.seconds}s`, "-s", script, `http://127.0.0.1:${job.port}/`];
  return withCpu(job.pid, async () =>
    parseWrkOutput(await runTool(bench, wrk, args, job.seconds * 1_000 + JOB_GRACE_MS)),
  );
}
