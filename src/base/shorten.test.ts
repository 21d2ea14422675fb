/** Tests how an answer shortens a long text: it repeats only the beginning, and never a part of a character. */
import t from "tap";
import { QUOTED_CHARACTERS_MAX, REFUSAL_CHARACTERS_MAX } from "../../schemas/limits/names.js";
import { invalid } from "./result.js";
import { shorten } from "./shorten.js";

t.test("a text is truncated at its bound, and no character is split", (t) => {
  for (const [text, most, shown] of [
    ["", 1, ""],
    ["abc", 3, "abc"],
    ["abcd", 3, "abc…"],
    ["ab\u{1f600}", 4, "ab\u{1f600}"],
    ["ab\u{1f600}c", 4, "ab\u{1f600}…"],
    ["ab\u{1f600}c", 3, "ab…"],
  ] as const)
    t.equal(shorten(text, most), shown, JSON.stringify(text));
  t.equal(shorten("x".repeat(4_000_000)), `${"x".repeat(QUOTED_CHARACTERS_MAX)}…`);
  t.end();
});

t.test("no refusal is longer than its bound, whatever it repeats", (t) => {
  const { message } = invalid(`unknown: ${"x".repeat(4_000_000)}`);
  t.equal(message.length, REFUSAL_CHARACTERS_MAX + 1);
  t.match(message, /^unknown: x+…$/);
  t.end();
});
