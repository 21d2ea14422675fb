/** Tests that a long text is shortened to its beginning, and that no character is split. */
import t from "tap";
import { QUOTED_CHARACTERS_MAX } from "../schemas/limits/names.js";
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
