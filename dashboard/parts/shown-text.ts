/**
 * Limits the time that a browser needs to lay out a text. Agents choose the texts, and a browser needs minutes for some
 * short ones. Pure.
 *
 * A browser shapes all characters between two places at which a line may break together, and the time grows with the
 * square of their number if they are combining marks or letters that join. The time for a change of the direction of
 * reading grows with the number of changes in the paragraph. A line needs a box of its own.
 */

/** The maximum number of lines that are shown. The layout of 500 000 lines takes 7 s. */
export const SHOWN_LINES_MAX = 20_000;
/** The maximum number of pieces of text that are read from right to left. The layout of 32 000 pieces takes 7 s. */
export const SHOWN_RIGHT_TO_LEFT_MAX = 4_000;
/** The maximum number of characters in a row in which a line may break nowhere. */
export const UNBROKEN_CHARACTERS_MAX = 256;

/** The letters that are read from right to left. The surrogates are the high ones of scripts beyond the first plane. */
const LETTERS = String.raw`\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\ud802\ud803\ud83a\ud83b`;
/** Matches a piece of text that is read from right to left, with the spaces and punctuation in it. */
const RIGHT_TO_LEFT = new RegExp(String.raw`[${LETTERS}][\udc00-\udfff${LETTERS}\s!-/:-@[-\x60{-~]*`, "g");

const UNBROKEN = new RegExp(String.raw`\S{${UNBROKEN_CHARACTERS_MAX}}`);
/** Matches up to the last white space of a text. */
const UP_TO_WHITE_SPACE = /^[^]*\s/;
const SURROGATE_PAIR = /^[\ud800-\udbff][\udc00-\udfff]$/;

/** Returns the index of the line break that ends the last line that is shown; the length if all lines are shown. */
function endOfLines(text: string): number {
  let at = -1;
  for (let line = 0; line < SHOWN_LINES_MAX; line++) {
    at = text.indexOf("\n", at + 1);
    if (at === -1) return text.length;
  }
  return at + 1;
}

function endOfRightToLeft(text: string): number {
  let pieces = 0;
  for (const { index } of text.matchAll(RIGHT_TO_LEFT)) if (++pieces > SHOWN_RIGHT_TO_LEFT_MAX) return index;
  return text.length;
}

/** Returns the beginning of a text that a browser can lay out soon: nearly always the whole text. */
export function shownPart(text: string): string {
  return text.slice(0, Math.min(endOfLines(text), endOfRightToLeft(text)));
}

/**
 * Splits a text into pieces between which a line may break, after white space if possible. A text without a long word
 * is one piece. No surrogate pair is split.
 */
export function breakablePieces(text: string): readonly string[] {
  if (!UNBROKEN.test(text)) return [text];
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    const longest = text.slice(at, at + UNBROKEN_CHARACTERS_MAX);
    let piece = at + longest.length === text.length ? longest : (UP_TO_WHITE_SPACE.exec(longest)?.[0] ?? longest);
    const end = at + piece.length;
    if (SURROGATE_PAIR.test(text.slice(end - 1, end + 1))) piece = piece.slice(0, -1);
    pieces.push(piece);
    at += piece.length;
  }
  return pieces;
}
