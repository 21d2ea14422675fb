/** Filters and sorts rules, and marks the violations in a text. Pure. */
import type { GLOBAL_PROJECT } from "../../../schemas/rules.js";
import type { Rule, RuleStatus, RuleViolation } from "../../api/types.js";
import { addressOf } from "../../base/address.js";

/** The project name of rules that apply to every project. */
export const EVERY_PROJECT: typeof GLOBAL_PROJECT = "_global";

export const STATUSES: readonly RuleStatus[] = ["proposed", "accepted", "rejected"];

/** The filter. "" matches all rules. */
export interface RuleFilter {
  readonly project: string;
  readonly status: string;
  readonly source: string;
  /** The words of the search. All of them must occur in the rule. */
  readonly words: string;
}

/** Returns a rule's name as `P/R` (project and rule id), as it appears in messages and in the audit log. */
export function nameOf({ project, rule_id }: Pick<Rule, "project" | "rule_id">): string {
  return `${project}/${rule_id}`;
}

export function ruleAddress({ project, rule_id }: Pick<Rule, "project" | "rule_id">): string {
  return addressOf("rules", project, rule_id);
}

/** Returns the files and the stack to which a rule applies; "" if it applies to all. */
export function scopeOf({ stack, applies_to }: Pick<Rule, "stack" | "applies_to">): string {
  const files = applies_to.every((glob) => glob === "*") ? "" : applies_to.join(", ");
  return [stack, files].filter((part) => part !== "").join(" · ");
}

function textOf({ project, rule_id, pattern, message, context, source, stack, applies_to, proposed_by }: Rule): string {
  const texts = [project, rule_id, pattern, message, context, source, stack, ...applies_to, proposed_by];
  return texts.join("\n").toLowerCase();
}

/** Returns the rules that match a filter. */
export function filterRules(rules: readonly Rule[], { project, status, source, words }: RuleFilter): Rule[] {
  const wanted = words
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return rules.filter(
    (rule) =>
      (project === "" || rule.project === project) &&
      (status === "" || rule.status === status) &&
      (source === "" || rule.source === source) &&
      (wanted.length === 0 || hasAll(textOf(rule), wanted)),
  );
}

function hasAll(text: string, words: readonly string[]): boolean {
  return words.every((word) => text.includes(word));
}

/**
 * Splits rules into proposed and decided ones. The proposed rules are sorted by age, the oldest first. The decided
 * rules are sorted by project, those that apply to every project first.
 */
export function splitRules(rules: readonly Rule[]): {
  readonly proposed: readonly Rule[];
  readonly decided: readonly Rule[];
} {
  const proposed = rules
    .filter(({ status }) => status === "proposed")
    .toSorted((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at));
  const decided = rules
    .filter(({ status }) => status !== "proposed")
    .toSorted((a, b) => rank(a) - rank(b) || compare(a.project, b.project) || compare(a.rule_id, b.rule_id));
  return { proposed, decided };
}

function rank({ project }: Rule): number {
  return project === EVERY_PROJECT ? 0 : 1;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Returns the distinct values, sorted. */
export function distinct(values: Iterable<string>): string[] {
  return [...new Set(values)].toSorted();
}

export interface Piece {
  readonly text: string;
  readonly marked: boolean;
}

/** A line of a text with its violations. */
export interface MarkedLine {
  /** The number of the line, counted from 1. */
  readonly number: number;
  readonly pieces: readonly Piece[];
  readonly violations: readonly RuleViolation[];
}

/** A block of consecutive lines, or the number of lines that are left out between two blocks. */
export type Block = { readonly lines: readonly MarkedLine[] } | { readonly left_out: number };

/** The number of lines that are shown around a violation. */
const AROUND_LINES = 2;
/** The maximum number of lines with violations that are shown. */
export const FOUND_LINES_MAX = 200;
/** The maximum number of characters of a line that are shown. */
const LINE_CHARACTERS_MAX = 400;

/**
 * Returns the lines of a text that have violations, with some lines around them.
 * @param violations the violations in the server's order; those without a line are skipped, because they apply to the
 * whole text
 */
export function markedBlocks(content: string, violations: readonly RuleViolation[]): Block[] {
  const byLine = new Map<number, RuleViolation[]>();
  for (const violation of violations) {
    if (violation.line === undefined) continue;
    const ofLine = byLine.get(violation.line);
    if (ofLine !== undefined) ofLine.push(violation);
    else if (byLine.size < FOUND_LINES_MAX) byLine.set(violation.line, [violation]);
  }
  if (byLine.size === 0) return [];
  const lines = content.replace(/\n$/, "").split("\n");
  const shown = new Set<number>();
  for (const number of byLine.keys())
    for (let near = number - AROUND_LINES; near <= number + AROUND_LINES; near += 1)
      if (near >= 1 && near <= lines.length) shown.add(near);
  // If only a single line would be left out between two shown lines, it is shown.
  for (const number of [...shown]) if (shown.has(number + 2)) shown.add(number + 1);
  const blocks: Block[] = [];
  let last = 0;
  let run: MarkedLine[] = [];
  for (const number of [...shown].toSorted((a, b) => a - b)) {
    if (number > last + 1) {
      run = [];
      if (number - last > 1) blocks.push({ left_out: number - last - 1 });
    }
    if (run.length === 0) blocks.push({ lines: run });
    const found = byLine.get(number) ?? [];
    run.push({ number, pieces: piecesOf(lines[number - 1] ?? "", found), violations: found });
    last = number;
  }
  if (last < lines.length) blocks.push({ left_out: lines.length - last });
  return blocks;
}

/**
 * Marks the matches in a line. If a match occurs several times in the line, it is not marked, because the server does
 * not report its position.
 */
function piecesOf(whole: string, violations: readonly RuleViolation[]): Piece[] {
  const line = whole.slice(0, LINE_CHARACTERS_MAX);
  const marked = new Array<boolean>(line.length).fill(false);
  for (const { match = "" } of violations) {
    const at = match === "" ? -1 : line.indexOf(match);
    if (at >= 0 && !line.includes(match, at + 1)) marked.fill(true, at, at + match.length);
  }
  const pieces: Piece[] = [];
  for (let start = 0; start < line.length; ) {
    let end = start + 1;
    while (end < line.length && marked[end] === marked[start]) end += 1;
    pieces.push({ text: line.slice(start, end), marked: marked[start] === true });
    start = end;
  }
  return whole.length > line.length ? [...pieces, { text: "…", marked: false }] : pieces;
}
