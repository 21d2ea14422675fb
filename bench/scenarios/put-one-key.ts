/**
 * Measures durable writes to a single key. Each write makes a new version of the same value. Runs in the bench process.
 */
import { keyOf, putRequest, VALUE } from "../load/requests.js";
import type { Scenario } from "../model.js";
import { measureThroughput } from "../throughput.js";

export const putOneKeyScenario: Scenario = {
  name: "put-one-key",
  measures: "durable PUT, always the same key",
  build: (bench) =>
    measureThroughput(bench, {
      what: "PUT on one key",
      requests: [putRequest(keyOf(0))],
      expectedStatus: 200,
      redis: [["SET", keyOf(0), VALUE]],
      sqlite: "put",
    }),
};
