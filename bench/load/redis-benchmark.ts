/**
 * Measures Redis with redis-benchmark, its own load generator. It is the counterpart of wrk: both are C programs with
 * one thread. Runs in the bench process.
 */
import type { Bench } from "../bench.js";
import { withCpu } from "../process-cost.js";
import { JOB_GRACE_MS, KEYS, VALUE_BYTES } from "../settings.js";
import type { Slice } from "../statistics.js";
import { runTool } from "./run-tool.js";

/** The number of requests in a short first run. Its rate says how many requests fill the wanted time. */
const PROBE_REQUESTS_PER_CONNECTION = 100;
const PROBE_REQUESTS_MIN = 1_000;

/**
 * Reads the line of one test from the output of `redis-benchmark --csv`, for example
 * `"SET","44014.08","1.4","0.3","1.3","2.1","3.5","7.2"`. After the name come the rate, and the average, minimum, p50,
 * p95, p99 and maximum latency in ms.
 */
export function parseRedisBenchmark(csv: string, test: string, requests: number): Slice {
  for (const line of csv.split("\n")) {
    const fields = line
      .trim()
      .split(",")
      .map((field) => field.replaceAll('"', ""));
    if (fields[0] !== test.toUpperCase()) continue;
    const [rate, , , p50Ms, , p99Ms, maxMs] = fields.slice(1).map(Number);
    if (rate === undefined || p50Ms === undefined || p99Ms === undefined || maxMs === undefined || !(rate > 0)) break;
    return {
      requests,
      elapsedMs: (requests / rate) * 1_000,
      p50_ms: p50Ms,
      p99_ms: p99Ms,
      max_ms: maxMs,
      refused: 0,
      broken: 0,
    };
  }
  throw new Error(`redis-benchmark printed no figures for ${test}: ${csv.slice(0, 200)}`);
}

export interface RedisBenchmarkJob {
  readonly port: number;
  readonly pid: number;
  readonly connections: number;
  readonly test: "get" | "set";
  readonly seconds: number;
}

async function runOnce(bench: Bench, program: string, job: RedisBenchmarkJob, requests: number): Promise<Slice> {
  const args = ["-h", "127.0.0.1", "-p", `${job.port}`, "-c", `${job.connections}`, "-d", `${VALUE_BYTES}`];
  args.push("-r", `${KEYS}`, "-n", `${requests}`, "-t", job.test, "--csv");
  const csv = await runTool(bench, program, args, job.seconds * 1_000 + JOB_GRACE_MS);
  return parseRedisBenchmark(csv, job.test, requests);
}

/** Runs redis-benchmark once, without pipelining, for about `seconds`. */
export async function runRedisBenchmark(bench: Bench, program: string, job: RedisBenchmarkJob): Promise<Slice> {
  const probe = await runOnce(
    bench,
    program,
    job,
    Math.max(PROBE_REQUESTS_MIN, job.connections * PROBE_REQUESTS_PER_CONNECTION),
  );
  const requests = Math.ceil((probe.requests / probe.elapsedMs) * 1_000 * job.seconds);
  return withCpu(job.pid, () => runOnce(bench, program, job, requests));
}
