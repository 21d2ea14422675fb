/**
 * The main program of the benchmarks. It runs the chosen scenarios one after another, prints the tables, writes the
 * JSON file, and compares the result with an earlier run. This process starts all other processes, and ends them even
 * if it fails or gets a signal. The scenarios are in scenarios/.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { TransportChoice } from "../schemas/config.js";
import { APP, Bench } from "./bench.js";
import { bestComparisons, compareRatios, type Comparison, isRegression, readRatioFile } from "./compare.js";
import { describeMachine, findTools } from "./machine.js";
import type { RatioFile, Row, RunResult, Scenario, ScenarioResult } from "./model.js";
import { parseOptions, USAGE } from "./options.js";
import { countCpusElsewhere, readCpuClock } from "./process-cost.js";
import { createProgress } from "./progress.js";
import { formatReport, formatTable, isMet } from "./report.js";
import { SCENARIOS } from "./scenario-table.js";
import { chooseSettings } from "./settings.js";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;
const EXIT_TERMINATED = 143;
const MEASURED_AGAIN_MAX = 2;
const MS_PER_S = 1_000;
const US_PER_S = 1e6;

interface Outcome {
  readonly scenarios: ScenarioResult[];
  readonly left_out: { scenario: string; reason: string }[];
  failed: boolean;
}

/** One scenario with one transport. */
interface Measurement {
  readonly scenario: Scenario;
  readonly transport: TransportChoice;
  /** The scenario's name. It includes the transport if the run uses several. */
  readonly name: string;
}

/** Runs one scenario, then ends what it has started. */
async function runMeasurement(bench: Bench, { scenario, transport, name }: Measurement): Promise<ScenarioResult> {
  bench.transport = transport;
  const rows: Row[] = [];
  try {
    // The design's speed targets apply only to the fast transport.
    for await (const row of scenario.build(bench)) rows.push(transport === "node" ? { ...row, targets: [] } : row);
  } finally {
    await bench.stopAll();
  }
  return { scenario: name, rows };
}

/** Runs a scenario. If it fails, runs it a second time, because another program may have slowed the machine. */
async function runUntilMeasured(bench: Bench, measurement: Measurement): Promise<ScenarioResult> {
  try {
    return await runMeasurement(bench, measurement);
  } catch (error) {
    bench.takeSkipped();
    bench.progress(`${measurement.name} again: ${error instanceof Error ? error.message : String(error)}`);
    return await runMeasurement(bench, measurement);
  }
}

async function runMeasurements(
  bench: Bench,
  measurements: readonly Measurement[],
  startedMs: number,
): Promise<Outcome> {
  const outcome: Outcome = { scenarios: [], left_out: [], failed: false };
  for (const [index, measurement] of measurements.entries()) {
    if (performance.now() - startedMs > bench.settings.runSMax * MS_PER_S) {
      outcome.left_out.push({ scenario: measurement.name, reason: "the run's time was over" });
      continue;
    }
    bench.progress(`${index + 1} of ${measurements.length}: ${measurement.name}, ${measurement.scenario.measures}`);
    try {
      outcome.scenarios.push(await runUntilMeasured(bench, measurement));
      for (const reason of bench.takeSkipped()) outcome.left_out.push({ scenario: measurement.name, reason });
    } catch (error) {
      // A scenario that fails must not prevent the others. The run as a whole still fails.
      outcome.left_out.push({
        scenario: measurement.name,
        reason: error instanceof Error ? error.message : String(error),
      });
      outcome.failed = true;
    }
  }
  return outcome;
}

/**
 * Finds the ratios that are worse than in the earlier run. A scenario with such a ratio is measured again, because the
 * first result may be noise.
 */
async function findRegressions(
  bench: Bench,
  earlier: RatioFile,
  measured: readonly ScenarioResult[],
  measurements: readonly Measurement[],
): Promise<Comparison[]> {
  let regressions = compareRatios(earlier.scenarios, measured).filter(isRegression);
  for (let attempt = 0; attempt < MEASURED_AGAIN_MAX && regressions.length > 0; attempt++) {
    const again: ScenarioResult[] = [];
    const names = new Set(regressions.map(({ scenario }) => scenario));
    for (const measurement of measurements.filter(({ name }) => names.has(name))) {
      bench.progress(`${measurement.name} again: a ratio fell by more than half`);
      again.push(await runMeasurement(bench, measurement));
    }
    regressions = bestComparisons(regressions, compareRatios(earlier.scenarios, again)).filter(isRegression);
  }
  return regressions;
}

function writeJson(path: string, value: RunResult | RatioFile): void {
  mkdirSync(dirname(resolve(path)), { recursive: true });
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}

function pickRatios({ koor_bench, mode, scenarios }: RunResult): RatioFile {
  const rounded = (row: Row): RatioFile["scenarios"][number]["rows"][number] => ({
    name: row.name,
    client: row.client,
    ratios: row.ratios.map((ratio) => ({ ...ratio, value: Number(ratio.value.toPrecision(3)) })),
  });
  return {
    koor_bench,
    mode,
    scenarios: scenarios.map(({ scenario, rows }) => ({ scenario, rows: rows.map(rounded) })),
  };
}

function printRegressions(regressions: readonly Comparison[], file: string): void {
  if (regressions.length === 0) {
    process.stdout.write(`no ratio fell by more than half against ${file}\n`);
    return;
  }
  const lines = regressions.map(({ row, ratio, before, now }) => [row, ratio, before.toFixed(2), now.toFixed(2)]);
  process.stdout.write(
    `fell by more than half against ${file}:\n` +
      `${formatTable(["row", "ratio", "before", "now"], lines, new Set([0, 1]))}\n`,
  );
}

async function main(): Promise<number> {
  const options = parseOptions(
    process.argv.slice(2),
    SCENARIOS.map(({ name }) => name),
  );
  if (typeof options === "string") {
    process.stderr.write(`${options}\n${USAGE}\n`);
    return EXIT_USAGE;
  }
  if (options.help || options.list) {
    const names = SCENARIOS.map(({ name, measures }) => [name, measures]);
    process.stdout.write(`${options.help ? USAGE : formatTable(["scenario", "measures"], names, new Set([0, 1]))}\n`);
    return 0;
  }
  const earlier = options.compare === undefined ? undefined : readRatioFile(options.compare);
  if (typeof earlier === "string") {
    process.stderr.write(`${earlier}\n`);
    return EXIT_USAGE;
  }
  if (!existsSync(join(APP, "src/main.js"))) {
    process.stderr.write("the server is not built: run `npm run build` first\n");
    return EXIT_FAILED;
  }
  const settings = chooseSettings(options.quick);
  const tools = findTools();
  const progress = createProgress(process.stderr);
  const bench = new Bench(settings, tools, progress.show);
  process.once("SIGINT", () => process.exit(EXIT_INTERRUPTED));
  process.once("SIGTERM", () => process.exit(EXIT_TERMINATED));
  process.once("exit", () => bench.killAll());

  const startedMs = performance.now();
  const startedAt = new Date().toISOString();
  const clock = readCpuClock();
  const machine = describeMachine(tools, bench.makeDirectory("fsync"));
  const chosen = SCENARIOS.filter(({ name }) => options.only.length === 0 || options.only.includes(name));
  // The scenario runs with one transport directly after the other, so that both find the machine in the same state.
  const measurements = chosen.flatMap((scenario) =>
    options.transports.map((transport): Measurement => {
      const name = options.transports.length === 1 ? scenario.name : `${scenario.name} over ${transport}`;
      return { scenario, transport, name };
    }),
  );
  const outcome = await runMeasurements(bench, measurements, startedMs);
  const { scenarios, left_out } = outcome;
  const regressions = earlier === undefined ? [] : await findRegressions(bench, earlier, scenarios, measurements);
  progress.clear();

  const elapsedS = (performance.now() - startedMs) / MS_PER_S;
  const cpusElsewhere = countCpusElsewhere(clock, readCpuClock(), elapsedS * US_PER_S);
  const result: RunResult = {
    koor_bench: 1,
    mode: settings.mode,
    started_at: startedAt,
    elapsed_s: elapsedS,
    machine,
    ...(cpusElsewhere === undefined ? {} : { cpus_elsewhere: cpusElsewhere }),
    scenarios,
    left_out,
  };
  const out = options.out ?? join("bench/results", `${startedAt.replaceAll(":", "-")}.json`);
  writeJson(out, result);
  if (options.ratiosOut !== undefined) writeJson(options.ratiosOut, pickRatios(result));
  process.stdout.write(`${formatReport(result)}\n\n`);
  const targets = scenarios.flatMap(({ rows }) => rows.flatMap((row) => row.targets));
  process.stdout.write(
    `${targets.filter(isMet).length} of ${targets.length} targets met` +
      `${options.quick ? " (a quick run only indicates)" : ""}; written to ${out}\n`,
  );
  if (options.compare !== undefined) printRegressions(regressions, options.compare);
  return outcome.failed || regressions.length > 0 ? EXIT_FAILED : 0;
}

process.exitCode = await main();
