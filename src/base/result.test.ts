/** Tests that a rejection quotes only the beginning of a long text. */
import t from "tap";
import { REFUSAL_CHARACTERS_MAX } from "../../schemas/limits/names.js";
import { invalid } from "./result.js";

t.test("no refusal is longer than its bound, whatever it repeats", (t) => {
  const { message } = invalid(`unknown: ${"x".repeat(4_000_000)}`);
  t.equal(message.length, REFUSAL_CHARACTERS_MAX + 1);
  t.match(message, /^unknown: x+…$/);
  t.end();
});
