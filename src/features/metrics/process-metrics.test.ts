/** Tests the metrics of the process: each exists once, with the right type and value. */
import t from "tap";
import { VERSION } from "../../../schemas/version.js";
import { parseExposition } from "../../../test/support/exposition.js";
import { Exposition } from "../../platform/measure/exposition.js";
import { ProcessMetrics } from "./process-metrics.js";

/** The time for which the test blocks the event loop. It is longer than the delay of a timer on a busy machine. */
const BLOCKED_MS = 600;

t.test("every metric exists once, with its type", (t) => {
  const metrics = new ProcessMetrics({ walBytes: () => 7, runtime: { sqlite: "some way" }, uptimeMs: () => 1500 });
  const out = new Exposition();
  metrics.expose(out);
  const families = parseExposition(out.text());
  const types: Readonly<Record<string, string>> = {
    koor_wal_bytes: "gauge",
    process_resident_memory_bytes: "gauge",
    nodejs_heap_used_bytes: "gauge",
    process_cpu_seconds_total: "counter",
    koor_build_info: "gauge",
    koor_runtime_info: "gauge",
    koor_uptime_seconds: "gauge",
    koor_event_loop_delay_seconds: "summary",
    koor_event_loop_delay_max_seconds: "gauge",
  };
  t.same(Object.fromEntries([...families].map(([name, { type }]) => [name, type])), types);
  const value = (name: string): number => families.get(name)?.samples[0]?.value ?? Number.NaN;
  t.equal(value("koor_wal_bytes"), 7);
  t.equal(value("koor_uptime_seconds"), 1.5);
  t.same(families.get("koor_build_info")?.samples, [
    { name: "koor_build_info", labels: { version: VERSION }, value: 1 },
  ]);
  t.same(families.get("koor_runtime_info")?.samples, [
    { name: "koor_runtime_info", labels: { node: process.versions.node, sqlite: "some way" }, value: 1 },
  ]);
  t.ok(value("process_resident_memory_bytes") > value("nodejs_heap_used_bytes"));
  t.ok(value("process_cpu_seconds_total") > 0);
  t.same(
    families.get("koor_event_loop_delay_seconds")?.samples.map(({ labels }) => labels["quantile"]),
    ["0.5", "0.99"],
  );
  t.ok(value("koor_event_loop_delay_max_seconds") >= 0);
  t.end();
});

t.test("a second reader does not change the first one's values", async (t) => {
  let uptimeMs = 0;
  const metrics = new ProcessMetrics({ walBytes: () => 0, runtime: {}, uptimeMs: () => uptimeMs });
  const longest = (): number => {
    const out = new Exposition();
    metrics.expose(out);
    return parseExposition(out.text()).get("koor_event_loop_delay_max_seconds")?.samples[0]?.value ?? Number.NaN;
  };
  // Block the loop until the delay is measured. The delay is measured between two runs of a timer. If the timer has not
  // run before the loop is blocked, the loop must be blocked again.
  while (longest() < BLOCKED_MS / 2_000) {
    const beganMs = performance.now();
    while (performance.now() - beganMs < BLOCKED_MS);
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
  const delay = longest();
  t.equal(longest(), delay, "while the window is young, every reader gets it");
  uptimeMs = 10_000;
  t.ok(longest() >= delay, "the window is over, and reported as a whole");
  uptimeMs = 15_000;
  t.ok(longest() >= delay, "also to a reader soon after");
  uptimeMs = 20_000;
  t.ok(longest() < delay, "then the next window is reported");
  t.end();
});
