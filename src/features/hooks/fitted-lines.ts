/** Puts as many lines into an answer as fit, and counts the others. Pure. */
import { utf8Length } from "../../../schemas/text.js";
import { cutToBytes } from "./foreign-text.js";

export interface FittedLines {
  readonly text: string;
  /**
   * How many of the given lines are in the text. These are the first ones. If others did not fit, the text ends with
   * one more line that says how many.
   */
  readonly shown: number;
}

/** Returns the line that says how many unread messages did not fit. */
export function countUnread(count: number): string {
  return `and ${count} more: koor message list --unread`;
}

/**
 * Joins as many lines as fit. If some do not fit, `countRest` makes a last line that says how many. The first line is
 * always shown, but is cut if it is too long.
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
