/** Tests the metrics of answers by route, status and protocol, and their exposition. */
import * as fc from "fast-check";
import t from "tap";
import { parseExposition } from "../../../test/support/exposition.js";
import { Exposition } from "../measure/exposition.js";
import { LATENCY_BOUNDS_S } from "../measure/histogram.js";
import { RequestMetrics } from "./request-metrics.js";

function read(metrics: RequestMetrics): ReturnType<typeof parseExposition> {
  const out = new Exposition();
  metrics.expose(out);
  return parseExposition(out.text());
}

t.test("answers are counted by route and status", (t) => {
  const metrics = new RequestMetrics();
  const get = metrics.addRoute("state.get");
  const put = metrics.addRoute("state.put");
  const property = fc.property(
    fc.array(fc.tuple(fc.constantFrom(200, 304, 404), fc.constantFrom(0.5, 1, 2)), { maxLength: 40 }),
    (answers) => {
      const route = new RequestMetrics().addRoute("any");
      for (const [status, seconds] of answers) route.record(status, seconds);
      const counted = [...route.byStatus].map(([status, histogram]) => [status, histogram.count, histogram.sum]);
      const expected = [...new Set(answers.map(([status]) => status))].map((status) => {
        const times = answers.filter((answer) => answer[0] === status).map((answer) => answer[1]);
        return [status, times.length, times.reduce((total, time) => total + time, 0)];
      });
      return JSON.stringify(counted) === JSON.stringify(expected);
    },
  );
  t.doesNotThrow(() => fc.assert(property));
  get.record(200, 0.001);
  t.equal(put.byStatus.size, 0, "routes do not mix");
  t.same(
    read(metrics)
      .get("koor_http_requests_total")
      ?.samples.map(({ labels }) => labels["route"]),
    ["state.get"],
  );
  t.end();
});

t.test("requests by route and status, with their latencies", (t) => {
  const metrics = new RequestMetrics();
  const get = metrics.addRoute("state.get");
  metrics.addRoute("never.called");
  for (const seconds of [0.00005, 0.0001, 0.003, 20]) get.record(200, seconds);
  get.record(404, 0.01);
  get.record(200, 0.003);
  const families = read(metrics);
  t.same(
    families
      .get("koor_http_requests_total")
      ?.samples.map(({ labels, value }) => [labels["route"], labels["status"], value]),
    [
      ["state.get", "200", 5],
      ["state.get", "404", 1],
    ],
  );
  const buckets =
    families
      .get("koor_http_request_duration_seconds")
      ?.samples.filter(({ name, labels }) => name.endsWith("_bucket") && labels["status"] === "200") ?? [];
  t.same(
    buckets.map(({ labels }) => labels["le"]),
    [...LATENCY_BOUNDS_S.map(String), "+Inf"],
  );
  const below = (bound: string): number | undefined => buckets.find(({ labels }) => labels["le"] === bound)?.value;
  t.equal(below("0.0001"), 2, "a bound counts what equals it");
  t.equal(below("0.0025"), 2);
  t.equal(below("0.005"), 4);
  t.equal(below("10"), 4);
  t.equal(below("+Inf"), 5);
  const sum = families
    .get("koor_http_request_duration_seconds")
    ?.samples.find(({ name, labels }) => name.endsWith("_sum") && labels["status"] === "200");
  t.ok(Math.abs((sum?.value ?? 0) - 20.00615) < 1e-9);
  t.end();
});

t.test("calls by plane, refusals without a token, and requests in flight", (t) => {
  const metrics = new RequestMetrics();
  Object.assign(metrics, { restCalls: 11, mcpCalls: 12, unauthenticated: 13, inFlight: 4 });
  const calls = (): unknown =>
    read(metrics)
      .get("koor_calls_total")
      ?.samples.map(({ labels, value }) => [labels["plane"], value]);
  const families = read(metrics);
  t.match(families.get("koor_http_requests_in_flight"), { type: "gauge", samples: [{ labels: {}, value: 4 }] });
  t.match(families.get("koor_http_unauthenticated_total"), { type: "counter", samples: [{ labels: {}, value: 13 }] });
  t.equal(families.get("koor_calls_total")?.type, "counter");
  t.same(calls(), [
    ["rest", 11],
    ["mcp", 12],
  ]);
  metrics.resetCalls();
  t.same(calls(), [
    ["rest", 0],
    ["mcp", 0],
  ]);
  t.same([metrics.unauthenticated, metrics.inFlight], [13, 4], "nothing else is reset");
  t.end();
});

t.test("a route's name is a label, escaped as one", (t) => {
  const metrics = new RequestMetrics();
  metrics.addRoute('a"b\\c\nd').record(200, 0.1);
  const [sample] = read(metrics).get("koor_http_requests_total")?.samples ?? [];
  t.equal(sample?.labels["route"], 'a"b\\c\nd');
  t.end();
});
