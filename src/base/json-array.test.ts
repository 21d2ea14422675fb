/** Tests that the chunks of an array together equal the result of JSON.stringify, and that their size is bounded. */
import * as fc from "fast-check";
import t from "tap";
import { STREAM_CHUNK_CHARACTERS } from "../../schemas/limits/rpc.js";
import { encodeArray } from "./json-array.js";

t.test("the chunks joined are the array", (t) => {
  t.same([...encodeArray([])], ["[]"], "an empty one is one chunk");
  t.same([...encodeArray(["1"])], ["[1]"]);
  t.same([...encodeArray(["1", "[2]", "null"])], ["[1,[2],null]"]);
  const half = "x".repeat(STREAM_CHUNK_CHARACTERS / 2);
  const property = fc.property(fc.array(fc.oneof(fc.jsonValue(), fc.constant(half)), { maxLength: 12 }), (values) => {
    const chunks = [...encodeArray(values.map((value) => JSON.stringify(value)))];
    return chunks.join("") === JSON.stringify(values) && chunks.every((chunk) => chunk.length > 0);
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 200 }));
  t.end();
});

t.test("a chunk is sent as soon as it is long enough, and items are taken on demand", (t) => {
  let taken = 0;
  function* items(): Generator<string, void, undefined> {
    for (;;) {
      taken++;
      yield "0123456789";
    }
  }
  const chunks = encodeArray(items());
  const itemsOfChunk = Math.ceil(STREAM_CHUNK_CHARACTERS / 11);
  for (let chunk = 1; chunk <= 3; chunk++) {
    const text = chunks.next().value as string;
    t.ok(
      text.length >= STREAM_CHUNK_CHARACTERS && text.length < STREAM_CHUNK_CHARACTERS + 11,
      `chunk ${chunk} has ${text.length} characters`,
    );
    t.ok(taken <= itemsOfChunk * chunk, `${taken} items were taken`);
  }
  const large = "x".repeat(STREAM_CHUNK_CHARACTERS * 3);
  t.same([...encodeArray([large, large])], [`[${large}`, `,${large}`, "]"], "an item is never split");
  t.end();
});
