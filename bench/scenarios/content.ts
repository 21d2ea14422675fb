/**
 * Measures whether cost grows with content: the same requests, in alternation, against a server with a long history and
 * many keys and against one that holds only what the requests touch. The content is written through the API, so that
 * history and audit are as real ones are. Runs in the bench process.
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
/** The lowest rate of a server that is worth waiting for. */
const WRITES_PER_S_MIN = 1_000;

function keyInGroup(group: number, index: number): string {
  return `content/group-${String(group).padStart(5, "0")}/key-${String(index).padStart(3, "0")}`;
}

/** All keys of these groups. */
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
  // No row has this action, so the answer is empty whatever the log holds.
  {
    what: "audit of an action that never was",
    requests: () => [{ method: "GET", path: "/api/audit?action=restore&limit=50" }],
  },
  { what: "server metrics", requests: () => [{ method: "GET", path: "/api/metrics" }] },
  { what: "event history, 50 events", requests: () => [{ method: "GET", path: "/api/events/history?last=50" }] },
];

/** Writes every key, `passes` times. */
async function writeContent(generator: JobProcess, koor: Koor, keys: readonly string[], passes: number): Promise<void> {
  const requests_max = keys.length * passes;
  const patience_ms = JOB_GRACE_MS + (requests_max / WRITES_PER_S_MIN) * 1_000;
  const job: LoadJob = {
    ...makeHttpJob(
      koor,
      keys.map((key) => putRequest(key)),
      WRITE_CONNECTIONS,
      patience_ms,
    ),
    requests_max,
  };
  const written = await generator.run<Slice>(job);
  const missing = requests_max - written.requests + written.refused;
  if (missing > 0) throw new Error(`${missing} of ${requests_max} writes of the content failed`);
}

/** Keys that are evenly spread over all groups, so that the requests touch pages everywhere. */
function spreadGroups(total: number, wanted: number): number[] {
  return Array.from({ length: wanted }, (_unused, index) => Math.floor((index * total) / wanted));
}

async function* measureContent(bench: Bench): AsyncGenerator<Row> {
  const { content_keys, content_history_rows, content_slice_ms, content_rounds, warmup_ms } = bench.settings;
  const passes = content_history_rows / content_keys;
  const what = `${content_history_rows} history and audit rows, ${content_keys} keys`;
  const total_groups = content_keys / KEYS_PER_GROUP;
  const generator = bench.startJobs("bench/load/generator.js");
  const data_dir = bench.makeDirectory("content");
  const groups = spreadGroups(total_groups, KEYS / KEYS_PER_GROUP);
  const keys = keysOf(groups);

  const writing = await startKoor(bench, { data_dir });
  bench.progress(`writing ${what}`);
  await writeContent(generator, writing, keysOf(spreadGroups(total_groups, total_groups)), passes);
  await bench.stop(writing.child);
  yield await measureIdleRow(bench, what, data_dir);

  const full = await startKoor(bench, { data_dir });
  const empty = await startKoor(bench);
  // Both servers get the same writes: they create what the empty one holds, and warm up both.
  for (const koor of [empty, full]) await writeContent(generator, koor, keys, passes);
  const run = (koor: Koor, kind: Kind, duration_ms: number): Promise<Slice> =>
    withCpu(koor.pid, () =>
      generator.run<Slice>(makeHttpJob(koor, kind.requests(keys, groups), CONNECTIONS, duration_ms)),
    );
  for (const koor of [full, empty]) for (const kind of KINDS) await run(koor, kind, warmup_ms / KINDS.length);
  for (const kind of KINDS) {
    const name = `${kind.what}, ${what}`;
    const mine: Slice[] = [];
    const theirs: Slice[] = [];
    for (const koor of [full, empty]) await run(koor, kind, content_slice_ms);
    for (let round = 0; round < content_rounds; round++) {
      bench.progress(`${name}, round ${round + 1} of ${content_rounds}`);
      mine.push(await run(full, kind, content_slice_ms));
      theirs.push(await run(empty, kind, content_slice_ms));
    }
    const cpu_ratio = quotient(cpuOfAll(mine), cpuOfAll(theirs));
    const rate_ratio = medianQuotient(mine, theirs, rateOf);
    const time_ratio = rate_ratio === undefined ? undefined : 1 / rate_ratio;
    yield {
      name,
      client: "node",
      figures: mergeSlices(mine),
      references: [{ name: EMPTY, figures: mergeSlices(theirs) }],
      ratios: ratiosOf([
        { of: "CPU", to: EMPTY, value: cpu_ratio, better: "lower", compared: true },
        { of: "time", to: EMPTY, value: time_ratio, better: "lower", compared: true },
      ]),
      targets: [
        atMost("CPU to empty", cpu_ratio, COST_GROWTH_MAX),
        atMost("time to empty", time_ratio, COST_GROWTH_MAX),
      ].filter((target) => target !== undefined),
    };
  }
}

export const contentScenario: Scenario = {
  name: "content",
  measures: "cost of each request on a server full of history beside an empty one",
  build: measureContent,
};
