/** Tests the JSON of a series of sums. Also tests the error for a series that is too long for an answer. */
import t from "tap";
import { USAGE_SERIES_INTERVALS_MAX, USAGE_SERIES_SUMS_MAX } from "../../../schemas/limits/usage.js";
import { Failure } from "../../base/result.js";
import { encodeSeries, type IntervalTotals } from "./series.js";

const HOUR_MS = 3_600_000;
const BEGIN_MS = Date.UTC(2026, 10, 22, 14);

function sumOf(hour: number, name: string): IntervalTotals {
  return {
    start_ms: BEGIN_MS + hour * HOUR_MS,
    group: [name, { tokens_in: 2n ** 60n, tokens_out: 1n, cost_usd: 0.3, requests: 2 }],
  };
}

t.test("one entry for each interval, with its groups", (t) => {
  t.equal(encodeSeries([], "hour"), "[]");
  const totals = '{"total_tokens_in":1152921504606846976,"total_tokens_out":1,"total_cost_usd":0.3,"request_count":2}';
  t.equal(
    encodeSeries([sumOf(0, ""), sumOf(0, "__proto__"), sumOf(3, 'a"b')], "hour"),
    `[{"from":"2026-11-22T14:00:00.000Z","groups":{"":${totals},"__proto__":${totals}}},` +
      `{"from":"2026-11-22T17:00:00.000Z","groups":{"a\\"b":${totals}}}]`,
  );
  t.end();
});

t.test("a series at its bounds is complete, and beyond them a refusal says what to request", (t) => {
  const hours = (count: number) => Array.from({ length: count }, (_, hour) => sumOf(hour, "p"));
  t.notOk(encodeSeries(hours(USAGE_SERIES_INTERVALS_MAX), "hour") instanceof Failure);
  const many = hours(USAGE_SERIES_INTERVALS_MAX + 1);
  t.match(encodeSeries(many, "hour"), {
    http: 400,
    message: "the series would have more than 1000 hours with usage: take a larger interval or a smaller range",
  });
  t.match(encodeSeries(many, "day"), {
    http: 400,
    message: "the series would have more than 1000 days with usage: take a smaller range",
  });
  const groups = Array.from({ length: USAGE_SERIES_SUMS_MAX }, (_, at) => sumOf(0, `tag ${at}`));
  t.notOk(encodeSeries(groups, "day") instanceof Failure);
  t.match(encodeSeries([...groups, sumOf(1, "one more")], "hour"), {
    http: 400,
    message: "the series would have more than 20000 sums of groups: take a larger interval or a smaller range",
  });
  t.end();
});

t.test("a series is read only as far as its bytes fit", (t) => {
  let read = 0;
  function* endless(): Generator<IntervalTotals, void, undefined> {
    for (;;) yield sumOf(0, `${"x".repeat(100)}${read++}`);
  }
  t.match(encodeSeries(endless(), "day", 1000), {
    http: 400,
    message: "the series would have more than 1000 bytes: take a smaller range",
  });
  t.ok(read < 10, `${read} sums were read`);
  t.end();
});
