/** Puts as many lines into an answer as its limit of bytes allows, and counts the others. Pure. */
import { utf8Length } from "../../../schemas/text.js";
import { cutToBytes } from "./foreign-text.js";

export interface FittedLines {
  readonly text: string;
  /** The number of lines that are in the text, counted from the first one. The text's last line counts the others. */
  readonly shown: number;
}

/** Returns the line that counts unread messages which did not fit. */
export function countUnread(count: number): string {
  return `and ${count} more: koor message list --unread`;
}

/**
 * Joins lines. If they do not all fit, `countRest` makes the last line. At least one line is shown. If this line alone
 * is too long, it is cut.
 * @param bytesMax the maximum size of the text
 */
export function fitLines(
  lines: readonly string[],
  bytesMax: number,
  countRest: (count: number) => string = countUnread,
): FittedLines {
  const whole = lines.join("\n");
  if (utf8Length(whole) <= bytesMax) return { text: whole, shown: lines.length };
  const [first = ""] = lines;
  if (lines.length === 1) return { text: cutToBytes(first, bytesMax), shown: 1 };
  const restBytesMax = utf8Length(countRest(lines.length)) + 1;
  const fitting = [cutToBytes(first, Math.max(0, bytesMax - restBytesMax))];
  let bytes = utf8Length(fitting[0] as string) + restBytesMax;
  for (const line of lines.slice(1)) {
    bytes += utf8Length(line) + 1;
    if (bytes > bytesMax) break;
    fitting.push(line);
  }
  return { text: [...fitting, countRest(lines.length - fitting.length)].join("\n"), shown: fitting.length };
}
