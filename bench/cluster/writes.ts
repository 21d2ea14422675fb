/**
 * Measures durable writes through the nodes of a cluster. The writes alternate with those of references, which store
 * the same value in other ways: a single server, a handler that stores nothing, Redis with replicas, etcd. Runs in the
 * bench process.
 */
import { must } from "../../src/base/assert.js";
import type { Bench } from "../bench.js";
import type { JobProcess } from "../job-process.js";
import type { LoadJob } from "../load/generator.js";
import { encodeHttp, keyNumbers, keyOf, putRequest, VALUE, type HttpRequest } from "../load/requests.js";
import { runWrk } from "../load/wrk.js";
import type { Row, Target } from "../model.js";
import { withCpu } from "../process-cost.js";
import {
  cpuOfAll,
  figuresOf,
  medianQuotient,
  mergeSlices,
  quotient,
  rateOf,
  ratiosOf,
  type Slice,
} from "../statistics.js";
import { etcdPut, startEtcd } from "../targets/etcd.js";
import type { KoorNode } from "../targets/koor-node.js";
import { startKoor, type Koor } from "../targets/koor.js";
import type { LogServers } from "../targets/log.js";
import { startRawUws } from "../targets/raw-uws.js";
import { startReplicatedRedis, waitedSet } from "../targets/redis.js";
import type { Server } from "../targets/server.js";

export const ALONE = "a server alone";
const RAW = "raw uWS";
const REDIS = "Redis, 2 replicas";
const ETCD = "etcd, 3 members";

/**
 * The number of warm-ups of a node that has just started. After two of them its code is compiled, like that of a node
 * that earlier rows have measured.
 */
const FRESH_WARMUPS = 2;

export interface LoadOf {
  readonly job: Omit<LoadJob, "connections" | "duration_ms">;
  /** The same requests for wrk, which speaks only HTTP and sends to only one server. Absent if wrk cannot send them. */
  readonly forWrk?: { readonly port: number; readonly requests: readonly HttpRequest[] };
}

/** A reference: another store, which is measured beside the cluster with the same value. */
export interface Beside {
  readonly name: string;
  readonly pids: readonly number[];
  readonly load: LoadOf;
}

export interface References {
  readonly alone: Koor;
  readonly all: readonly Beside[];
}

function httpLoad(servers: readonly Pick<Server, "port">[], requests: readonly HttpRequest[]): LoadOf {
  const [first, ...more] = servers.map(({ port }) => port);
  const port = must(first, "a load is for a server");
  const encoded = requests.map((request) => encodeHttp(request, `127.0.0.1:${port}`));
  return {
    job: { kind: "load", protocol: "http", port, morePorts: more, requests: encoded, expectedStatus: 200 },
    ...(more.length === 0 ? { forWrk: { port, requests } } : {}),
  };
}

function puts(): HttpRequest[] {
  return keyNumbers().map((index) => putRequest(keyOf(index)));
}

/** Makes writes whose callers are spread over all of `nodes`. */
export function writesTo(nodes: readonly Pick<Server, "port">[]): LoadOf {
  return httpLoad(nodes, puts());
}

/** Starts the references whose programs this machine has, and records the others as skipped. */
export async function startReferences(bench: Bench): Promise<References> {
  const { redisServer, etcd } = bench.tools;
  const alone = await startKoor(bench);
  const raw = await startRawUws(bench);
  const all: Beside[] = [
    { name: ALONE, pids: [alone.pid], load: writesTo([alone]) },
    { name: RAW, pids: [raw.pid], load: writesTo([raw]) },
  ];
  if (redisServer === undefined) bench.skip("no Redis with replicas beside it: no redis-server on the PATH");
  else {
    const servers = await startReplicatedRedis(bench, redisServer);
    const { port } = must(servers[0], "the one that is written to");
    const requests = keyNumbers().map((index) => waitedSet(keyOf(index), VALUE));
    const job: LoadOf["job"] = { kind: "load", protocol: "redis, waited for", port, requests, expectedStatus: 200 };
    all.push({ name: REDIS, pids: servers.map(({ pid }) => pid), load: { job } });
  }
  if (etcd === undefined) bench.skip("no etcd beside it: none on the PATH");
  else {
    const members = await startEtcd(bench, etcd);
    const [asked] = members;
    const requests = keyNumbers().map((index) => etcdPut(keyOf(index), VALUE));
    const load = httpLoad([must(asked, "the one that is asked")], requests);
    all.push({ name: ETCD, pids: members.map(({ pid }) => pid), load });
  }
  return { alone, all };
}

export interface WritesPlan {
  readonly name: string;
  readonly log: LogServers;
  readonly nodes: readonly KoorNode[];
  readonly connections: number;
  /** Says that some nodes have just started, so that they need a longer warm-up than the references. */
  readonly areFresh?: true;
  readonly beside: readonly Beside[];
  /**
   * The path of wrk, if wrk sends the requests. wrk uses less of the machine than our own generator, and so leaves more
   * of it to the servers.
   */
  readonly wrk?: string;
  readonly targets: (figures: {
    readonly rate: number;
    readonly p50_ms: number;
    readonly p99_ms: number;
  }) => readonly (Target | undefined)[];
}

/**
 * Measures one row. `cpu_us` is the CPU time per write of all nodes together, and `log_cpu_us` that of the log's
 * servers.
 */
export async function measureWrites(bench: Bench, generator: JobProcess, plan: WritesPlan): Promise<Row> {
  const { name, log, nodes, connections, wrk } = plan;
  const { clusterSliceMs, clusterRounds, warmupMs } = bench.settings;
  const beside = wrk === undefined ? plan.beside : plan.beside.filter(({ load }) => load.forWrk !== undefined);
  const run = ({ job, forWrk }: LoadOf, pids: readonly number[], durationMs: number): Promise<Slice> => {
    if (wrk !== undefined && forWrk !== undefined)
      return runWrk(bench, wrk, { ...forWrk, pid: pids, connections, seconds: Math.ceil(durationMs / 1_000) });
    const sent: LoadJob = { ...job, connections, duration_ms: durationMs };
    return withCpu(pids, () => generator.run<Slice>(sent));
  };
  const load = writesTo(nodes);
  const pids = nodes.map(({ pid }) => pid);
  await run(load, pids, plan.areFresh === true ? FRESH_WARMUPS * warmupMs : warmupMs);
  for (const warmed of beside) await run(warmed.load, warmed.pids, warmupMs);
  const mine: Slice[] = [];
  const ofLog: Slice[] = [];
  const theirs = beside.map((): Slice[] => []);
  for (let round = 0; round < clusterRounds; round++) {
    bench.progress(`${name}, round ${round + 1} of ${clusterRounds}`);
    const { slice, ...spent } = await withCpu(log.pids, async () => ({
      slice: await run(load, pids, clusterSliceMs),
    }));
    mine.push(slice);
    ofLog.push({ ...slice, ...spent });
    for (const [at, reference] of beside.entries())
      must(theirs[at], "a list for each").push(await run(reference.load, reference.pids, clusterSliceMs));
  }
  const figures = mergeSlices(mine);
  const of = (figure: string): number => figures[figure] ?? 0;
  return {
    name,
    client: wrk === undefined ? "node" : "wrk",
    figures: figuresOf({ ...figures, log_cpu_us: cpuOfAll(ofLog) }),
    references: beside.map((reference, at) => ({ name: reference.name, figures: mergeSlices(theirs[at] ?? []) })),
    ratios: beside.flatMap((reference, at) => {
      const slices = theirs[at] ?? [];
      const to = reference.name;
      // The ratio of rates is never compared with an earlier run, because the rate of a reference depends on this disk,
      // and the rate of the cluster on the log.
      const rate = { of: "rate", to, value: medianQuotient(mine, slices, rateOf), better: "higher" as const };
      const cpu = { of: "CPU", to, value: quotient(cpuOfAll(mine), cpuOfAll(slices)), better: "lower" as const };
      return ratiosOf(
        to === ALONE
          ? [
              { ...rate, compared: false },
              { ...cpu, compared: connections > 1 },
            ]
          : [{ ...rate, compared: false }],
      );
    }),
    targets: plan
      .targets({ rate: of("requests_per_s"), p50_ms: of("p50_ms"), p99_ms: of("p99_ms") })
      .filter((target) => target !== undefined),
  };
}
