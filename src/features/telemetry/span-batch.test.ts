/** Tests that an event without computable spans does not affect the other events of its batch. */
import t from "tap";
import { computeBatch } from "./span-batch.js";
import type { SpanRecord } from "./span.js";

function spanNamed(name: SpanRecord["name"]): SpanRecord {
  const context = { traceId: "1", spanId: "1", sampled: true };
  return { name, context, parent: null, startMs: 0, endMs: 0, attributes: {}, error: null };
}

t.test("an event whose spans cannot be computed is skipped", (t) => {
  const spansOf = (text: string): SpanRecord[] => {
    if (text.startsWith("bad")) throw new Error(`${text} event`);
    return [spanNamed(text === "a" ? "claim" : "task")];
  };
  const { spans, skipped, reason } = computeBatch({ spansOf }, ["a", "bad", "b", "bad second"]);
  t.same(
    spans.map(({ name }) => name),
    ["claim", "task"],
  );
  t.equal(skipped, 2);
  t.equal(reason, "bad second event");
  t.match(computeBatch({ spansOf }, ["a"]), { skipped: 0, reason: null });
  t.end();
});
