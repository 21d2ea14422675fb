/** Compares previews of JSON with `JSON.stringify`, and tests values that `JSON.stringify` cannot write. */
import { assert, jsonValue, nat, property } from "fast-check";
import t from "tap";
import { jsonPreview } from "./json-preview.js";

t.test("a preview is the beginning of the JSON text", (t) => {
  assert(
    property(jsonValue(), nat(200), (made, charactersMax) => {
      const text = JSON.stringify(made);
      const value: unknown = JSON.parse(text);
      return jsonPreview(value) === JSON.stringify(value) && text.startsWith(jsonPreview(value, charactersMax));
    }),
  );
  t.equal(jsonPreview({ a: [1, "x"], b: null }, 8), '{"a":[1,');
  t.equal(jsonPreview("x".repeat(100), 10), `"${"x".repeat(9)}`);
  t.equal(jsonPreview(undefined), "null");
  t.end();
});

t.test("a value may be nested deeper than the stack allows", (t) => {
  const depth = 100_000;
  for (const text of [`${"[".repeat(depth)}${"]".repeat(depth)}`, `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`]) {
    const value: unknown = JSON.parse(text);
    t.throws(() => JSON.stringify(value), RangeError);
    t.ok(jsonPreview(value) === text);
    t.equal(jsonPreview(value, 1000), text.slice(0, 1000));
  }
  t.end();
});
