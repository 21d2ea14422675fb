/** Measures a mix of nine reads for each durable write, over the same keys. Runs in the bench process. */
import { getRequest, keyNumbers, keyOf, putRequest, VALUE } from "../load/requests.js";
import type { Scenario } from "../model.js";
import { measureThroughput } from "../throughput.js";

const WRITE_EVERY = 10;

function isWrite(index: number): boolean {
  return index % WRITE_EVERY === WRITE_EVERY - 1;
}

export const mixScenario: Scenario = {
  name: "mix",
  measures: "90 % GET, 10 % durable PUT",
  build: (bench) =>
    measureThroughput(bench, {
      what: "90/10 mix",
      requests: keyNumbers().map((index) => (isWrite(index) ? putRequest(keyOf(index)) : getRequest(keyOf(index)))),
      expectedStatus: 200,
      redis: keyNumbers().map((index) => (isWrite(index) ? ["SET", keyOf(index), VALUE] : ["GET", keyOf(index)])),
    }),
};
