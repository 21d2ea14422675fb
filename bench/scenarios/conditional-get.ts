/**
 * Measures reads of a client that already has the value. The server answers 304 without a body. Runs in the bench
 * process.
 */
import { VALUE_ETAG } from "../load/requests.js";
import type { Scenario } from "../model.js";
import { measureThroughput, readRequests } from "../throughput.js";

export const conditionalGetScenario: Scenario = {
  name: "conditional-get",
  measures: "GET with If-None-Match, answered by 304",
  build: (bench) =>
    measureThroughput(bench, {
      what: "conditional GET",
      requests: readRequests().map((request) => ({ ...request, headers: { "If-None-Match": VALUE_ETAG } })),
      expectedStatus: 304,
    }),
};
