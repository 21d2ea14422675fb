/**
 * Parses the words of a command line by the row of its command, and runs the command. command-line.ts finds the row and
 * binds values to their flags, Node's parseArgs splits the words, and run-command.ts executes the command. Runs in the
 * CLI process.
 */
import { parseArgs } from "node:util";

import type { Args, CommandContext, CommandRow, Flag } from "./command-row.js";
import { COMMON_FLAGS } from "./common-flags.js";
import { parseFlagDuration, wholeSeconds } from "./duration.js";
import { wrongUsage, type CliFailure } from "./failure.js";
import { formatUsageLine } from "./help.js";
import { suggest } from "./nearest.js";
import { runCommand } from "./run-command.js";

type Value = string | boolean | readonly string[];

/** The values of a command line, by the names of arguments and flags. A command has no flag named as an argument. */
type Values = ReadonlyMap<string, Value>;

/** What is wrong with a command line: one sentence without its full stop. */
class SyntaxProblem {
  constructor(readonly text: string) {}
}

/**
 * Converts a flag's value to the form in which it is sent. A duration becomes a number of seconds or a point in time.
 */
function readTimeFlag({ kind, ahead }: Flag, value: string): string {
  const ms = kind === "seconds" || kind === "time" ? parseFlagDuration(value) : undefined;
  if (ms === undefined) return value;
  return kind === "seconds" ? `${wholeSeconds(ms)}` : new Date(Date.now() + (ahead ? ms : -ms)).toISOString();
}

/**
 * Collects the values of a row's flags and arguments.
 * @param afterDashes the words after `--`, if the row accepts a command there
 */
function makeArgs(values: Values, row: CommandRow, afterDashes: readonly string[]): Args {
  const command = row.arguments?.find((argument) => argument.afterDashes)?.name;
  const text = (name: string): string | undefined => {
    const value = values.get(name);
    if (typeof value !== "string") return undefined;
    const flag = row.flags?.find((one) => one.name === name);
    return flag === undefined ? value : readTimeFlag(flag, value);
  };
  return {
    text,
    need: (name) => text(name) ?? "",
    has: (name) => values.get(name) === true,
    duration: (name) => parseFlagDuration(text(name) ?? ""),
    list: (name) => {
      if (name === command) return afterDashes;
      const value = values.get(name);
      return typeof value === "object" ? value : [];
    },
  };
}

/** Checks the types of the flags' values, and whether required flags are given. Returns the first problem. */
function findProblem(row: CommandRow, args: Args): string | undefined {
  for (const flag of row.flags ?? []) {
    const value = args.text(flag.name);
    if (flag.required && value === undefined) return `--${flag.name} is required`;
    if (flag.kind === "whole" && value !== undefined && !/^\d+$/.test(value)) {
      return `--${flag.name} must be a whole number, not "${value}"`;
    }
    if (flag.kind === "seconds" && value !== undefined && !/^\d+$/.test(value)) {
      return `--${flag.name} must be a duration like 90s, or a number of seconds, not "${value}"`;
    }
    if (flag.kind === "duration" && value !== undefined && parseFlagDuration(value) === undefined) {
      return `--${flag.name} must be a duration like 90s or 10m, not "${value}"`;
    }
  }
  for (const { name, many, afterDashes } of row.arguments ?? []) {
    if (afterDashes && args.list(name).length === 0) return `a ${name} is required after --`;
    if (many && args.list(name).includes("")) return `<${name}> must not be empty`;
  }
  const choices = row.oneOf ?? [];
  const chosen = choices.filter((name) => args.text(name) !== undefined);
  const list = choices.map((name) => `--${name}`).join(" or ");
  if (choices.length > 0 && chosen.length === 0) return `${list} is required`;
  return chosen.length > 1 ? `${list}, not both` : undefined;
}

/** Returns a description of the first flag that the row does not have; undefined if there is none. */
function describeUnknownFlag({ flags = [] }: CommandRow, tokens: readonly string[]): string | undefined {
  const end = tokens.indexOf("--");
  const known = flags.map(({ name }) => `--${name}`);
  const given = tokens.slice(0, end < 0 ? tokens.length : end).map((token) => token.replace(/=.*/s, ""));
  const unknown = given.find((name) => name.startsWith("--") && !known.includes(name));
  return (
    unknown && `unknown flag ${unknown}${suggest(unknown, [...known, ...COMMON_FLAGS.map(({ name }) => `--${name}`)])}`
  );
}

/**
 * Splits the command line's words at `--` if the row accepts a command after `--`. For any other row, all words stay
 * together.
 */
function splitTokens(
  row: CommandRow,
  tokens: readonly string[],
): { readonly before: readonly string[]; readonly after: readonly string[] } {
  const at = row.arguments?.some((argument) => argument.afterDashes) ? tokens.indexOf("--") : -1;
  return at < 0 ? { before: tokens, after: [] } : { before: tokens.slice(0, at), after: tokens.slice(at + 1) };
}

/** Assigns the words after the command's own to its arguments. */
function readPositions({ arguments: declared = [] }: CommandRow, words: readonly string[]): Values | SyntaxProblem {
  const positions = declared.filter(({ afterDashes }) => !afterDashes);
  const values = new Map<string, Value>();
  for (const [at, { name, many, optional }] of positions.entries()) {
    const word = words[at];
    if (word === undefined && !optional) return new SyntaxProblem("Not enough positional arguments");
    if (word !== undefined) values.set(name, many ? words.slice(at) : word);
  }
  const extra = positions.some(({ many }) => many) ? undefined : words[positions.length];
  return extra === undefined ? values : new SyntaxProblem(`Extraneous positional argument ("${extra}")`);
}

/** Parses the words before `--`. A flag that is given twice has its last value, unless it may have several. */
function parse(row: CommandRow, before: readonly string[]): Values | SyntaxProblem {
  const flags = row.flags ?? [];
  const unknown = describeUnknownFlag(row, before);
  if (unknown !== undefined) return new SyntaxProblem(unknown);
  const { tokens } = parseArgs({
    args: [...before],
    options: Object.fromEntries(
      flags.map(({ name, kind }) => [name, { type: kind === "switch" ? "boolean" : "string" }]),
    ),
    // The messages are about the words as the user has written them.
    strict: false,
    tokens: true,
  });
  const values = new Map<string, Value>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const flag = flags.find(({ name }) => token.rawName === `--${name}`);
    const { value } = token;
    if (flag === undefined) return new SyntaxProblem(`Unsupported option name ("${before[token.index]}")`);
    if ((flag.kind === "switch") !== (value === undefined))
      return new SyntaxProblem(`Invalid option name ("${before[token.index]}")`);
    const earlier = values.get(flag.name);
    values.set(flag.name, flag.many ? [...(typeof earlier === "object" ? earlier : []), value ?? ""] : (value ?? true));
  }
  const positions = readPositions(row, words.slice(row.words.length));
  return positions instanceof SyntaxProblem ? positions : new Map([...values, ...positions]);
}

/** Checks a command line without running it. Returns the problem, or undefined if the line fits the row. */
export function checkLine(row: CommandRow, tokens: readonly string[]): string | undefined {
  const { before, after } = splitTokens(row, tokens);
  const values = parse(row, before);
  return values instanceof SyntaxProblem ? values.text : findProblem(row, makeArgs(values, row, after));
}

/**
 * Parses the command line according to the row's flags and arguments, and runs the command. Returns the exit code. If
 * the command line does not fit the row, returns a failure with the command's usage.
 */
export async function runRow(
  row: CommandRow,
  tokens: readonly string[],
  context: CommandContext,
): Promise<number | CliFailure> {
  const { before, after } = splitTokens(row, tokens);
  const values = parse(row, before);
  const args = values instanceof SyntaxProblem ? undefined : makeArgs(values, row, after);
  const problem = values instanceof SyntaxProblem ? values.text : findProblem(row, makeArgs(values, row, after));
  if (args === undefined || problem !== undefined)
    return wrongUsage(problem ?? "", `usage: ${formatUsageLine(row, context.program)}`);
  return await runCommand(row, args, context);
}
