/** Tests sums, histograms and quantiles of samples, with boundary cases. */
import t from "tap";
import type { Sample } from "../../platform/measure/sample-set.js";
import { added, hasLabel, histogramOf, quantile, total } from "./samples.js";

t.test("samples are summed, all or those with a label", (t) => {
  const samples = new Map([
    [
      "fish",
      [
        { labels: { pond: "north" }, value: 2 },
        { labels: { pond: "south" }, value: 3 },
      ],
    ],
  ]);
  t.equal(total(samples, "fish"), 5);
  t.equal(total(samples, "fish", hasLabel("pond", "south")), 3);
  t.equal(total(samples, "fish", hasLabel("pond", "east")), 0);
  t.equal(total(samples, "frogs"), null, "the metric is unknown");
  t.end();
});

t.test("bounds of histograms are read as numbers and as text", (t) => {
  const bucket = (le: string | number, value: number): Sample => ({ labels: { le }, value });
  const rows = [bucket("+Inf", 5), bucket(0.5, 1), bucket("1", 2), bucket("0.5", 1)];
  t.same(histogramOf(new Map([["depth_bucket", rows]]), "depth"), {
    bounds: [0.5, 1, Number.POSITIVE_INFINITY],
    below: [2, 2, 5],
  });
  t.end();
});

t.test("quantiles are defined at their edges", (t) => {
  t.equal(quantile({ bounds: [], below: [] }, 0.5), null);
  t.equal(quantile({ bounds: [1, Number.POSITIVE_INFINITY], below: [0, 0] }, 0.5), null);
  t.equal(quantile({ bounds: [Number.POSITIVE_INFINITY], below: [3] }, 0.5), 0);
  t.equal(quantile({ bounds: [1, 2, Number.POSITIVE_INFINITY], below: [4, 4, 4] }, 1), 1, "upper buckets are empty");
  t.same(
    added({ bounds: [1, 2], below: [3, 5] }, { bounds: [1, 2], below: [3, 4] }).below,
    [0, 1],
    "only values between the scrapes count",
  );
  t.end();
});
