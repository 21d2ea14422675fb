/**
 * Measures whether the cost of a request grows with the content of the server. The same requests alternate between a
 * server with many keys and a long history, and a server that holds only the keys of the requests. The content is
 * written through the API, so that its history and audit rows are real. Runs in the bench process.
 */
import type { Bench } from "../bench.js";
import type { JobProcess } from "../job-process.js";
import type { LoadJob } from "../load/generator.js";
import { makeHttpJob } from "../load/http-job.js";
import { getRequest, type HttpRequest, publishRequest, putRequest } from "../load/requests.js";
import type { Row, Scenario } from "../model.js";
import { withCpu } from "../process-cost.js";
import { JOB_GRACE_MS, KEYS, LIST_PAGE_ROWS } from "../settings.js";
import { cpuOfAll, mergeSlices, medianQuotient, quotient, rateOf, ratiosOf, type Slice } from "../statistics.js";
import { type Koor, startKoor } from "../targets/koor.js";
import { atMost } from "../throughput.js";
import { measureIdleRow } from "./idle.js";

const EMPTY = "empty Koor";
const COST_GROWTH_MAX = 1.2;
const CONNECTIONS = 16;
const WRITE_CONNECTIONS = 64;
const KEYS_PER_GROUP = LIST_PAGE_ROWS;
/** The lowest write rate with which the scenario still waits for the content. It sets the time limit of the writing. */
const WRITES_PER_S_MIN = 1_000;

function keyInGroup(group: number, index: number): string {
  return `content/group-${String(group).padStart(5, "0")}/key-${String(index).padStart(3, "0")}`;
}

/** Returns all keys of these groups. */
function keysOf(groups: readonly number[]): string[] {
  return groups.flatMap((group) =>
    Array.from({ length: KEYS_PER_GROUP }, (_unused, index) => keyInGroup(group, index)),
  );
}

interface Kind {
  readonly what: string;
  readonly requests: (keys: readonly string[], groups: readonly number[]) => readonly HttpRequest[];
}

const KINDS: readonly Kind[] = [
  { what: "GET", requests: (keys) => keys.map(getRequest) },
  { what: "PUT", requests: (keys) => keys.map((key) => putRequest(key)) },
  { what: "publish", requests: () => [publishRequest(1)] },
  {
    what: "list by prefix, 100 keys",
    requests: (_keys, groups) =>
      groups.map((group) => ({
        method: "GET",
        path: `/api/state?prefix=${keyInGroup(group, 0).slice(0, -7)}&limit=${LIST_PAGE_ROWS}`,
      })),
  },
  {
    what: "page after a key, 50 keys",
    requests: (_keys, groups) =>
      groups.map((group) => ({
        method: "GET",
        path: `/api/state?after=${keyInGroup(group, KEYS_PER_GROUP / 2 - 1)}&limit=${LIST_PAGE_ROWS / 2}`,
      })),
  },
  {
    what: "history of a key, 10 versions",
    requests: (keys) => keys.map((key) => ({ method: "GET", path: `/api/state/${key}?history=1&limit=10` })),
  },
  { what: "audit, 50 rows", requests: () => [{ method: "GET", path: "/api/audit?limit=50" }] },
  {
    what: "audit of one action, 50 rows",
    requests: () => [{ method: "GET", path: "/api/audit?action=state.put&limit=50" }],
  },
  // The audit log has no row of this action, so the answer is empty whatever the log holds.
  {
    what: "audit of an action that never was",
    requests: () => [{ method: "GET", path: "/api/audit?action=restore&limit=50" }],
  },
  { what: "server metrics", requests: () => [{ method: "GET", path: "/api/metrics" }] },
  { what: "event history, 50 events", requests: () => [{ method: "GET", path: "/api/events/history?last=50" }] },
];

/** Writes every key `passes` times. */
async function writeContent(generator: JobProcess, koor: Koor, keys: readonly string[], passes: number): Promise<void> {
  const requestsMax = keys.length * passes;
  const patienceMs = JOB_GRACE_MS + (requestsMax / WRITES_PER_S_MIN) * 1_000;
  const job: LoadJob = {
    ...makeHttpJob(
      koor,
      keys.map((key) => putRequest(key)),
      WRITE_CONNECTIONS,
      patienceMs,
    ),
    requestsMax,
  };
  const written = await generator.run<Slice>(job);
  const missing = requestsMax - written.requests + written.refused;
  if (missing > 0) throw new Error(`${missing} of ${requestsMax} writes of the content failed`);
}

/**
 * Returns groups that are spread evenly over all groups, so that the requests touch pages in all parts of the database.
 */
function spreadGroups(total: number, wanted: number): number[] {
  return Array.from({ length: wanted }, (_unused, index) => Math.floor((index * total) / wanted));
}

async function* measureContent(bench: Bench): AsyncGenerator<Row> {
  const { contentKeys, contentHistoryRows, contentSliceMs, contentRounds, warmupMs } = bench.settings;
  const passes = contentHistoryRows / contentKeys;
  const what = `${contentHistoryRows} history and audit rows, ${contentKeys} keys`;
  const totalGroups = contentKeys / KEYS_PER_GROUP;
  const generator = bench.startJobs("bench/load/generator.js");
  const dataDir = bench.makeDirectory("content");
  const groups = spreadGroups(totalGroups, KEYS / KEYS_PER_GROUP);
  const keys = keysOf(groups);

  const writing = await startKoor(bench, { data_dir: dataDir });
  bench.progress(`writing ${what}`);
  await writeContent(generator, writing, keysOf(spreadGroups(totalGroups, totalGroups)), passes);
  await bench.stop(writing.child);
  yield await measureIdleRow(bench, what, dataDir);

  const full = await startKoor(bench, { data_dir: dataDir });
  const empty = await startKoor(bench);
  // Both servers get the same writes. The writes create the keys in the empty server, and warm up both servers.
  for (const koor of [empty, full]) await writeContent(generator, koor, keys, passes);
  const run = (koor: Koor, kind: Kind, durationMs: number): Promise<Slice> =>
    withCpu(koor.pid, () =>
      generator.run<Slice>(makeHttpJob(koor, kind.requests(keys, groups), CONNECTIONS, durationMs)),
    );
  for (const koor of [full, empty]) for (const kind of KINDS) await run(koor, kind, warmupMs / KINDS.length);
  for (const kind of KINDS) {
    const name = `${kind.what}, ${what}`;
    const mine: Slice[] = [];
    const theirs: Slice[] = [];
    for (const koor of [full, empty]) await run(koor, kind, contentSliceMs);
    for (let round = 0; round < contentRounds; round++) {
      bench.progress(`${name}, round ${round + 1} of ${contentRounds}`);
      mine.push(await run(full, kind, contentSliceMs));
      theirs.push(await run(empty, kind, contentSliceMs));
    }
    const cpuRatio = quotient(cpuOfAll(mine), cpuOfAll(theirs));
    const rateRatio = medianQuotient(mine, theirs, rateOf);
    const timeRatio = rateRatio === undefined ? undefined : 1 / rateRatio;
    yield {
      name,
      client: "node",
      figures: mergeSlices(mine),
      references: [{ name: EMPTY, figures: mergeSlices(theirs) }],
      ratios: ratiosOf([
        { of: "CPU", to: EMPTY, value: cpuRatio, better: "lower", compared: true },
        { of: "time", to: EMPTY, value: timeRatio, better: "lower", compared: true },
      ]),
      targets: [
        atMost("CPU to empty", cpuRatio, COST_GROWTH_MAX),
        atMost("time to empty", timeRatio, COST_GROWTH_MAX),
      ].filter((target) => target !== undefined),
    };
  }
}

export const contentScenario: Scenario = {
  name: "content",
  measures: "cost of each request on a server full of history beside an empty one",
  build: measureContent,
};
