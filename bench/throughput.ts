/**
 * Measures one kind of request with several numbers of connections, in alternation between Koor and its references: raw
 * uWS, Redis, SQLite alone. A scenario of single requests is a plan, and this file runs the plan. Runs in the bench
 * process.
 */
import { must } from "../src/base/assert.js";
import type { Bench } from "./bench.js";
import type { JobProcess } from "./job-process.js";
import type { LoadJob } from "./load/generator.js";
import { runRedisBenchmark } from "./load/redis-benchmark.js";
import {
  encodeHttp,
  encodeRedis,
  getRequest,
  type HttpRequest,
  keyNumbers,
  keyOf,
  putRequest,
  VALUE,
} from "./load/requests.js";
import { runWrk } from "./load/wrk.js";
import type { Ratio, Row, Target } from "./model.js";
import { withCpu } from "./process-cost.js";
import { JOB_GRACE_MS } from "./settings.js";
import { cpuOfAll, mergeSlices, medianQuotient, quotient, rateOf, ratiosOf, type Slice } from "./statistics.js";
import { type Koor, readMetrics, startKoor } from "./targets/koor.js";
import { startRawUws } from "./targets/raw-uws.js";
import { startRedis } from "./targets/redis.js";
import type { Server } from "./targets/server.js";
import type { SqliteJob } from "./targets/sqlite-alone.js";

export interface ThroughputPlan {
  /** The beginning of the rows' names, for example `PUT on distinct keys`. */
  readonly what: string;
  readonly requests: readonly HttpRequest[];
  readonly expectedStatus: 200 | 304;
  /** The requests for wrk, if they differ from `requests`. wrk uses the least CPU time for a single request. */
  readonly wrkRequests?: readonly HttpRequest[];
  /** The same work as Redis commands; absent if Redis has no counterpart. */
  readonly redis?: readonly (readonly string[])[];
  /** The name of the same work in `redis-benchmark`, the counterpart of wrk. */
  readonly redisTest?: "get" | "set";
  /** The same writes for SQLite alone; absent for requests that only read. */
  readonly sqlite?: SqliteJob["kind"];
  /** Returns the design's targets for a row. A target about a reference that was not measured is undefined. */
  readonly targets?: (row: MeasuredRow) => readonly (Target | undefined)[];
}

/** The figures of a row that its targets are checked against. */
export interface MeasuredRow {
  readonly connections: number;
  readonly p99_ms: number;
  readonly refused: number;
  readonly rateTo: ReadonlyMap<string, number>;
  /** The CPU time in multiples of the raw handler's; undefined if the system does not report CPU times. */
  readonly cpuToRaw: number | undefined;
}

const RAW = "raw uWS";
const REDIS = "Redis";
const SQLITE = "SQLite alone";
const BATCH_SUM = "koor_writer_batch_calls_sum";
const BATCH_COUNT = "koor_writer_batch_calls_count";

function writes(plan: ThroughputPlan): boolean {
  return plan.requests.some(({ method }) => method !== "GET");
}

/** One side of a row: its name, and the function that runs one slice of it. */
interface Side {
  readonly name: string;
  readonly run: () => Promise<Slice>;
}

interface Targets {
  readonly koor: Koor;
  readonly raw: Server;
  readonly redis: Server | undefined;
  readonly generator: JobProcess;
  readonly sqlite: { readonly process: JobProcess; readonly directory: string } | undefined;
}

async function startTargets(bench: Bench, plan: ThroughputPlan): Promise<Targets> {
  const [koor, raw] = [await startKoor(bench), await startRawUws(bench)];
  const redis =
    plan.redis === undefined || bench.tools.redisServer === undefined
      ? undefined
      : await startRedis(bench, bench.tools.redisServer);
  const sqlite =
    plan.sqlite === undefined
      ? undefined
      : { process: bench.startJobs("bench/targets/sqlite-alone.js"), directory: bench.makeDirectory("sqlite") };
  return { koor, raw, redis, sqlite, generator: bench.startJobs("bench/load/generator.js") };
}

function makeLoadJob(server: Server, plan: ThroughputPlan, connections: number, durationMs: number): LoadJob {
  const host = `127.0.0.1:${server.port}`;
  const isRedis = server.name === REDIS;
  const requests = isRedis
    ? (plan.redis ?? []).map(encodeRedis)
    : plan.requests.map((request) => encodeHttp(request, host));
  const { port } = server;
  const { expectedStatus } = plan;
  return {
    kind: "load",
    protocol: isRedis ? "redis" : "http",
    port,
    connections,
    requests,
    expectedStatus,
    duration_ms: durationMs,
  };
}

/**
 * Stores every key once, so that reads find a value. Then warms up all sides with the largest number of connections.
 */
async function prepare(bench: Bench, targets: Targets, plan: ThroughputPlan): Promise<void> {
  const connections = Math.max(...bench.settings.connections);
  const fill: ThroughputPlan = {
    what: "fill",
    requests: keyNumbers().map((index) => putRequest(keyOf(index))),
    expectedStatus: 200,
    redis: keyNumbers().map((index) => ["SET", keyOf(index), VALUE]),
  };
  for (const server of [targets.koor, targets.raw, targets.redis]) {
    if (server === undefined) continue;
    const all = makeLoadJob(server, fill, connections, JOB_GRACE_MS);
    const once: LoadJob = { ...all, requestsMax: all.requests.length };
    const filled = await targets.generator.run<Slice>(once);
    if (filled.refused + filled.broken > 0)
      throw new Error(`${server.name} refused ${filled.refused + filled.broken} of the first writes`);
    await targets.generator.run<Slice>(makeLoadJob(server, plan, connections, bench.settings.warmupMs));
  }
}

function runNode(
  bench: Bench,
  targets: Targets,
  plan: ThroughputPlan,
  server: Server,
  connections: number,
): Promise<Slice> {
  const job = makeLoadJob(server, plan, connections, bench.settings.sliceMs);
  return withCpu(server.pid, () => targets.generator.run<Slice>(job));
}

/**
 * Adds the number of calls per commit of Koor's writer during a slice. Uses the number of connections if Koor's metrics
 * do not report it.
 */
async function withBatchSize(
  koor: Koor,
  connections: number,
  run: () => Promise<Slice>,
): Promise<{ slice: Slice; batch: number }> {
  const before = await readMetrics(koor);
  const slice = await run();
  const after = await readMetrics(koor);
  const calls = (after.get(BATCH_SUM) ?? 0) - (before.get(BATCH_SUM) ?? 0);
  const commits = (after.get(BATCH_COUNT) ?? 0) - (before.get(BATCH_COUNT) ?? 0);
  return { slice, batch: calls > 0 && commits > 0 ? Math.max(1, Math.round(calls / commits)) : connections };
}

async function measureRow(
  bench: Bench,
  plan: ThroughputPlan,
  client: "node" | "wrk",
  connections: number,
  rounds: number,
  runKoor: () => Promise<Slice>,
  sides: readonly Side[],
  targets: Targets,
): Promise<Row> {
  const name = `${plan.what}, ${connections} connection${connections === 1 ? "" : "s"}`;
  const mine: Slice[] = [];
  const theirs = sides.map((): Slice[] => []);
  const alone: Slice[] = [];
  for (let round = 0; round < rounds; round++) {
    bench.progress(`${name} (${client}), round ${round + 1} of ${rounds}`);
    const { slice, batch } = await withBatchSize(targets.koor, connections, runKoor);
    mine.push(slice);
    for (const [index, side] of sides.entries()) must(theirs[index], "a list for each side").push(await side.run());
    if (targets.sqlite !== undefined && plan.sqlite !== undefined) {
      const { directory, process } = targets.sqlite;
      const job: SqliteJob = { kind: plan.sqlite, directory, batch, duration_ms: bench.settings.sliceMs };
      alone.push(await withCpu(process.pid, () => process.run<Slice>(job)));
    }
  }
  const references = sides.map((side, index) => ({
    name: side.name,
    slices: must(theirs[index], "a list for each side"),
  }));
  if (alone.length > 0) references.push({ name: SQLITE, slices: alone });
  // A ratio is not compared in two cases. With one connection, most of the time is spent on waking up threads, which
  // depends on the other load of the machine. And raw uWS stores nothing, so beside durable writes its ratio shows the
  // speed of the disk and not that of Koor.
  const steady = connections > 1;
  const ratios: Ratio[] = references.flatMap((reference) =>
    ratiosOf([
      {
        of: "rate",
        to: reference.name,
        value: medianQuotient(mine, reference.slices, rateOf),
        better: "higher",
        compared: steady && !(reference.name === RAW && writes(plan)),
      },
    ]),
  );
  const raw = references.find((reference) => reference.name === RAW);
  const cpuToRaw = raw === undefined ? undefined : quotient(cpuOfAll(mine), cpuOfAll(raw.slices));
  ratios.push(...ratiosOf([{ of: "CPU", to: RAW, value: cpuToRaw, better: "lower", compared: steady }]));
  const figures = mergeSlices(mine);
  const rateTo = new Map(ratios.filter(({ of }) => of === "rate").map(({ to, value }) => [to, value]));
  const judged = client === "wrk" || bench.tools.wrk === undefined;
  const measured: MeasuredRow = {
    connections,
    p99_ms: figures["p99_ms"] ?? 0,
    refused: figures["refused"] ?? 0,
    rateTo,
    cpuToRaw,
  };
  return {
    name,
    client,
    figures,
    references: references.map((reference) => ({ name: reference.name, figures: mergeSlices(reference.slices) })),
    ratios,
    targets: judged ? (plan.targets?.(measured) ?? []).filter((target) => target !== undefined) : [],
  };
}

/** Makes the target that `value` of `what` is at least `limit`; undefined if the reference was not measured. */
export function atLeast(what: string, value: number | undefined, limit: number): Target | undefined {
  return value === undefined ? undefined : { what, value, limit, at: "least" };
}

export function atMost(what: string, value: number | undefined, limit: number): Target | undefined {
  return value === undefined ? undefined : { what, value, limit, at: "most" };
}

/** Measures the rows of one plan, with our own generator, and then with wrk if it is installed. */
export async function* measureThroughput(bench: Bench, plan: ThroughputPlan): AsyncGenerator<Row> {
  const { settings, tools } = bench;
  const targets = await startTargets(bench, plan);
  await prepare(bench, targets, plan);
  for (const connections of settings.connections) {
    const runOn = (server: Server) => () => runNode(bench, targets, plan, server, connections);
    const sides: Side[] = [{ name: RAW, run: runOn(targets.raw) }];
    if (targets.redis !== undefined) sides.push({ name: REDIS, run: runOn(targets.redis) });
    yield await measureRow(bench, plan, "node", connections, settings.rounds, runOn(targets.koor), sides, targets);
  }
  const { wrk, redisBenchmark } = tools;
  if (wrk === undefined || (plan.targets === undefined && !settings.wrkEverywhere)) return;
  for (const connections of settings.wrkConnections) {
    const seconds = settings.wrkSliceS;
    const runOn = (server: Server) => () => {
      const requests = plan.wrkRequests ?? plan.requests;
      return runWrk(bench, wrk, { port: server.port, pid: server.pid, connections, requests, seconds });
    };
    const sides: Side[] = [{ name: RAW, run: runOn(targets.raw) }];
    const { redis } = targets;
    const test = plan.redisTest;
    if (redis !== undefined && redisBenchmark !== undefined && test !== undefined) {
      const job = { port: redis.port, pid: redis.pid, connections, test, seconds };
      sides.push({ name: REDIS, run: () => runRedisBenchmark(bench, redisBenchmark, job) });
    }
    yield await measureRow(bench, plan, "wrk", connections, settings.wrkRounds, runOn(targets.koor), sides, targets);
  }
}

/** Returns GET requests of all keys, for the plans that read. */
export function readRequests(): HttpRequest[] {
  return keyNumbers().map((index) => getRequest(keyOf(index)));
}
