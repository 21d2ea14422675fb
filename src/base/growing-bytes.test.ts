/** Tests that the bytes of all texts are kept while the buffer grows. */
import * as fc from "fast-check";
import t from "tap";
import { GrowingBytes } from "./growing-bytes.js";

t.test("the bytes are those of the joined texts", (t) => {
  const large = "ü€\u{1F69A}".repeat(100_000);
  const property = fc.property(fc.array(fc.oneof(fc.string({ unit: "grapheme" }), fc.constant(large))), (texts) => {
    const bytes = new GrowingBytes();
    for (const text of texts) bytes.add(text);
    return bytes.end().equals(Buffer.from(texts.join("")));
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 50 }));
  t.end();
});
