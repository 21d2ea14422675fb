/**
 * Works on one server for minutes, at half of the rate that it can serve: nothing that was acknowledged is lost, each
 * event arrives, and the memory of the server does not grow. For an hour of it:
 * `KOOR_SOAK_MINUTES=60 npm run test:long -- soak`.
 */
import { fileURLToPath } from "node:url";
import t from "tap";
import { SOAK_MINUTES } from "./support/every-file.js";
import { readMetric } from "./support/metrics.js";
import { startKoor, type Koor } from "./support/server-process.js";
import { SoakLoad } from "./support/soak-load.js";
import { longFormOnly } from "./support/test-size.js";

const PROGRAM = fileURLToPath(new URL("./threads/collecting-server.js", import.meta.url));
const MINUTES = SOAK_MINUTES > 0 ? SOAK_MINUTES : 1;
/** The time is divided into these; the memory is read after each. */
const SEGMENTS = 12;
/** Caches and tables fill meanwhile: history and events of the server are bounded by 1000 here. */
const WARM_UP_SEGMENTS = 4;
const MEASURE_MS = 3_000;
/** The load of the soak, as a part of what the server can serve. */
const LOAD = 0.5;
/** The growth of the front's heap, after a collection, from the end of the warm-up to the end. */
const GROWTH_BYTES_MAX = 4_000_000;
/** The growth of the process in the same time. V8 and SQLite keep memory that they have once used. */
const RESIDENT_GROWTH_BYTES_MAX = 64 * 2 ** 20;

/** Returns the live bytes on the front after a collection. */
async function collected(koor: Koor, segment: number): Promise<number> {
  koor.process.kill("SIGUSR2");
  const [, bytes] = await koor.logged(new RegExp(`^collection ${segment}: (\\d+) bytes$`, "m"));
  return Number(bytes);
}

/** The median of the slopes between all pairs of values (Theil–Sen), which single outliers do not change. */
function slopeOf(values: readonly number[]): number {
  const slopes = values
    .flatMap((value, at) => values.slice(at + 1).map((later, after) => (later - value) / (after + 1)))
    .toSorted((one, other) => one - other);
  return slopes[Math.floor(slopes.length / 2)] ?? 0;
}

t.test(`${MINUTES} minutes at half load`, { skip: longFormOnly() }, async (t) => {
  const args = ["--event-history", "1000", "--state-history", "20", "--task-retention", "1s", "--log-level", "info"];
  const koor = await startKoor(t, { program: PROGRAM, args });
  const load = await SoakLoad.start(t, koor.port);
  const rate = await load.measureRate(MEASURE_MS);
  t.comment(`${Math.round(rate)} calls in a second at most; half of that for ${MINUTES} minutes`);
  const heaps: number[] = [];
  const resident: number[] = [];
  for (let segment = 0; segment < SEGMENTS; segment++) {
    await load.run((MINUTES * 60_000) / SEGMENTS, rate * LOAD);
    t.same(await load.findLosses(), [], `nothing is lost after segment ${segment + 1}`);
    heaps.push(await collected(koor, segment));
    resident.push(await readMetric(koor.port, "process_resident_memory_bytes"));
  }
  t.same(load.problems, []);
  for (const [what, values, most] of [
    ["heap", heaps, GROWTH_BYTES_MAX],
    ["resident", resident, RESIDENT_GROWTH_BYTES_MAX],
  ] as const) {
    t.comment(`${what}: ${values.map((bytes) => (bytes / 2 ** 20).toFixed(1)).join(" ")} MiB`);
    const after = values.slice(WARM_UP_SEGMENTS);
    const growth = slopeOf(after) * (after.length - 1);
    t.ok(growth < most, `${what}: ${Math.round(growth)} bytes more after ${load.done} calls`);
  }
  t.same(koor.complaints(), []);
  t.equal(await koor.stop(), 0);
});
