/**
 * Measures the cost of an idle server: its resident memory, and the time from its start on an empty directory until the
 * first answer of /health. The references are the raw uWS server and `node -e 0`. Runs in the bench process.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Bench } from "../bench.js";
import { runTool } from "../load/run-tool.js";
import type { Figures, Row, Scenario } from "../model.js";
import { readResidentBytes } from "../process-cost.js";
import { START_TIMEOUT_MS } from "../settings.js";
import { figuresOf, median, quotient, ratiosOf } from "../statistics.js";
import { startKoor } from "../targets/koor.js";
import { startRawUws } from "../targets/raw-uws.js";
import { atMost } from "../throughput.js";

const NODE_ALONE = "node -e 0";
const RAW = "raw uWS";
const RESIDENT_MB_MAX = 120;
/**
 * The limit of the start time, in multiples of the time of `node -e 0` under Node 20. Newer versions of Node start in
 * half the time.
 */
const START_TO_NODE_MAX = 2.5;
const BYTES_PER_MB = 1e6;

interface Starts {
  readonly figures: Figures;
  readonly nodeMs: number;
}

/**
 * Starts Koor several times with one directory, in alternation with Node alone, so that both find the machine in the
 * same state. The last server then stays idle for a while.
 */
async function measureStarts(bench: Bench, dataDir: string): Promise<Starts> {
  const starts: number[] = [];
  const nodeAlone: number[] = [];
  let resident: number | undefined;
  for (let count = 1; count <= bench.settings.starts; count++) {
    nodeAlone.push(await measureNodeAlone(bench));
    const koor = await startKoor(bench, { data_dir: dataDir });
    starts.push(koor.startedMs);
    if (count === bench.settings.starts) {
      // The memory is read after a fixed idle time, because no event says when it has settled.
      await delay(bench.settings.idleMs);
      resident = readResidentBytes(koor.pid);
    }
    await bench.stop(koor.child);
  }
  const figures = figuresOf({
    start_ms: median(starts),
    slowest_start_ms: Math.max(...starts),
    resident_mb: resident === undefined ? undefined : resident / BYTES_PER_MB,
  });
  return { figures, nodeMs: median(nodeAlone) };
}

async function measureNodeAlone(bench: Bench): Promise<number> {
  const startedMs = performance.now();
  await runTool(bench, process.execPath, ["-e", "0"], START_TIMEOUT_MS);
  return performance.now() - startedMs;
}

/**
 * Measures the row of one data directory.
 * @param what describes the contents of the directory
 */
export async function measureIdleRow(bench: Bench, what: string, dataDir: string): Promise<Row> {
  bench.progress(`start and idle memory, ${what}`);
  const { figures, nodeMs } = await measureStarts(bench, dataDir);
  const raw = await startRawUws(bench);
  await delay(bench.settings.idleMs);
  const rawResident = readResidentBytes(raw.pid);
  await bench.stop(raw.child);
  const startToNode = quotient(figures["start_ms"], nodeMs);
  const rawMb = rawResident === undefined ? undefined : rawResident / BYTES_PER_MB;
  return {
    name: `start and idle, ${what}`,
    client: "",
    figures,
    references: [
      { name: NODE_ALONE, figures: figuresOf({ start_ms: nodeMs }) },
      { name: RAW, figures: figuresOf({ resident_mb: rawMb }) },
    ],
    ratios: ratiosOf([
      { of: "start", to: NODE_ALONE, value: startToNode, better: "lower", compared: true },
      { of: "memory", to: RAW, value: quotient(figures["resident_mb"], rawMb), better: "lower", compared: true },
    ]),
    targets: [
      atMost(`start to ${NODE_ALONE}`, startToNode, START_TO_NODE_MAX),
      atMost("resident_mb", figures["resident_mb"], RESIDENT_MB_MAX),
    ].filter((target) => target !== undefined),
  };
}

async function* measureIdle(bench: Bench): AsyncGenerator<Row> {
  yield await measureIdleRow(bench, "empty", bench.makeDirectory("idle"));
}

export const idleScenario: Scenario = {
  name: "idle",
  measures: "start to /health and resident memory of an idle server",
  build: measureIdle,
};
