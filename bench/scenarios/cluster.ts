/**
 * Measures nodes of a cluster with each kind of log. The questions are: how fast do nodes write, beside a single server
 * and beside other stores with copies on several machines? Do nodes read and deliver events as fast as a single server?
 * How long does a join take? How soon do nodes write again after a death? What does an idle node cost? Runs in the
 * bench process.
 */
import { setTimeout as delay } from "node:timers/promises";
import { postgresMissing } from "../../test/support/postgres-server.js";
import type { Bench } from "../bench.js";
import { findLeader, measureDeath, type Death } from "../cluster/deaths.js";
import { measureFanOut, measureReads } from "../cluster/reads.js";
import { measureWrites, startReferences, type References } from "../cluster/writes.js";
import type { JobProcess } from "../job-process.js";
import type { LoadJob } from "../load/generator.js";
import { makeHttpJob } from "../load/http-job.js";
import { keyNumbers, makeJsonValue, putRequest } from "../load/requests.js";
import type { Row, Scenario, Target } from "../model.js";
import { withCpu } from "../process-cost.js";
import { CLUSTER_CONNECTIONS, CLUSTER_VALUE_BYTES, CLUSTER_VALUES, JOB_GRACE_MS } from "../settings.js";
import { figuresOf, median, type Slice } from "../statistics.js";
import { startNode, type KoorNode } from "../targets/koor-node.js";
import { startKoor, type Koor } from "../targets/koor.js";
import type { LogServers } from "../targets/log.js";
import { findStreamLeader, natsUnusable, startNatsOfOne, startNatsOfThree, type NatsServers } from "../targets/nats.js";
import { startPostgresLog } from "../targets/postgres.js";
import { atLeast, atMost } from "../throughput.js";

const JOIN_MS_MAX = 5_000;
const WRITES_AGAIN_MS_MAX = 15_000;
const IDLE_CORES_MAX = 0.02;
/**
 * The time until earlier activity has ended, such as a join, an election, or the missing heartbeats of a node that was
 * killed.
 */
const SETTLE_MS = 1_000;

type Judge = Parameters<typeof measureWrites>[2]["targets"];
const NOT_JUDGED: Judge = () => [];
const judge =
  (rateMin: number, p99MsMax: number): Judge =>
  ({ rate, p99_ms }) => [atLeast("requests_per_s", rate, rateMin), atMost("p99_ms", p99_ms, p99MsMax)];

interface Ground {
  readonly bench: Bench;
  readonly generator: JobProcess;
  readonly references: References;
}

/** Makes a row that has figures and no reference. */
function plainRow(name: string, figures: Row["figures"], targets: readonly (Target | undefined)[]): Row {
  const judged = targets.filter((target) => target !== undefined);
  return { name, client: "", figures, references: [], ratios: [], targets: judged };
}

/** Stores 25 MB, each value once. */
async function fill(generator: JobProcess, server: Koor, prefix: string): Promise<void> {
  const value = makeJsonValue(CLUSTER_VALUE_BYTES);
  const requests = keyNumbers(CLUSTER_VALUES).map((index) => putRequest(`${prefix}/${index}`, value));
  const all = makeHttpJob(server, requests, CLUSTER_CONNECTIONS, JOB_GRACE_MS);
  const job: LoadJob = { ...all, requestsMax: CLUSTER_VALUES };
  const written = await generator.run<Slice>(job);
  if (written.requests !== CLUSTER_VALUES || written.refused > 0) throw new Error(`${server.name} refused values`);
}

/**
 * Measures how long a node takes to join: the time from the start of its process, with an empty directory, until it
 * reports that it is healthy.
 */
async function measureJoins({ bench }: Ground, log: LogServers, where: string): Promise<Row> {
  const joined: number[] = [];
  for (let count = 0; count < bench.settings.clusterJoins; count++) {
    bench.progress(
      `a join, ${(CLUSTER_VALUES * CLUSTER_VALUE_BYTES) / 1e6} MB in ${where}, ${count + 1} of ${bench.settings.clusterJoins}`,
    );
    const node = await startNode(bench, log, `joins-${joined.length}-${where.replaceAll(" ", "-")}`);
    joined.push(node.startedMs);
    await bench.stop(node.child);
  }
  const figures = figuresOf({ join_ms: median(joined), slowest_join_ms: Math.max(...joined) });
  const name = `${log.name}: a join, the values in ${where}`;
  return plainRow(name, figures, [atMost("join_ms", figures["join_ms"], JOIN_MS_MAX)]);
}

/** Measures the cost of each node while no client calls. */
async function measureIdle({ bench }: Ground, log: LogServers, nodes: readonly KoorNode[]): Promise<Row> {
  const { clusterIdleMs } = bench.settings;
  bench.progress(`${nodes.length} idle nodes`);
  await delay(SETTLE_MS);
  const startedMs = performance.now();
  const spent = await Promise.all([
    withCpu(log.pids, () => delay(clusterIdleMs, {})),
    ...nodes.map(({ pid }) => withCpu(pid, () => delay(clusterIdleMs, {}))),
  ]);
  const elapsedUs = (performance.now() - startedMs) * 1_000;
  const [ofLog, ...ofNodes] = spent.map(({ cpu_us }) => (cpu_us === undefined ? undefined : cpu_us / elapsedUs));
  const known = ofNodes.filter((cores) => cores !== undefined);
  const coresOfBusiest = known.length === 0 ? undefined : Math.max(...known);
  const figures = figuresOf({ cores_of_busiest: coresOfBusiest, cores_of_log: ofLog });
  const name = `${log.name}: ${nodes.length} idle nodes`;
  return plainRow(name, figures, [atMost("cores_of_busiest", coresOfBusiest, IDLE_CORES_MAX)]);
}

/**
 * Makes the row of figures after deaths of a server.
 * @param led whether the dead node was the leader, so that the others had to elect a new one
 */
function deathRow(name: string, deaths: readonly Death[], led: boolean): Row {
  const writes = deaths.map(({ writes_again_ms }) => writes_again_ms);
  const figures = figuresOf({
    writes_again_ms: median(writes),
    slowest_again_ms: Math.max(...writes),
    leads_again_ms: led ? median(deaths.map(({ leads_again_ms }) => leads_again_ms)) : undefined,
  });
  return plainRow(name, figures, [atMost("slowest_again_ms", figures["slowest_again_ms"], WRITES_AGAIN_MS_MAX)]);
}

/** Kills the leader and measures the recovery, then starts the node again with its data. */
async function measureLeaderDeaths({ bench }: Ground, log: LogServers, nodes: readonly KoorNode[]): Promise<Row> {
  const deaths: Death[] = [];
  let running = nodes;
  for (let count = 0; count < bench.settings.clusterDeaths; count++) {
    const leader = await findLeader(running);
    const left = running.filter((node) => node !== leader);
    deaths.push(await measureDeath(bench, left, () => leader.child.kill("SIGKILL")));
    running = [...left, await startNode(bench, log, leader.node, { data_dir: leader.data_dir })];
  }
  return deathRow(`${log.name}: the node that leads is killed`, deaths, true);
}

/**
 * Kills the NATS server that leads the stream and measures the recovery, then starts the server again with its data.
 */
async function measureServerDeaths({ bench }: Ground, log: NatsServers, nodes: readonly KoorNode[]): Promise<Row> {
  const deaths: Death[] = [];
  for (let count = 0; count < bench.settings.clusterDeaths; count++) {
    const server = await findStreamLeader(log);
    deaths.push(await measureDeath(bench, nodes, () => void server.stop("SIGKILL")));
    await server.stop("SIGKILL");
    await server.start();
    await delay(SETTLE_MS);
  }
  return deathRow(`${log.name}: the server that leads the stream is killed`, deaths, false);
}

/** Measures writes of many clients to one node, with our own generator, and with wrk if this machine has it. */
async function* measureManyCallers(
  { bench, generator, references }: Ground,
  log: LogServers,
  node: KoorNode,
  targets: Judge,
): AsyncGenerator<Row> {
  const plan = {
    log,
    nodes: [node],
    beside: references.all,
    name: `${log.name}: PUT, one node, ${CLUSTER_CONNECTIONS} callers`,
    connections: CLUSTER_CONNECTIONS,
    targets,
  };
  yield await measureWrites(bench, generator, plan);
  const { wrk } = bench.tools;
  if (wrk !== undefined) yield await measureWrites(bench, generator, { ...plan, wrk });
}

async function* measureThreeCopies(ground: Ground): AsyncGenerator<Row> {
  const { bench, generator, references } = ground;
  const { alone, all } = references;
  const log = await startNatsOfThree(bench);
  const dataDir = bench.makeDirectory("seed");
  const filled = await startKoor(bench, { data_dir: dataDir });
  await fill(generator, filled, "seeded");
  await bench.stop(filled.child);
  const a = await startNode(bench, log, "a", { data_dir: dataDir, seeds: true });
  yield await measureJoins(ground, log, "a snapshot");
  const of = { log, nodes: [a], beside: all };
  yield* measureManyCallers(ground, log, a, judge(8_000, 25));
  yield await measureWrites(bench, generator, {
    ...of,
    name: `${log.name}: PUT, one node, 1 caller`,
    connections: 1,
    targets: ({ p50_ms }) => [atMost("p50_ms", p50_ms, 3)],
  });
  const subscribers = {
    ofNode: bench.startJobs("bench/subscribers/subscriber-process.js"),
    ofAlone: bench.startJobs("bench/subscribers/subscriber-process.js"),
  };
  // Fan-out is measured while there is only one node. Later, the other nodes apply each event too, on the processors
  // that deliver it.
  yield* measureFanOut(bench, subscribers, a, alone, "the only node");
  const nodes = [a, await startNode(bench, log, "b"), await startNode(bench, log, "c")];
  yield await measureWrites(bench, generator, {
    ...of,
    nodes,
    name: `${log.name}: PUT, three nodes, ${CLUSTER_CONNECTIONS} callers`,
    connections: CLUSTER_CONNECTIONS,
    areFresh: true,
    targets: judge(4_000, 60),
  });
  yield await measureIdle(ground, log, nodes);
  for (const node of nodes) yield await measureReads(bench, generator, node, alone);
  for (const node of nodes) yield* measureFanOut(bench, subscribers, node, alone, `node ${node.node} of three`);
  yield await measureServerDeaths(ground, log, nodes);
  yield await measureLeaderDeaths(ground, log, nodes);
}

/** Measures a cluster of one node with one kind of log. */
async function* measureOneNode(ground: Ground, log: LogServers, targets: Judge): AsyncGenerator<Row> {
  const { bench } = ground;
  const a = await startNode(bench, log, "a", { seeds: true });
  yield* measureManyCallers(ground, log, a, targets);
  await bench.stop(a.child);
}

/** Measures a join before the cluster has made a snapshot, so that the new node has to apply all writes of the log. */
async function* measureJoinsFromLog(ground: Ground): AsyncGenerator<Row> {
  const { bench, generator } = ground;
  const log = await startNatsOfThree(bench);
  const a = await startNode(bench, log, "a", { seeds: true });
  await fill(generator, a, "logged");
  yield await measureJoins(ground, log, "the log");
}

async function* measureCluster(bench: Bench): AsyncGenerator<Row> {
  const [noNats, noPostgres] = [natsUnusable(), postgresMissing()];
  if (noNats !== false) bench.skip(`nothing over NATS: ${noNats}`);
  if (noPostgres !== false) bench.skip(`nothing over PostgreSQL: ${noPostgres}`);
  if (noNats !== false && noPostgres !== false) return;
  // Each part starts its own servers. The servers of the previous part have ended, because they would use the machine.
  const parts: ((ground: Ground) => AsyncGenerator<Row>)[] = [];
  if (noNats === false) {
    parts.push(measureThreeCopies, measureJoinsFromLog);
    parts.push(async function* (ground) {
      yield* measureOneNode(ground, await startNatsOfOne(bench), NOT_JUDGED);
    });
  }
  if (noPostgres === false)
    parts.push(async function* (ground) {
      yield* measureOneNode(ground, await startPostgresLog(bench), judge(10_000, 25));
    });
  for (const measure of parts) {
    const ground = {
      bench,
      generator: bench.startJobs("bench/load/generator.js"),
      references: await startReferences(bench),
    };
    yield* measure(ground);
    await bench.stopAll();
  }
}

export const clusterScenario: Scenario = {
  name: "cluster",
  measures: "nodes in front of NATS and PostgreSQL: writes, reads, fan-out, joins, deaths, idle",
  build: measureCluster,
};
