/** Tests which part of a text is shown, and where its lines may break. */
import * as fc from "fast-check";
import t from "tap";
import {
  breakablePieces,
  SHOWN_LINES_MAX,
  SHOWN_RIGHT_TO_LEFT_MAX,
  shownPart,
  UNBROKEN_CHARACTERS_MAX,
} from "./shown-text.js";

t.test("usual texts are shown in one piece", (t) => {
  const usual = ["", "a word\nanother\n", "שלום עולם, 3 פעמים!\n".repeat(SHOWN_RIGHT_TO_LEFT_MAX / 2), "😀".repeat(50)];
  for (const text of usual) {
    t.equal(shownPart(text), text);
    t.same(breakablePieces(text), [text]);
  }
  t.end();
});

t.test("what takes a browser long is cut at a line or before a change of direction", (t) => {
  t.equal(shownPart("z\n".repeat(SHOWN_LINES_MAX + 1)), "z\n".repeat(SHOWN_LINES_MAX));
  t.equal(shownPart("aא".repeat(SHOWN_RIGHT_TO_LEFT_MAX + 1)), `${"aא".repeat(SHOWN_RIGHT_TO_LEFT_MAX)}a`);
  t.end();
});

t.test("no piece is longer than the limit, and together they are the text", (t) => {
  const unit = fc.constantFrom("a", "\u0301", "ب", "😀", " ", "\n", "\ud83d", "\ude00");
  const long = fc.tuple(unit, fc.integer({ min: 1, max: 700 })).map(([text, times]) => text.repeat(times));
  fc.assert(
    fc.property(fc.array(long, { maxLength: 6 }), (parts) => {
      const text = parts.join("");
      const pieces = breakablePieces(text);
      t.equal(pieces.join(""), text);
      if (pieces.length > 1) t.ok(pieces.every(({ length }) => length > 0 && length <= UNBROKEN_CHARACTERS_MAX));
      for (const [at, piece] of pieces.entries()) {
        const next = pieces[at + 1];
        if (next !== undefined) t.notMatch(piece.slice(-1) + next.slice(0, 1), /^[\ud800-\udbff][\udc00-\udfff]$/);
      }
    }),
    { numRuns: 50 },
  );
  t.end();
});
