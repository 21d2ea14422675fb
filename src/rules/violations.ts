/**
 * What one rule finds in one text. Pure but for what regexes keep in memory; runs in the pool. Lines end at
 * "\n", and a "\r" before it is no part of the line. A rule looks at all lines at once first, then at
 * blocks of them: only where that finds something are they looked at one by one.
 */
import { NO_CONSOLE_LOG, type MatchType } from "../../schemas/rules.js";
import type { Effort } from "./effort.js";
import type { Regex } from "./regex.js";

/** `regex` is null for a custom rule that has a meaning of its own. */
export interface Matcher {
  readonly match_type: MatchType;
  readonly regex: Regex | null;
}

export interface Found {
  /** From 1; 0 where something is missing. */
  readonly line: number;
  readonly match: string;
}

/** So many lines are looked at together before each by itself. */
const BLOCK_LINES = 16;
const CONSOLE_LOG = "console.log(";
const MISSING: Found = { line: 0, match: "" };

/** A text, and the same with its lines ended by "\n" alone. */
export class Content {
  readonly lines: string;

  constructor(readonly text: string) {
    this.lines = text.includes("\r\n") ? text.replaceAll("\r\n", "\n") : text;
  }
}

/** Where the line from `start` on ends. */
function endOfLine(lines: string, start: number): number {
  const newline = lines.indexOf("\n", start);
  return newline < 0 ? lines.length : newline;
}

/**
 * The lines that `find` finds something in: its first match, where that is not empty.
 * @param mayFind false where it finds nothing in any line of a text: most lines are passed over by blocks
 */
function* findInLines(
  lines: string,
  mayFind: (block: string) => boolean,
  find: (line: string) => string | null,
): Generator<Found, void, undefined> {
  let number = 0;
  for (let start = 0; start <= lines.length; ) {
    let block_end = start - 1;
    let count = 0;
    while (count < BLOCK_LINES && block_end < lines.length) {
      block_end = endOfLine(lines, block_end + 1);
      count += 1;
    }
    if (!mayFind(lines.slice(start, block_end))) {
      number += count;
      start = block_end + 1;
      continue;
    }
    while (start <= block_end) {
      const end = endOfLine(lines, start);
      number += 1;
      // No match in an empty line is longer than nothing.
      const match = end === start ? null : find(lines.slice(start, end));
      if (match !== null && match !== "") yield { line: number, match };
      start = end + 1;
    }
  }
}

/** What the rule finds, in the order of lines, as far as the effort goes. */
export function* violationsOf(
  { match_type, regex }: Matcher,
  content: Content,
  effort: Effort,
): Generator<Found, void, undefined> {
  if (!effort.allow(0)) return;
  if (regex === null) {
    if (content.lines.includes(CONSOLE_LOG))
      yield* findInLines(
        content.lines,
        (block) => block.includes(CONSOLE_LOG),
        (line) => (line.includes(CONSOLE_LOG) ? CONSOLE_LOG : null),
      );
  } else if (match_type === "missing") {
    if (!regex.test(content.text)) yield MISSING;
  } else if (regex.mayMatchLine(content.lines)) {
    yield* findInLines(
      content.lines,
      (block) => regex.mayMatchLine(block),
      (line) => regex.find(line, (steps) => effort.allow(steps)),
    );
  }
}

/** What a violation says where its rule has no message of its own. */
export function defaultMessage(match_type: MatchType, pattern: string): string {
  if (match_type === "missing") return `required pattern '${pattern}' not found`;
  if (match_type === "custom" && pattern === NO_CONSOLE_LOG) return "console.log found";
  return `pattern '${pattern}' matched`;
}
