/**
 * Finds the matches of one rule in one text. A line ends at "\n", or at "\r\n". To save time, one search covers all
 * lines first. Only if it finds a possible match, each block of BLOCK_LINES lines is searched. Only the lines of a
 * block with a possible match are searched one by one. Runs in the pool. Pure but for the caches of the regexes.
 */
import { NO_CONSOLE_LOG, type MatchType } from "../../../schemas/rules.js";
import type { WorkBudget } from "./work-budget.js";
import type { Regex } from "./regex.js";

/**
 * The parts of a rule that decide which texts violate it. `regex` is null for a custom rule whose meaning is built in.
 */
export interface Matcher {
  readonly matchType: MatchType;
  readonly regex: Regex | null;
}

export interface Found {
  /** The number of the line, from 1. It is 0 if a required pattern is missing. */
  readonly line: number;
  readonly match: string;
}

/**
 * The number of lines in a block. A block is searched as a whole first. Its lines are searched one by one only if the
 * block matches.
 */
const BLOCK_LINES = 16;
const CONSOLE_LOG = "console.log(";
const MISSING: Found = { line: 0, match: "" };

/** A text to validate. `lines` is the same text, but with each "\r\n" replaced by "\n". */
export class Content {
  readonly lines: string;

  constructor(readonly text: string) {
    this.lines = text.includes("\r\n") ? text.replaceAll("\r\n", "\n") : text;
  }
}

/** Returns the offset at which the line that starts at `start` ends. */
function endOfLine(lines: string, start: number): number {
  const newline = lines.indexOf("\n", start);
  return newline < 0 ? lines.length : newline;
}

/**
 * Yields the first match of each line. A line whose first match is empty is skipped.
 * @param mayFind returns false if no line of a block can match; such a block is skipped
 */
function* findInLines(
  lines: string,
  mayFind: (block: string) => boolean,
  find: (line: string) => string | null,
): Generator<Found, void, undefined> {
  let number = 0;
  for (let start = 0; start <= lines.length; ) {
    let blockEnd = start - 1;
    let count = 0;
    while (count < BLOCK_LINES && blockEnd < lines.length) {
      blockEnd = endOfLine(lines, blockEnd + 1);
      count += 1;
    }
    if (!mayFind(lines.slice(start, blockEnd))) {
      number += count;
      start = blockEnd + 1;
      continue;
    }
    while (start <= blockEnd) {
      const end = endOfLine(lines, start);
      number += 1;
      // Skip an empty line. Any match in it is empty.
      const match = end === start ? null : find(lines.slice(start, end));
      if (match !== null && match !== "") yield { line: number, match };
      start = end + 1;
    }
  }
}

/** Yields the matches of a rule in the order of the lines. Stops when the budget is exhausted. */
export function* violationsOf(
  { matchType, regex }: Matcher,
  content: Content,
  budget: WorkBudget,
): Generator<Found, void, undefined> {
  if (!budget.allow(0)) return;
  if (regex === null) {
    if (content.lines.includes(CONSOLE_LOG))
      yield* findInLines(
        content.lines,
        (block) => block.includes(CONSOLE_LOG),
        (line) => (line.includes(CONSOLE_LOG) ? CONSOLE_LOG : null),
      );
  } else if (matchType === "missing") {
    if (!regex.test(content.text)) yield MISSING;
  } else if (regex.mayMatchLine(content.lines)) {
    yield* findInLines(
      content.lines,
      (block) => regex.mayMatchLine(block),
      (line) => regex.find(line, (steps) => budget.allow(steps)),
    );
  }
}

/** Returns the message of a violation if the rule has no message of its own. */
export function defaultMessage(matchType: MatchType, pattern: string): string {
  if (matchType === "missing") return `required pattern '${pattern}' not found`;
  if (matchType === "custom" && pattern === NO_CONSOLE_LOG) return "console.log found";
  return `pattern '${pattern}' matched`;
}
