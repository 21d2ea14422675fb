/**
 * Measures the cost of a short command of the command line. It runs `koor status` against an idle server, in
 * alternation with `node -e 0`, which does nothing. The CPU time is the user and system time of the whole process. Runs
 * in the bench process.
 */
import { join } from "node:path";
import { APP, type Bench } from "../bench.js";
import { runTool } from "../load/run-tool.js";
import type { Row, Scenario } from "../model.js";
import { readChildrenCpuUs } from "../process-cost.js";
import { START_TIMEOUT_MS } from "../settings.js";
import { figuresOf, median, quotient, ratiosOf } from "../statistics.js";
import { startKoor } from "../targets/koor.js";
import { atMost } from "../throughput.js";

const PROGRAM = join(APP, "..", "..", "deploy", "bin", "koor.js");
const NODE_ALONE = "node -e 0";
/** The limit of a command's time, in multiples of the time of `node -e 0`. */
const COMMAND_TO_NODE_MAX = 1.4;

/**
 * The runs of one program. The CPU time is summed over all runs, because the system counts it in ticks, which are too
 * coarse for a single run.
 */
class Runs {
  readonly #bench: Bench;
  readonly #args: readonly string[];
  readonly #times: number[] = [];
  #cpuUs: number | undefined = 0;

  constructor(bench: Bench, args: readonly string[]) {
    this.#bench = bench;
    this.#args = args;
  }

  async run(): Promise<void> {
    const cpuBefore = readChildrenCpuUs();
    const beganMs = performance.now();
    await runTool(this.#bench, process.execPath, this.#args, START_TIMEOUT_MS);
    this.#times.push(performance.now() - beganMs);
    const cpuAfter = readChildrenCpuUs();
    this.#cpuUs =
      this.#cpuUs === undefined || cpuBefore === undefined || cpuAfter === undefined
        ? undefined
        : this.#cpuUs + cpuAfter - cpuBefore;
  }

  get commandMs(): number {
    return median(this.#times);
  }

  get cpuUs(): number | undefined {
    return this.#cpuUs === undefined ? undefined : this.#cpuUs / this.#times.length;
  }
}

async function* measureCliStart(bench: Bench): AsyncGenerator<Row> {
  bench.progress("koor status");
  const koor = await startKoor(bench);
  const command = new Runs(bench, [PROGRAM, "status", "--server", `http://127.0.0.1:${koor.port}`]);
  const alone = new Runs(bench, ["-e", "0"]);
  // The first run is not measured, because it writes the files that later runs read.
  await runTool(
    bench,
    process.execPath,
    [PROGRAM, "status", "--server", `http://127.0.0.1:${koor.port}`],
    START_TIMEOUT_MS,
  );
  for (let round = 0; round < bench.settings.commands; round++) {
    await alone.run();
    await command.run();
  }
  await bench.stop(koor.child);
  const time = quotient(command.commandMs, alone.commandMs);
  const cpu = quotient(command.cpuUs, alone.cpuUs);
  yield {
    name: "koor status",
    client: "",
    figures: figuresOf({ command_ms: command.commandMs, cpu_us: command.cpuUs }),
    references: [{ name: NODE_ALONE, figures: figuresOf({ command_ms: alone.commandMs, cpu_us: alone.cpuUs }) }],
    ratios: ratiosOf([
      { of: "time", to: NODE_ALONE, value: time, better: "lower", compared: true },
      { of: "CPU", to: NODE_ALONE, value: cpu, better: "lower", compared: true },
    ]),
    targets: [
      atMost(`koor status to ${NODE_ALONE}`, time, COMMAND_TO_NODE_MAX),
      atMost(`CPU of koor status to ${NODE_ALONE}`, cpu, COMMAND_TO_NODE_MAX),
    ].filter((target) => target !== undefined),
  };
}

export const cliStartScenario: Scenario = {
  name: "cli-start",
  measures: "a short command of the command line, beside Node alone",
  build: measureCliStart,
};
