/**
 * Measures reads of stored values. The requests read every key in turn, and the answers contain the whole value. Runs
 * in the bench process.
 */
import { getRequest, keyNumbers, keyOf } from "../load/requests.js";
import type { Scenario } from "../model.js";
import { atLeast, measureThroughput, readRequests } from "../throughput.js";

export const getScenario: Scenario = {
  name: "get",
  measures: "GET of a 270-byte value",
  build: (bench) =>
    measureThroughput(bench, {
      what: "GET",
      requests: readRequests(),
      wrkRequests: [getRequest(keyOf(0))],
      expectedStatus: 200,
      redis: keyNumbers().map((index) => ["GET", keyOf(index)]),
      redisTest: "get",
      targets: ({ connections, rateTo }) =>
        connections === 64
          ? [
              atLeast("rate to Redis GET", rateTo.get("Redis"), 1),
              atLeast("rate to raw uWS", rateTo.get("raw uWS"), 0.7),
            ]
          : [],
    }),
};
