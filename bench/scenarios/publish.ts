/** Measures durable publishes of single events while there are no subscribers. Runs in the bench process. */
import { keyNumbers, keyOf, publishRequest, VALUE } from "../load/requests.js";
import type { Scenario } from "../model.js";
import { measureThroughput } from "../throughput.js";
import { durableWriteTargets } from "./durable-write-targets.js";

export const publishScenario: Scenario = {
  name: "publish",
  measures: "durable publish of one event, no subscribers",
  build: (bench) =>
    measureThroughput(bench, {
      what: "publish",
      requests: [publishRequest(1)],
      expectedStatus: 200,
      redis: keyNumbers().map((index) => ["SET", keyOf(index), VALUE]),
      redisTest: "set",
      sqlite: "publish",
      targets: durableWriteTargets,
    }),
};
