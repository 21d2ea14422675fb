/**
 * Finds the matches of one rule in one text. A line ends at "\n", or at "\r\n". To save time, all lines are first
 * searched together, then blocks of lines, and then single lines in the blocks with a match. Runs in the pool. Pure but
 * for the caches of the regexes.
 */
import { NO_CONSOLE_LOG, type MatchType } from "../../../schemas/rules.js";
import type { WorkBudget } from "./work-budget.js";
import type { Regex } from "./regex.js";

/** The parts of a rule that decide what it matches. `regex` is null for a custom rule with a built-in meaning. */
export interface Matcher {
  readonly matchType: MatchType;
  readonly regex: Regex | null;
}

export interface Found {
  /** The number of the line, from 1; 0 for a required pattern that is missing. */
  readonly line: number;
  readonly match: string;
}

/**
 * The number of lines that are first searched together as one block. Single lines are searched only if their block has
 * a match.
 */
const BLOCK_LINES = 16;
const CONSOLE_LOG = "console.log(";
const MISSING: Found = { line: 0, match: "" };

/** A text to validate. `lines` is the same text with "\n" as its only line end. */
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
 * Yields the first match of each line, unless the match is empty.
 * @param mayFind returns false if no line of a block can match; most lines are skipped this way
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
      // Skip an empty line, because it can have only an empty match.
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
