/**
 * Measures what coordination costs. It measures a lease that is acquired and released, and a task that is claimed and
 * completed, each in alternation with durable PUTs to the same server. It also measures the question which of twenty
 * paths other agents hold, among ten thousand leases. Runs in the bench process.
 */
import { must } from "../../src/base/assert.js";
import type { Bench } from "../bench.js";
import type { JobProcess } from "../job-process.js";
import type { LoadJob } from "../load/generator.js";
import { makeHttpJob } from "../load/http-job.js";
import type { PairJob, PairOfRequests } from "../load/pair-generator.js";
import { type HttpRequest, keyNumbers, keyOf, putRequest } from "../load/requests.js";
import type { Row, Scenario } from "../model.js";
import { withCpu } from "../process-cost.js";
import { JOB_GRACE_MS } from "../settings.js";
import { cpuOfAll, mergeSlices, quotient, ratiosOf, type Slice } from "../statistics.js";
import { type Koor, startKoor } from "../targets/koor.js";
import { atMost } from "../throughput.js";

const AGENTS = 64;
const PUT = "PUT on distinct keys";
const LEASE_TO_PUT_MAX = 2.5;
const TASK_TO_PUT_MAX = 4;
const CHECK_CPU_US_MAX = 200;
const CHECKED_PATHS = 20;
/**
 * The number of leases that are held during the measurement. A server has at most ten thousand leases, and this number
 * leaves room for the waiters and for the agents that acquire and release.
 */
const HELD_LEASES = 8_900;
const WAITING_LEASES = 1_000;
/** The limit of a lease's cost among many leases, in multiples of its cost if there are no others. */
const MANY_TO_NONE_MAX = 2;
const LEASES_OF_HOLDER = 900;
/** The number of tasks that one call creates. */
const TASKS_TOGETHER = 1_000;

interface Agent {
  readonly id: string;
}

/** Sends a call and returns the JSON of its answer. The status must be 200. */
async function ask<Answer>(koor: Koor, path: string, body: object, agent?: Agent): Promise<Answer> {
  const answer = await fetch(`http://127.0.0.1:${koor.port}${path}`, {
    method: "POST",
    headers: agent === undefined ? {} : { "X-Koor-Instance": agent.id },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return (await answer.json()) as Answer;
}

function register(koor: Koor, name: string): Promise<Agent> {
  return ask<Agent>(koor, "/api/instances/register", { name, workspace: "bench" });
}

async function registerAll(koor: Koor, names: string, count: number): Promise<Agent[]> {
  const agents: Agent[] = [];
  for (let at = 0; at < count; at++) agents.push(await register(koor, `${names}-${at}`));
  return agents;
}

function asAgent(koor: Koor, agent: Agent, method: string, path: string, body: string): string {
  const length = body.includes("{fence}") ? "{length}" : body.length;
  return [
    `${method} ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${koor.port}`,
    `X-Koor-Instance: ${agent.id}`,
    ...(body === "" ? [] : [`Content-Length: ${length}`]),
    "",
    body,
  ].join("\r\n");
}

/** Makes the pairs in which each agent leases its own file and releases it. */
function leasePairs(koor: Koor, agents: readonly Agent[]): PairOfRequests[] {
  return agents.map((agent, at) => ({
    first: asAgent(koor, agent, "POST", "/api/leases", JSON.stringify({ resources: [`path:src/part-${at}.ts`] })),
    second: asAgent(koor, agent, "DELETE", "/api/leases/{id}?fence={fence}", ""),
  }));
}

/** Makes the pairs in which each agent claims the best task and completes it. */
function taskPairs(koor: Koor, agents: readonly Agent[]): PairOfRequests[] {
  return agents.map((agent) => ({
    first: asAgent(koor, agent, "POST", "/api/tasks/claim", "{}"),
    second: asAgent(koor, agent, "POST", "/api/tasks/{id}/complete", '{"fence":{fence}}'),
  }));
}

const fileOf = (at: number): string => `path:held/${at % 97}/file-${at}.ts`;

async function leaseMany(koor: Koor, names: string, count: number, more: object): Promise<void> {
  const holders = await registerAll(koor, names, Math.ceil(count / LEASES_OF_HOLDER));
  for (let from = 0; from < count; from += AGENTS)
    await Promise.all(
      Array.from({ length: Math.min(AGENTS, count - from) }, (_, offset) => {
        const holder = must(holders[Math.floor((from + offset) / LEASES_OF_HOLDER)], "a holder for each");
        return ask(koor, "/api/leases", { resources: [fileOf(from + offset)], ttl_s: 3_600, ...more }, holder);
      }),
    );
}

/**
 * Fills the lease table. Agents that have gone hold leases on files that no other agent edits any more, and other
 * agents wait for these leases.
 */
async function holdMany(koor: Koor): Promise<void> {
  await leaseMany(koor, "holder", HELD_LEASES, {});
  await leaseMany(koor, "waiting", WAITING_LEASES, { queue: true });
}

async function makeTasks(koor: Koor, count: number, agent: Agent): Promise<void> {
  for (let made = 0; made < count; made += TASKS_TOGETHER) {
    const tasks = Array.from({ length: Math.min(TASKS_TOGETHER, count - made) }, (_, at) => ({
      title: `part ${made + at}`,
      labels: [`kind-${at % 5}`],
    }));
    await ask(koor, "/api/tasks", tasks, agent);
  }
}

/** A kind of pairs that is measured. */
interface Plan {
  readonly name: string;
  readonly pairs: readonly PairOfRequests[];
  /** The limit of the CPU time, in multiples of the CPU time of a PUT. */
  readonly most: number;
  /** The CPU time of the same pairs without other leases, in multiples of the CPU time of a PUT. */
  readonly amongNone?: number | undefined;
}

/** Measures pairs and PUTs in alternation. */
async function measurePairs(
  bench: Bench,
  { koor, pairs: process, puts }: { readonly koor: Koor; readonly pairs: JobProcess; readonly puts: JobProcess },
  { name, pairs, most, amongNone }: Plan,
): Promise<Row> {
  const { warmupMs, sliceMs, rounds } = bench.settings;
  const pairsFor = (durationMs: number): PairJob => ({
    kind: "pairs",
    port: koor.port,
    pairs,
    duration_ms: durationMs,
  });
  const requests = keyNumbers().map((index) => putRequest(keyOf(index)));
  const putsFor = (durationMs: number): LoadJob => makeHttpJob(koor, requests, AGENTS, durationMs);
  await process.run<Slice>(pairsFor(warmupMs));
  await puts.run<Slice>(putsFor(warmupMs));
  const [mine, theirs]: [Slice[], Slice[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    bench.progress(`${name}, round ${round + 1} of ${rounds}`);
    mine.push(await withCpu(koor.pid, () => process.run<Slice>(pairsFor(sliceMs))));
    theirs.push(await withCpu(koor.pid, () => puts.run<Slice>(putsFor(sliceMs))));
  }
  const figures = mergeSlices(mine);
  const cpuToPut = quotient(cpuOfAll(mine), cpuOfAll(theirs));
  return {
    name,
    client: "node",
    figures,
    references: [{ name: PUT, figures: mergeSlices(theirs) }],
    ratios: ratiosOf([{ of: "CPU", to: PUT, value: cpuToPut, better: "lower", compared: true }]),
    targets: [
      atMost("CPU to PUT", cpuToPut, most),
      atMost("CPU to that among none", quotient(cpuToPut, amongNone), MANY_TO_NONE_MAX),
      atMost("refused", figures["refused"], 0),
    ].filter((target) => target !== undefined),
  };
}

async function measureCheck(bench: Bench, koor: Koor, generator: JobProcess): Promise<Row> {
  const { warmupMs, sliceMs, rounds } = bench.settings;
  const paths = Array.from({ length: CHECKED_PATHS }, (_, at) => `held/${at}/file-${at * 97 + at}.ts`);
  const request: HttpRequest = {
    method: "POST",
    path: "/api/leases/check",
    body: JSON.stringify({ workspace: "bench", paths }),
  };
  const name = `check of ${CHECKED_PATHS} paths, all held, of ${HELD_LEASES} leases`;
  const jobFor = (durationMs: number): LoadJob => makeHttpJob(koor, [request], AGENTS, durationMs);
  await generator.run<Slice>(jobFor(warmupMs));
  const slices: Slice[] = [];
  for (let round = 0; round < rounds; round++) {
    bench.progress(`${name}, round ${round + 1} of ${rounds}`);
    slices.push(await withCpu(koor.pid, () => generator.run<Slice>(jobFor(sliceMs))));
  }
  const figures = mergeSlices(slices);
  const { cpu_us } = figures;
  return {
    name,
    client: "node",
    figures,
    references: [],
    ratios: [],
    targets: [atMost("cpu_us", cpu_us, CHECK_CPU_US_MAX), atMost("refused", figures["refused"], 0)].filter(
      (target) => target !== undefined,
    ),
  };
}

async function* measureClaims(bench: Bench): AsyncGenerator<Row> {
  const koor = await startKoor(bench);
  const puts = bench.startJobs("bench/load/generator.js");
  const pairs = bench.startJobs("bench/load/pair-generator.js");
  const parts = { koor, pairs, puts };
  const agents = await registerAll(koor, "agent", AGENTS);
  const fill: LoadJob = makeHttpJob(
    koor,
    keyNumbers().map((index) => putRequest(keyOf(index))),
    AGENTS,
    JOB_GRACE_MS,
  );
  const once: LoadJob = { ...fill, requestsMax: keyNumbers().length };
  await puts.run<Slice>(once);
  const leased = { pairs: leasePairs(koor, agents), most: LEASE_TO_PUT_MAX };
  const amongNone = await measurePairs(bench, parts, { ...leased, name: `acquire and release, ${AGENTS} agents` });
  yield amongNone;
  const { fewTasks, manyTasks } = bench.settings;
  const claimed = { pairs: taskPairs(koor, agents), most: TASK_TO_PUT_MAX };
  const maker = must(agents[0], "there are agents");
  await makeTasks(koor, fewTasks, maker);
  yield await measurePairs(bench, parts, { ...claimed, name: `claim and complete, ${AGENTS} agents` });
  await makeTasks(koor, manyTasks - fewTasks, maker);
  yield await measurePairs(bench, parts, {
    ...claimed,
    name: `claim and complete, ${AGENTS} agents, up to ${manyTasks} ready`,
  });
  await holdMany(koor);
  yield await measurePairs(bench, parts, {
    ...leased,
    name: `acquire and release, ${AGENTS} agents, ${HELD_LEASES} held, ${WAITING_LEASES} waiting`,
    amongNone: amongNone.ratios[0]?.value,
  });
  yield await measureCheck(bench, koor, puts);
}

export const claimsScenario: Scenario = {
  name: "claims",
  measures: "leases acquired and released, tasks claimed and completed, paths checked",
  build: measureClaims,
};
