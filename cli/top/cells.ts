/**
 * Measures and cuts texts in columns of a terminal. A letter of East Asia or an emoji takes two columns, and a combining
 * mark none. Pure; runs in the CLI process.
 */
import { eastAsianWidth } from "get-east-asian-width";

const PLAIN = /^[\x20-\x7e]*$/;
const EMOJI = /\p{Emoji_Presentation}|\ufe0f/u;
const NO_WIDTH = /^[\p{Mark}\u200b-\u200d]+$/u;
/** Stands for what was cut off. */
const MORE = "…";

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

function widthOf(grapheme: string): number {
  if (PLAIN.test(grapheme)) return grapheme.length;
  if (NO_WIDTH.test(grapheme)) return 0;
  return EMOJI.test(grapheme) ? 2 : eastAsianWidth(grapheme.codePointAt(0) ?? 0);
}

/** Returns the number of columns that a text takes. The text has no control characters. */
export function columnsOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) columns += widthOf(segment);
  return columns;
}

/** Cuts a text to at most so many columns. A cut text ends with an ellipsis. */
export function cut(text: string, columns: number): string {
  if (columns <= 0) return "";
  if (PLAIN.test(text)) return text.length <= columns ? text : text.slice(0, columns - 1) + MORE;
  let [used, kept, keptIfCut] = [0, "", ""];
  for (const { segment } of graphemes.segment(text)) {
    used += widthOf(segment);
    if (used > columns) return keptIfCut + MORE;
    kept += segment;
    if (used < columns) keptIfCut = kept;
  }
  return kept;
}

/** Cuts or fills a text so that it takes exactly so many columns. */
export function fit(text: string, columns: number, isRight = false): string {
  const shown = cut(text, columns);
  const spaces = " ".repeat(Math.max(0, columns - columnsOf(shown)));
  return isRight ? spaces + shown : shown + spaces;
}
