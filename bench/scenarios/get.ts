/** Measures reads of a stored value: every key in turn, whole answers. Runs in the bench process. */
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
