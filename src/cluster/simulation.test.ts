/**
 * Replicas over a log that loses, delays, doubles and breaks off, in random runs: a run's seed says all of it, and is
 * said where it fails.
 */
import t from "tap";
import { Simulation, type SimulationFault } from "../../test/cluster/simulation.js";
import { countRounds } from "../../test/support/effort.js";
import { newSeed } from "../../test/support/random.js";

const RUNS = countRounds(500, 10_000);

t.test(`${RUNS} random runs of one to three replicas`, async (t) => {
  const base = Number(process.env["KOOR_TEST_SEED"] ?? newSeed());
  const runs = process.env["KOOR_TEST_SEED"] === undefined ? RUNS : 1;
  let fault: SimulationFault | null = null;
  for (let at = 0; at < runs && fault === null; at++) {
    const seed = (base + at) >>> 0;
    fault = await new Simulation(seed, 1 + (seed % 3)).play(60 + (seed % 140));
  }
  t.equal(fault, null, fault === null ? "all as one writer alone" : `KOOR_TEST_SEED=${fault.seed}: ${fault.what}`);
});
