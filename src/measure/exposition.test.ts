/** The text of a scrape, read back by a parser of the format: its grammar, its histograms, and each figure where it belongs. */
import t from "tap";
import { expose, type Gauges } from "./prometheus.js";
import { parseExposition } from "../../test/support/exposition.js";
import { BATCH_BOUNDS_CALLS, LATENCY_BOUNDS_S, Registry } from "./registry.js";

const GAUGES: Gauges = {
  version: "1.2.3",
  last_event_id: 21,
  uptime_seconds: 1.5,
  subscribers: 2,
  instances: { pending: 20, active: 21, stale: 22 },
  patterns: 3,
  in_flight: 4,
  writer_in_flight: 5,
  pool_waiting: 6,
  wal_bytes: 7,
  resident_bytes: 8,
  heap_bytes: 9,
  cpu_seconds: 10.25,
  loop_delay_seconds: { p50: 0.001, p99: 0.002, max: 0.003 },
};

t.test("every figure is there, once, with its help and its type", (t) => {
  const registry = new Registry();
  Object.assign(registry, {
    rest_calls: 11,
    mcp_calls: 12,
    unauthenticated: 13,
    events_published: 14,
    events_delivered: 15,
    events_dropped: 16,
    writer_restarts: 17,
    writer_waiting: 18,
    state_keys: 19,
  });
  const families = parseExposition(expose(registry, GAUGES));
  const expected: Readonly<Record<string, readonly [type: string, value: number]>> = {
    koor_http_requests_in_flight: ["gauge", 4],
    koor_http_unauthenticated_total: ["counter", 13],
    koor_state_keys: ["gauge", 19],
    koor_subscribers: ["gauge", 2],
    koor_subscriber_patterns: ["gauge", 3],
    koor_events_published_total: ["counter", 14],
    koor_events_delivered_total: ["counter", 15],
    koor_events_dropped_total: ["counter", 16],
    koor_writer_in_flight: ["gauge", 5],
    koor_writer_queue_depth: ["gauge", 18],
    koor_writer_restarts_total: ["counter", 17],
    koor_pool_queue_depth: ["gauge", 6],
    koor_wal_bytes: ["gauge", 7],
    process_resident_memory_bytes: ["gauge", 8],
    nodejs_heap_used_bytes: ["gauge", 9],
    process_cpu_seconds_total: ["counter", 10.25],
    koor_uptime_seconds: ["gauge", 1.5],
    koor_last_event_id: ["gauge", 21],
    koor_event_loop_delay_max_seconds: ["gauge", 0.003],
  };
  for (const [name, [type, value]] of Object.entries(expected)) {
    t.equal(families.get(name)?.type, type, name);
    t.same(families.get(name)?.samples, [{ name, labels: {}, value }], name);
  }
  t.same(families.get("koor_build_info")?.samples, [
    { name: "koor_build_info", labels: { version: "1.2.3" }, value: 1 },
  ]);
  t.same(
    families.get("koor_calls_total")?.samples.map(({ labels, value }) => [labels["plane"], value]),
    [
      ["rest", 11],
      ["mcp", 12],
    ],
  );
  t.same(
    families.get("koor_event_loop_delay_seconds")?.samples.map(({ labels, value }) => [labels["quantile"], value]),
    [
      ["0.5", 0.001],
      ["0.99", 0.002],
    ],
  );
  t.end();
});

t.test("requests by route and status, with their latencies", (t) => {
  const registry = new Registry();
  const get = registry.addRoute("state.get");
  registry.addRoute("never.called");
  for (const seconds of [0.00005, 0.0001, 0.003, 20]) get.record(200, seconds);
  get.record(404, 0.01);
  get.record(200, 0.003);
  const families = parseExposition(expose(registry, GAUGES));
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

t.test("the writer's batches", (t) => {
  const registry = new Registry();
  registry.recordCommit({ calls: 1, duration_us: 900, waiting: 3, state_keys: 5 });
  registry.recordCommit({ calls: 64, duration_us: 3000, waiting: 0, state_keys: 6 });
  const families = parseExposition(expose(registry, GAUGES));
  const batch = families.get("koor_writer_batch_calls")?.samples ?? [];
  t.equal(batch.filter(({ name }) => name.endsWith("_bucket")).length, BATCH_BOUNDS_CALLS.length + 1);
  t.match(
    batch.filter(({ name }) => !name.endsWith("_bucket")),
    [
      { name: "koor_writer_batch_calls_sum", value: 65 },
      { name: "koor_writer_batch_calls_count", value: 2 },
    ],
  );
  const commit = families.get("koor_writer_commit_seconds")?.samples ?? [];
  t.ok(Math.abs((commit.find(({ name }) => name.endsWith("_sum"))?.value ?? 0) - 0.0039) < 1e-12, "in seconds");
  t.equal(families.get("koor_state_keys")?.samples[0]?.value, 6);
  t.equal(families.get("koor_writer_queue_depth")?.samples[0]?.value, 0);
  t.end();
});

t.test("label values are escaped", (t) => {
  const registry = new Registry();
  registry.addRoute('a"b\\c\nd').record(200, 0.1);
  const [sample] = parseExposition(expose(registry, GAUGES)).get("koor_http_requests_total")?.samples ?? [];
  t.equal(sample?.labels["route"], 'a"b\\c\nd');
  t.end();
});
