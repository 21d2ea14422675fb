/**
 * Validating a text of 200 lines against 20 rules, and reads beside validations that are made to take long:
 * patterns that ruin a backtracking engine on texts of a megabyte. Koor alone is the reference of the second.
 * Runs in the bench process.
 */
import type { Bench } from "../bench.js";
import type { JobProcess } from "../job-process.js";
import type { LoadJob } from "../load/generator.js";
import { makeHttpJob } from "../load/http-job.js";
import { getRequest, type HttpRequest, keyOf, putRequest } from "../load/requests.js";
import type { Row, Scenario } from "../model.js";
import { withCpu } from "../process-cost.js";
import { cpuOfAll, figuresOf, mergeSlices, quotient, rateOf, ratiosOf, type Slice } from "../statistics.js";
import { type Koor, startKoor } from "../targets/koor.js";
import { atMost } from "../throughput.js";

const LINES = 200;
const CPU_US_MAX = 450;
const GET_P99_MS_MAX = 20;
const CONNECTIONS = 4;
const READ_CONNECTIONS = 16;
const HOSTILE_CLIENTS = 2;
const HOSTILE_TEXT_BYTES = 1_000_000;
const ALONE = "no validations";

/** As teams write them: words, calls, a few classes. */
const PATTERNS = [
  "TODO",
  "FIXME",
  "console\\.log\\(",
  "eval\\(",
  "debugger;",
  "https?://",
  "AKIA[0-9A-Z]{16}",
  "\\bany\\b",
  "document\\.write",
  "innerHTML\\s*=",
  "password\\s*=",
  "secret\\s*=",
  "process\\.env\\.\\w+",
  "var \\w+",
  "alert\\(",
  "import .* from 'lodash'",
  "@ts-ignore",
  "\\.then\\(",
  "new Function\\(",
  "#[0-9a-f]{6}\\b",
];
const HOSTILE = ["(a+)+$", "(a|aa)+$", "(?:a{1,30}){1,30}$"];

function rulesRequest(project: string, patterns: readonly string[]): HttpRequest {
  return {
    method: "PUT",
    path: `/api/validate/${project}/rules`,
    body: JSON.stringify(patterns.map((pattern, at) => ({ rule_id: `rule-${at}`, pattern }))),
  };
}

function validateRequest(project: string, content: string): HttpRequest {
  return {
    method: "POST",
    path: `/api/validate/${project}`,
    body: JSON.stringify({ filename: "src/bench.ts", content }),
  };
}

/** Source of the usual length of line; three of its lines break a rule. */
function makeSource(): string {
  const lines = Array.from({ length: LINES }, (_unused, at) =>
    at % 67 === 0 ? "  // TODO: look at this again" : `  const value${at} = compute(input[${at}], ${at});`,
  );
  return lines.join("\n");
}

async function* measureValidate(bench: Bench): AsyncGenerator<Row> {
  const { diff_slice_ms, warmup_ms } = bench.settings;
  const koor: Koor = await startKoor(bench);
  const first = bench.startJobs("bench/load/generator.js");
  const second = bench.startJobs("bench/load/generator.js");
  const run = (
    jobs: JobProcess,
    requests: readonly HttpRequest[],
    connections: number,
    duration_ms: number,
  ): Promise<Slice> => withCpu(koor.pid, () => jobs.run<Slice>(makeHttpJob(koor, requests, connections, duration_ms)));
  const stored = [rulesRequest("bench", PATTERNS), rulesRequest("hostile", HOSTILE), putRequest(keyOf(0))];
  const writes: LoadJob = { ...makeHttpJob(koor, stored, 1, warmup_ms), requests_max: stored.length };
  const written = await first.run<Slice>(writes);
  if (written.requests !== stored.length || written.refused > 0) throw new Error("the rules were not stored");

  const validations = [validateRequest("bench", makeSource())];
  bench.progress(`validations of ${LINES} lines against ${PATTERNS.length} rules`);
  await run(first, validations, CONNECTIONS, warmup_ms);
  const mine = await run(first, validations, CONNECTIONS, diff_slice_ms);
  const cpu_us = cpuOfAll([mine]);
  yield {
    name: `validate ${LINES} lines against ${PATTERNS.length} rules, ${CONNECTIONS} connections`,
    client: "node",
    figures: mergeSlices([mine]),
    references: [],
    ratios: [],
    targets: [atMost("cpu_us", cpu_us, CPU_US_MAX), atMost("refused", mine.refused, 0)].filter(
      (target) => target !== undefined,
    ),
  };

  const reads = [getRequest(keyOf(0))];
  const hostile = [validateRequest("hostile", `${"a".repeat(HOSTILE_TEXT_BYTES)}!`)];
  bench.progress("GETs without validations");
  await run(first, reads, READ_CONNECTIONS, warmup_ms);
  const alone = await run(first, reads, READ_CONNECTIONS, diff_slice_ms);
  await second.run<Slice>(makeHttpJob(koor, hostile, HOSTILE_CLIENTS, warmup_ms));
  bench.progress("GETs beside hostile validations");
  const [beside, validated] = await Promise.all([
    first.run<Slice>(makeHttpJob(koor, reads, READ_CONNECTIONS, diff_slice_ms)),
    second.run<Slice>(makeHttpJob(koor, hostile, HOSTILE_CLIENTS, diff_slice_ms)),
  ]);
  const figures = mergeSlices([beside]);
  yield {
    name:
      `GET, ${READ_CONNECTIONS} connections, ` +
      `beside ${HOSTILE_CLIENTS} clients that validate 1 MB against hostile patterns`,
    client: "node",
    figures: figuresOf({ ...figures, validations_per_s: rateOf(validated) }),
    references: [{ name: ALONE, figures: mergeSlices([alone]) }],
    ratios: ratiosOf([
      { of: "p99", to: ALONE, value: quotient(beside.p99_ms, alone.p99_ms), better: "lower", compared: false },
    ]),
    targets: [atMost("p99_ms", beside.p99_ms, GET_P99_MS_MAX), atMost("refused", figures["refused"], 0)].filter(
      (target) => target !== undefined,
    ),
  };
}

export const validateScenario: Scenario = {
  name: "validate",
  measures: "CPU of a validation, and p99 of GETs beside hostile ones",
  build: measureValidate,
};
