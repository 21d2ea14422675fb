/** Measures durable writes. Each write goes to another key than the previous one. Runs in the bench process. */
import { keyNumbers, keyOf, putRequest, VALUE } from "../load/requests.js";
import type { Scenario } from "../model.js";
import { measureThroughput } from "../throughput.js";
import { durableWriteTargets } from "./durable-write-targets.js";

export const putDistinctKeysScenario: Scenario = {
  name: "put-distinct-keys",
  measures: "durable PUT, round robin over 1 000 keys",
  build: (bench) =>
    measureThroughput(bench, {
      what: "PUT on distinct keys",
      requests: keyNumbers().map((index) => putRequest(keyOf(index))),
      expectedStatus: 200,
      redis: keyNumbers().map((index) => ["SET", keyOf(index), VALUE]),
      redisTest: "set",
      sqlite: "put",
      targets: durableWriteTargets,
    }),
};
