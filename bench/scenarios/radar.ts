/**
 * Measures the radar with 20 checkouts. Each of them reports 2000 changed files, and every tenth file is changed in all
 * checkouts. It measures the time until a report is answered with its overlaps, beside a PUT of a value of the same
 * size. It also measures the time that the writer needs to compare a report, and the memory. Runs in the bench process.
 */
import type { Bench } from "../bench.js";
import type { LoadJob } from "../load/generator.js";
import { makeHttpJob } from "../load/http-job.js";
import { type HttpRequest, keyOf, makeJsonValue, putRequest } from "../load/requests.js";
import type { Row, Scenario } from "../model.js";
import { readResidentBytes, withCpu } from "../process-cost.js";
import { JOB_GRACE_MS } from "../settings.js";
import {
  cpuOfAll,
  figuresOf,
  median,
  medianQuotient,
  mergeSlices,
  quotient,
  rateOf,
  ratiosOf,
  type Slice,
} from "../statistics.js";
import { startKoor } from "../targets/koor.js";
import { atMost } from "../throughput.js";
import { decodeReport, type Report } from "../../src/features/radar/report.js";
import { WorkspaceReports } from "../../src/features/radar/workspace-reports.js";

const CHECKOUTS = 20;
const FILES = 2_000;
const RANGES = 3;
/** The distance between two shared files: every tenth file is changed in all checkouts. */
const SHARED_EVERY = 10;
const LIST_CONNECTIONS = 8;
/** The warm-up time. After it, the code that reads, compares and lists reports is compiled. */
const WARM_MS = 3_000;
const PUTS = "PUTs of as many bytes";
const ANSWERED_MS_MAX = 50;
const COMPARED_MS_MAX = 20;
const MEMORY_MB_MAX = 100;
const BYTES_PER_MB = 1_000_000;

interface BenchFile {
  readonly path: string;
  readonly ranges: readonly (readonly [number, number])[];
}

/** Returns the changes of a checkout. Two revisions differ in the changed lines of every file. */
function changesOf(checkout: number, revision: number): BenchFile[] {
  return Array.from({ length: FILES }, (_, at) => ({
    path: `src/${at % SHARED_EVERY === 0 ? "shared" : `part-${checkout}`}/component/file-${String(at).padStart(4, "0")}.ts`,
    ranges: Array.from({ length: RANGES }, (_range, nth) => {
      const first = 1 + 200 * nth + 5 * checkout + revision;
      return [first, first + 2] as const;
    }),
  }));
}

function reportRequest(checkout: number, revision: number): HttpRequest {
  const files = changesOf(checkout, revision);
  return {
    method: "PUT",
    path: `/api/checkouts/c-${checkout}/changes`,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ workspace: "bench", branch: `branch-${checkout}`, base: "b".repeat(40), files }),
  };
}

function decoded(checkout: number, revision: number): Report {
  const files = changesOf(checkout, revision).map(({ path, ranges }) => ({ path, lines: ranges.flat() }));
  const head = { checkout: `c-${checkout}`, workspace: "bench", branch: null, base: null };
  return decodeReport(head, JSON.stringify(files), null);
}

/** Compares one report after another with those of the other checkouts. Returns the times in ms. */
function timeComparisons(rounds: number): number[] {
  const reports = new WorkspaceReports();
  const newest = Array.from({ length: CHECKOUTS }, (_, checkout) => decoded(checkout, 0));
  for (const report of newest) reports.add(report);
  const times: number[] = [];
  for (let revision = 1; revision <= rounds; revision++)
    for (const [checkout, before] of newest.entries()) {
      const after = decoded(checkout, revision);
      const startedMs = performance.now();
      reports.difference(before, after, 0);
      reports.replace(before, after);
      times.push(performance.now() - startedMs);
      newest[checkout] = after;
    }
  return times;
}

async function* measureRadar(bench: Bench): AsyncGenerator<Row> {
  const { warmupMs, sliceMs, rounds } = bench.settings;
  const koor = await startKoor(bench);
  const generator = bench.startJobs("bench/load/generator.js");
  const reports = [0, 1].flatMap((revision) =>
    Array.from({ length: CHECKOUTS }, (_, checkout) => reportRequest(checkout, revision)),
  );
  const bytes = Math.max(...reports.map(({ body = "" }) => body.length));
  const puts = Array.from({ length: CHECKOUTS }, (_, at) => putRequest(keyOf(at), makeJsonValue(bytes)));
  await generator.run<Slice>(makeHttpJob(koor, puts, 1, warmupMs));
  // The warm-up includes long lists, because the threads of the worker pool start with the first of them.
  const lists: HttpRequest[] = [{ method: "GET", path: "/api/audit?limit=10000" }];
  await generator.run<Slice>(makeHttpJob(koor, lists, LIST_CONNECTIONS, warmupMs));
  const memoryBefore = readResidentBytes(koor.pid);
  const once: LoadJob = { ...makeHttpJob(koor, reports, 1, JOB_GRACE_MS), requestsMax: CHECKOUTS };
  const reported = await generator.run<Slice>(once);
  if (reported.refused + reported.broken > 0) throw new Error("the reports were refused");
  const memoryAfter = readResidentBytes(koor.pid);
  await generator.run<Slice>(makeHttpJob(koor, reports, 1, WARM_MS));

  const [mine, theirs]: [Slice[], Slice[]] = [[], []];
  const name = `reports of ${FILES} files, ${CHECKOUTS} checkouts, 1 connection`;
  for (let round = 0; round < rounds; round++) {
    bench.progress(`${name}, round ${round + 1} of ${rounds}`);
    mine.push(await withCpu(koor.pid, () => generator.run<Slice>(makeHttpJob(koor, reports, 1, sliceMs))));
    theirs.push(await withCpu(koor.pid, () => generator.run<Slice>(makeHttpJob(koor, puts, 1, sliceMs))));
  }
  const compared = median(timeComparisons(rounds));
  const figures = mergeSlices(mine);
  const memory =
    memoryBefore === undefined || memoryAfter === undefined ? undefined : (memoryAfter - memoryBefore) / BYTES_PER_MB;
  const cpuToPut = quotient(cpuOfAll(mine), cpuOfAll(theirs));
  yield {
    name,
    client: "node",
    figures: figuresOf({ ...figures, compared_ms: compared, memory_mb: memory }),
    references: [{ name: PUTS, figures: mergeSlices(theirs) }],
    ratios: ratiosOf([
      { of: "rate", to: PUTS, value: medianQuotient(mine, theirs, rateOf), better: "higher", compared: true },
      { of: "CPU", to: PUTS, value: cpuToPut, better: "lower", compared: true },
    ]),
    targets: [
      atMost("p50_ms", figures["p50_ms"], ANSWERED_MS_MAX),
      atMost("compared_ms", compared, COMPARED_MS_MAX),
      atMost("memory_mb", memory, MEMORY_MB_MAX),
      atMost("refused", figures["refused"], 0),
    ].filter((target) => target !== undefined),
  };
}

export const radarScenario: Scenario = {
  name: "radar",
  measures: "reports of checkouts with 2000 changed files: their answers, comparisons and memory",
  build: measureRadar,
};
