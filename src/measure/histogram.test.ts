/** Histograms against sorting by hand, and what the registry keeps of answers and commits. */
import * as fc from "fast-check";
import t from "tap";
import { BATCH_BOUNDS_CALLS, Histogram, LATENCY_BOUNDS_S, Registry } from "./registry.js";

t.test("a histogram counts each value in the first bucket that holds it", (t) => {
  for (const bounds of [LATENCY_BOUNDS_S, BATCH_BOUNDS_CALLS]) {
    t.same(
      bounds,
      bounds.toSorted((a, b) => a - b),
      "bounds rise",
    );
    t.equal(new Set(bounds).size, bounds.length);
    const anyValue = fc.oneof(
      fc.constantFrom(...bounds),
      fc.double({ min: 0, max: (bounds.at(-1) ?? 0) * 2, noNaN: true }),
    );
    const property = fc.property(fc.array(anyValue, { maxLength: 60 }), (values) => {
      const histogram = new Histogram(bounds);
      for (const value of values) histogram.observe(value);
      const expected = [...bounds, Number.POSITIVE_INFINITY].map(
        (bound, at) => values.filter((value) => value <= bound && (at === 0 || value > (bounds[at - 1] ?? 0))).length,
      );
      const sum = values.reduce((total, value) => total + value, 0);
      return (
        JSON.stringify([...histogram.counts]) === JSON.stringify(expected) &&
        histogram.count === values.length &&
        histogram.sum === sum
      );
    });
    t.doesNotThrow(() => fc.assert(property));
  }
  t.end();
});

t.test("answers are counted by route and status", (t) => {
  const registry = new Registry();
  const get = registry.addRoute("state.get");
  const put = registry.addRoute("state.put");
  t.same(registry.routes, [get, put]);
  const property = fc.property(
    fc.array(fc.tuple(fc.constantFrom(200, 304, 404), fc.constantFrom(0.5, 1, 2)), { maxLength: 40 }),
    (answers) => {
      const route = new Registry().addRoute("any");
      for (const [status, seconds] of answers) route.record(status, seconds);
      const counted = [...route.by_status].map(([status, histogram]) => [status, histogram.count, histogram.sum]);
      const expected = [...new Set(answers.map(([status]) => status))].map((status) => {
        const times = answers.filter((answer) => answer[0] === status).map((answer) => answer[1]);
        return [status, times.length, times.reduce((total, time) => total + time, 0)];
      });
      return JSON.stringify(counted) === JSON.stringify(expected);
    },
  );
  t.doesNotThrow(() => fc.assert(property));
  get.record(200, 0.001);
  t.equal(put.by_status.size, 0, "routes do not mix");
  t.end();
});

t.test("a commit's notice, and the reset of the token tax", (t) => {
  const registry = new Registry();
  registry.recordCommit({ calls: 3, duration_us: 1500, waiting: 7, state_keys: 11 });
  t.same([registry.batch_calls.count, registry.batch_calls.sum], [1, 3]);
  t.same([registry.commit_seconds.count, registry.commit_seconds.sum], [1, 0.0015]);
  t.same([registry.writer_waiting, registry.state_keys], [7, 11]);
  registry.rest_calls = 5;
  registry.mcp_calls = 2;
  registry.events_published = 9;
  registry.resetTokenTax();
  t.same(
    [registry.rest_calls, registry.mcp_calls, registry.events_published, registry.state_keys],
    [0, 0, 9, 11],
    "nothing else is reset",
  );
  t.end();
});
