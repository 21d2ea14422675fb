/**
 * Tests the text of a scrape with a parser of the Prometheus format. Checks the grammar, the histograms and the labels.
 */
import * as fc from "fast-check";
import t from "tap";
import { parseExposition } from "../../../test/support/exposition.js";
import { Exposition, type Measured } from "./exposition.js";
import { Histogram } from "./histogram.js";

/** A fake component with metrics, built like the components of the server. */
class Pond implements Measured {
  constructor(readonly depths: Histogram) {}

  expose(out: Exposition): void {
    out
      .value("pond_fish", "gauge", "Fish in it.", 3)
      .value("pond_caught_total", "counter", "Fish that were caught.", 10.25)
      .metric("pond_depth_metres", "histogram", "How deep they swim.")
      .histogram("pond_depth_metres", this.depths, { side: "north" })
      .metric("pond_warmth", "summary", "How warm it is.")
      .sample("pond_warmth", 0.001, { quantile: "0.5" })
      .sample("pond_warmth", 0.002, { quantile: "0.99" });
  }
}

function read(...measured: readonly Measured[]): ReturnType<typeof parseExposition> {
  const out = new Exposition();
  for (const one of measured) one.expose(out);
  return parseExposition(out.text());
}

t.test("every metric exists once, with its help and its type", (t) => {
  const families = read(new Pond(new Histogram([1])), {
    expose: (out) => void out.value("lake_fish", "gauge", "Fish elsewhere.", 0),
  });
  const expected: Readonly<Record<string, readonly [type: string, help: string, value: number]>> = {
    pond_fish: ["gauge", "Fish in it.", 3],
    pond_caught_total: ["counter", "Fish that were caught.", 10.25],
    lake_fish: ["gauge", "Fish elsewhere.", 0],
  };
  for (const [name, [type, help, value]] of Object.entries(expected))
    t.same(families.get(name), { type, help, samples: [{ name, labels: {}, value }] }, name);
  t.same(
    families.get("pond_warmth")?.samples.map(({ labels, value }) => [labels["quantile"], value]),
    [
      ["0.5", 0.001],
      ["0.99", 0.002],
    ],
  );
  t.same([...families.keys()].length, 5);
  t.end();
});

t.test("a histogram's buckets count values at or below their bound", (t) => {
  const depths = new Histogram([0.5, 1, 2]);
  for (const depth of [0.25, 0.5, 0.75, 2, 20]) depths.observe(depth);
  const samples = read(new Pond(depths)).get("pond_depth_metres")?.samples ?? [];
  t.ok(samples.every(({ labels }) => labels["side"] === "north"));
  t.same(
    samples.map(({ name, labels, value }) => [name.slice("pond_depth_metres".length), labels["le"], value]),
    [
      ["_bucket", "0.5", 2],
      ["_bucket", "1", 3],
      ["_bucket", "2", 4],
      ["_bucket", "+Inf", 5],
      ["_sum", undefined, 23.5],
      ["_count", undefined, 5],
    ],
  );
  t.end();
});

t.test("label values are escaped", (t) => {
  const label = fc.oneof(
    fc.constant('a"b\\c\nd'),
    fc.string(),
    fc.string({ unit: fc.constantFrom("\\", '"', "\n", "n") }),
  );
  const property = fc.property(label, (value) => {
    const families = read({
      expose: (out) => void out.metric("pond_fish", "gauge", "Fish in it.").sample("pond_fish", 1, { kind: value }),
    });
    return families.get("pond_fish")?.samples[0]?.labels["kind"] === value;
  });
  t.doesNotThrow(() => fc.assert(property));
  t.end();
});
