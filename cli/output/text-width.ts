/**
 * Measures, shortens and wraps texts by their width on a terminal. Wide characters and emojis take two columns. The
 * texts must contain no control characters. Pure; runs in the CLI process.
 */
import stringWidth from "string-width";

const ELLIPSIS = "\u2026";
/** Matches texts in which every character takes one column. They need no further measuring. */
const NARROW = /^[\x20-\x7e]*$/;

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Returns the number of columns that a text takes. */
export function textWidth(text: string): number {
  return NARROW.test(text) ? text.length : stringWidth(text);
}

/** Splits a text into the longest start that fits into a width, and the rest. Graphemes are not split. */
function splitAt(text: string, width: number): readonly [fitting: string, rest: string] {
  if (NARROW.test(text)) return [text.slice(0, width), text.slice(width)];
  let taken = 0;
  for (const { segment, index } of graphemes.segment(text)) {
    taken += textWidth(segment);
    if (taken > width) return [text.slice(0, index), text.slice(index)];
  }
  return [text, ""];
}

/** Shortens a text to a width. A shortened text ends with an ellipsis. */
export function truncateText(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  return width < 1 ? "" : splitAt(text, width - 1)[0] + ELLIPSIS;
}

/** Pads a text with spaces until it has the width. `toRight` puts the spaces before the text. */
export function padText(text: string, width: number, toRight: boolean): string {
  const blanks = " ".repeat(Math.max(0, width - textWidth(text)));
  return toRight ? blanks + text : text + blanks;
}

/**
 * Breaks a text into lines of a given width, between words if possible. If there are more than `linesMax` lines, the
 * rest is dropped and the last line ends with an ellipsis.
 */
export function wrapText(text: string, width: number, linesMax = Number.POSITIVE_INFINITY): string[] {
  const lines: string[] = [];
  let rest = text;
  while (textWidth(rest) > width && lines.length + 1 < linesMax) {
    let [line, after] = splitAt(rest, width);
    // The next character is wide and the line has only one column, so it does not fit.
    if (line === "") return [...lines, ELLIPSIS];
    const blank = after.startsWith(" ") ? line.length : line.lastIndexOf(" ");
    if (blank > 0) line = line.slice(0, blank);
    lines.push(line);
    after = rest.slice(line.length);
    rest = blank > 0 ? after.trimStart() : after;
  }
  if (rest !== "" || lines.length === 0) lines.push(truncateText(rest, width));
  return lines;
}

/** Shortens or pads a text so that it takes exactly `width` columns. */
export function fitText(text: string, width: number, toRight = false): string {
  return padText(truncateText(text, width), width, toRight);
}
