/**
 * Measures the validation of a text of 200 lines against 20 rules, beside a raw handler that reads the same bytes. Also
 * measures reads beside expensive validations: patterns that make a backtracking engine explode, on texts of a
 * megabyte. The reference of the second part is Koor without these validations. Runs in the bench process.
 */
import type { Bench } from "../bench.js";
import type { JobProcess } from "../job-process.js";
import type { LoadJob } from "../load/generator.js";
import { makeHttpJob } from "../load/http-job.js";
import { getRequest, type HttpRequest, keyOf, putRequest } from "../load/requests.js";
import type { Row, Scenario } from "../model.js";
import { withCpu } from "../process-cost.js";
import { JOB_GRACE_MS } from "../settings.js";
import {
  cpuOf,
  cpuOfAll,
  figuresOf,
  medianQuotient,
  mergeSlices,
  quotient,
  rateOf,
  ratiosOf,
  type Slice,
} from "../statistics.js";
import { type Koor, startKoor } from "../targets/koor.js";
import { startRawUws } from "../targets/raw-uws.js";
import type { Server } from "../targets/server.js";
import { atMost } from "../throughput.js";

const LINES = 200;
const CPU_US_MAX = 400;
const CPU_TO_RAW_MAX = 16;
/** The number of rounds. Each round measures Koor and the raw handler. */
const ROUNDS = 5;
/** The number of validations in the warm-up. After them, the code of all threads is compiled. */
const WARMUP_VALIDATIONS = 8_000;
const GET_P99_MS_MAX = 20;
const CONNECTIONS = 16;
const READ_CONNECTIONS = 16;
const HOSTILE_CLIENTS = 2;
const HOSTILE_TEXT_BYTES = 1_000_000;
const ALONE = "no validations";
const RAW = "raw uWS";

/** Rules as teams write them: words, function calls, and a few character classes. */
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

/** Makes source code with lines of normal length. Three of its lines break a rule. */
function makeSource(): string {
  const lines = Array.from({ length: LINES }, (_unused, at) =>
    at % 67 === 0 ? "  // TODO: look at this again" : `  const value${at} = compute(input[${at}], ${at});`,
  );
  return lines.join("\n");
}

async function* measureValidate(bench: Bench): AsyncGenerator<Row> {
  const { diffSliceMs, warmupMs } = bench.settings;
  const koor: Koor = await startKoor(bench);
  const raw = await startRawUws(bench);
  const first = bench.startJobs("bench/load/generator.js");
  const second = bench.startJobs("bench/load/generator.js");
  const runOn = (
    server: Server,
    jobs: JobProcess,
    requests: readonly HttpRequest[],
    connections: number,
    durationMs: number,
  ): Promise<Slice> =>
    withCpu(server.pid, () => jobs.run<Slice>(makeHttpJob(server, requests, connections, durationMs)));
  const run = runOn.bind(undefined, koor);
  const stored = [rulesRequest("bench", PATTERNS), rulesRequest("hostile", HOSTILE), putRequest(keyOf(0))];
  const writes: LoadJob = { ...makeHttpJob(koor, stored, 1, warmupMs), requestsMax: stored.length };
  const written = await first.run<Slice>(writes);
  if (written.requests !== stored.length || written.refused > 0) throw new Error("the rules were not stored");

  const validations = [validateRequest("bench", makeSource())];
  const sameBytes = validations.map(({ body }) => putRequest(keyOf(0), body));
  bench.progress(`validations of ${LINES} lines against ${PATTERNS.length} rules`);
  const warmup = makeHttpJob(koor, validations, CONNECTIONS, JOB_GRACE_MS);
  const untilCompiled: LoadJob = { ...warmup, requestsMax: WARMUP_VALIDATIONS };
  await first.run<Slice>(untilCompiled);
  await runOn(raw, first, sameBytes, CONNECTIONS, warmupMs);
  const mine: Slice[] = [];
  const theirs: Slice[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    mine.push(await run(first, validations, CONNECTIONS, diffSliceMs / ROUNDS));
    theirs.push(await runOn(raw, first, sameBytes, CONNECTIONS, diffSliceMs / ROUNDS));
  }
  const validated = mergeSlices(mine);
  const cpuToRaw = medianQuotient(mine, theirs, cpuOf);
  yield {
    name: `validate ${LINES} lines against ${PATTERNS.length} rules, ${CONNECTIONS} connections`,
    client: "node",
    figures: validated,
    references: [{ name: RAW, figures: mergeSlices(theirs) }],
    ratios: ratiosOf([{ of: "CPU", to: RAW, value: cpuToRaw, better: "lower", compared: true }]),
    targets: [
      atMost("cpu_us", cpuOfAll(mine), CPU_US_MAX),
      atMost("CPU to raw uWS", cpuToRaw, CPU_TO_RAW_MAX),
      atMost("refused", validated["refused"], 0),
    ].filter((target) => target !== undefined),
  };

  const reads = [getRequest(keyOf(0))];
  const hostile = [validateRequest("hostile", `${"a".repeat(HOSTILE_TEXT_BYTES)}!`)];
  bench.progress("GETs without validations");
  await run(first, reads, READ_CONNECTIONS, warmupMs);
  const alone = await run(first, reads, READ_CONNECTIONS, diffSliceMs);
  await second.run<Slice>(makeHttpJob(koor, hostile, HOSTILE_CLIENTS, warmupMs));
  bench.progress("GETs beside hostile validations");
  const [beside, hindered] = await Promise.all([
    first.run<Slice>(makeHttpJob(koor, reads, READ_CONNECTIONS, diffSliceMs)),
    second.run<Slice>(makeHttpJob(koor, hostile, HOSTILE_CLIENTS, diffSliceMs)),
  ]);
  const figures = mergeSlices([beside]);
  yield {
    name:
      `GET, ${READ_CONNECTIONS} connections, ` +
      `beside ${HOSTILE_CLIENTS} clients that validate 1 MB against hostile patterns`,
    client: "node",
    figures: figuresOf({ ...figures, validations_per_s: rateOf(hindered) }),
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
