/**
 * Measures one kind of request at several numbers of connections, alternating between Koor and its references: raw uWS,
 * Redis, SQLite alone. The scenarios of single requests are descriptions that this file runs. Runs in the bench
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
  /** Requests for wrk where they differ; a single one costs wrk least. */
  readonly wrkRequests?: readonly HttpRequest[];
  /** The same work as Redis commands; absent where Redis has no counterpart. */
  readonly redis?: readonly (readonly string[])[];
  /** The same work for `redis-benchmark`, the counterpart of wrk. */
  readonly redisTest?: "get" | "set";
  /** The same rows for SQLite alone; absent for requests that do not write. */
  readonly sqlite?: SqliteJob["kind"];
  /** The design's targets for this row; those about a reference that was not measured are left out. */
  readonly targets?: (row: MeasuredRow) => readonly (Target | undefined)[];
}

/** The figures that targets are checked against. */
export interface MeasuredRow {
  readonly connections: number;
  readonly p99_ms: number;
  readonly refused: number;
  readonly rateTo: ReadonlyMap<string, number>;
  /** CPU time in multiples of the raw handler's; undefined where the system does not report it. */
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

/** One side of a row: its name and how to run one slice of it. */
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

/** Stores every key once, so that reads find something, and warms up all sides at the largest number of connections. */
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

/** Calls per commit of Koor's writer over a slice; the number of connections where its metrics do not report them. */
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
  // With one connection most of the time is that of waking up, which depends on the machine's other load. And raw uWS
  // stores nothing: beside durable writes, its ratio says how fast this disk is, not how good Koor is.
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

/** Makes the target that `value` of `what` is at least `limit`; undefined where the reference was not measured. */
export function atLeast(what: string, value: number | undefined, limit: number): Target | undefined {
  return value === undefined ? undefined : { what, value, limit, at: "least" };
}

export function atMost(what: string, value: number | undefined, limit: number): Target | undefined {
  return value === undefined ? undefined : { what, value, limit, at: "most" };
}

/** Measures the rows of one plan: with the node generator, then with wrk where it is installed. */
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

/** GETs of all keys, for the plans that read. */
export function readRequests(): HttpRequest[] {
  return keyNumbers().map((index) => getRequest(keyOf(index)));
}
