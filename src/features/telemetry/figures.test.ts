/** Tests how metrics are converted to plain data, with a component that the test defines. */
import t from "tap";
import { Histogram } from "../../platform/measure/histogram.js";
import type { Exposition } from "../../platform/measure/exposition.js";
import { readFigures } from "./figures.js";

t.test("each kind of metric", (t) => {
  const histogram = new Histogram([1, 2]);
  for (const value of [0.5, 1.5, 1.7, 9]) histogram.observe(value);
  const pond = {
    expose: (out: Exposition): void => {
      out
        .value("pond_fish", "gauge", "Fish.", 3)
        .metric("pond_visits_total", "counter", "Visits.")
        .sample("pond_visits_total", 2, { by: "heron" })
        .metric("pond_depth_metres", "histogram", "Depth.")
        .histogram("pond_depth_metres", histogram, { side: "north" })
        .metric("pond_warmth", "summary", "Warmth.")
        .sample("pond_warmth", 7, { quantile: "0.5" })
        .sample("pond_warmth", Number.NaN, { quantile: "0.99" })
        .sample("pond_warmth_sum", 21)
        .sample("pond_warmth_count", 3)
        .metric("pond_ice", "gauge", "Ice.");
    },
  };
  const histograms: never[] = [];
  t.same(readFigures([pond]), [
    { name: "pond_fish", help: "Fish.", type: "gauge", points: [{ labels: {}, value: 3 }], histograms },
    {
      name: "pond_visits_total",
      help: "Visits.",
      type: "counter",
      points: [{ labels: { by: "heron" }, value: 2 }],
      histograms,
    },
    {
      name: "pond_depth_metres",
      help: "Depth.",
      type: "histogram",
      points: [],
      histograms: [{ labels: { side: "north" }, bounds: [1, 2], counts: [1, 2, 1], sum: 12.7, count: 4 }],
    },
    {
      name: "pond_warmth",
      help: "Warmth.",
      type: "gauge",
      points: [{ labels: { quantile: "0.5" }, value: 7 }],
      histograms,
    },
    { name: "pond_warmth_sum", help: "Warmth.", type: "counter", points: [{ labels: {}, value: 21 }], histograms },
    { name: "pond_warmth_count", help: "Warmth.", type: "counter", points: [{ labels: {}, value: 3 }], histograms },
  ]);
  t.end();
});
