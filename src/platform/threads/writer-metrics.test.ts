/** Tests the metrics of the writer's commits, and of the queues in which calls and jobs wait for a thread. */
import t from "tap";
import { parseExposition } from "../../../test/support/exposition.js";
import { Exposition } from "../measure/exposition.js";
import { BATCH_BOUNDS_CALLS } from "../measure/histogram.js";
import { WriterMetrics } from "./writer-metrics.js";

function read(metrics: WriterMetrics): ReturnType<typeof parseExposition> {
  const out = new Exposition();
  metrics.expose(out);
  return parseExposition(out.text());
}

t.test("the metrics of the writer's batches", (t) => {
  const metrics = new WriterMetrics({ depth: 0 }, { waiting: 0 });
  metrics.recordCommit({ calls: 1, duration_us: 900, waiting: 3 });
  t.equal(read(metrics).get("koor_writer_queue_depth")?.samples[0]?.value, 3);
  metrics.recordCommit({ calls: 64, duration_us: 3000, waiting: 0 });
  const families = read(metrics);
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
  t.equal(commit.find(({ name }) => name.endsWith("_count"))?.value, 2);
  t.equal(families.get("koor_writer_queue_depth")?.samples[0]?.value, 0);
  t.end();
});

t.test("the queue metrics are read when they are exposed, and restarts are counted", (t) => {
  const writer = { depth: 5 };
  const pool = { waiting: 6 };
  const metrics = new WriterMetrics(writer, pool);
  const figures = (): unknown =>
    ["koor_writer_in_flight", "koor_pool_queue_depth", "koor_writer_restarts_total"].map((name) => {
      const { type, samples } = read(metrics).get(name) ?? {};
      return [type, samples?.map(({ value }) => value)];
    });
  t.same(figures(), [
    ["gauge", [5]],
    ["gauge", [6]],
    ["counter", [0]],
  ]);
  writer.depth = 7;
  pool.waiting = 0;
  metrics.recordRestart();
  t.same(figures(), [
    ["gauge", [7]],
    ["gauge", [0]],
    ["counter", [1]],
  ]);
  t.end();
});
