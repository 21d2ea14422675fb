/**
 * Converts a row of the command table into a clipanion command and runs it. Only the called command's row is converted:
 * clipanion builds a state machine of all rows that it gets, so more rows would delay the start. This module is loaded
 * only when a command runs. run-command.ts executes the command. Runs in the CLI process.
 */
import { Cli, Command, Option, type BaseContext, type CommandClass } from "clipanion";

import type { Args, CommandContext, CommandRow, Flag } from "./command-row.js";
import { parseFlagDuration, wholeSeconds } from "./duration.js";
import { CliFailure, wrongUsage } from "./failure.js";
import { COMMON_FLAGS } from "./common-flags.js";
import { formatUsageLine } from "./help.js";
import { suggest } from "../shared/nearest.js";
import { reportFailure } from "./output.js";
import { runCommand } from "./run-command.js";

interface InvocationContext extends BaseContext {
  readonly commandContext: CommandContext;
}

/**
 * The prefix of the properties in which clipanion stores the values of flags. It prevents collisions with clipanion's
 * own properties (`path`, `help`, …).
 */
const FLAG_PREFIX = "flag ";
const ARGUMENT_PREFIX = "argument ";

function makeOptions(row: CommandRow): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const argument of row.arguments ?? []) {
    if (argument.afterDashes) continue;
    options[ARGUMENT_PREFIX + argument.name] = argument.many
      ? Option.Rest({ name: argument.name, required: argument.optional ? 0 : 1 })
      : Option.String({ name: argument.name, required: !argument.optional });
  }
  for (const flag of row.flags ?? []) {
    const name = `--${flag.name}`;
    options[FLAG_PREFIX + flag.name] =
      flag.kind === "switch" ? Option.Boolean(name) : flag.many ? Option.Array(name) : Option.String(name);
  }
  return options;
}

/** Converts the value of a flag to the form that the request needs. Durations become seconds or points in time. */
function readTimeFlag({ kind, ahead }: Flag, value: string): string {
  const ms = kind === "seconds" || kind === "time" ? parseFlagDuration(value) : undefined;
  if (ms === undefined) return value;
  return kind === "seconds" ? `${wholeSeconds(ms)}` : new Date(Date.now() + (ahead ? ms : -ms)).toISOString();
}

/**
 * Collects the values of a row's flags and arguments.
 * @param afterDashes the words after `--`, if the row accepts a command there
 */
function makeArgs(values: object, row: CommandRow, afterDashes: readonly string[]): Args {
  const command = row.arguments?.find((argument) => argument.afterDashes)?.name;
  const given = (name: string): unknown =>
    Reflect.get(values, ARGUMENT_PREFIX + name) ?? Reflect.get(values, FLAG_PREFIX + name);
  const text = (name: string): string | undefined => {
    const value = given(name);
    if (typeof value !== "string") return undefined;
    const flag = row.flags?.find((one) => one.name === name);
    return flag === undefined ? value : readTimeFlag(flag, value);
  };
  return {
    text,
    need: (name) => text(name) ?? "",
    has: (name) => given(name) === true,
    duration: (name) => parseFlagDuration(text(name) ?? ""),
    list: (name) => {
      if (name === command) return afterDashes;
      const value = given(name);
      return Array.isArray(value) ? (value as readonly string[]) : [];
    },
  };
}

/**
 * Checks the types of the flags' values, and whether required flags are given; clipanion checks neither. Returns the
 * problem, or undefined if there is none.
 */
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
  const choices: readonly string[] = row.oneOf ?? [];
  const chosen = choices.filter((name) => args.text(name) !== undefined);
  const list = choices.map((name) => `--${name}`).join(" or ");
  if (choices.length > 0 && chosen.length === 0)
    return `${list} is required${choices.includes("file") ? ": --file - reads stdin" : ""}`;
  return chosen.length > 1 ? `${list}, not both` : undefined;
}

/** Builds the clipanion command of a row. Its `execute` prints the output and returns the exit code. */
function makeCommandClass(row: CommandRow, afterDashes: readonly string[]): CommandClass<InvocationContext> {
  return class extends Command<InvocationContext> {
    static override readonly paths = [[...row.words]];

    constructor() {
      super();
      Object.assign(this, makeOptions(row));
    }

    override async execute(): Promise<number> {
      const args = makeArgs(this, row, afterDashes);
      const context = this.context.commandContext;
      const problem = findProblem(row, args);
      const outcome =
        problem === undefined
          ? await runCommand(row, args, context)
          : wrongUsage(problem, `usage: ${formatUsageLine(row, context.program)}`);
      return outcome instanceof CliFailure ? reportFailure(outcome) : outcome;
    }
  };
}

/** Returns a description of the first flag that the row does not have; undefined if there is none. */
function describeUnknownFlag({ flags = [] }: CommandRow, tokens: readonly string[]): string | undefined {
  const end = tokens.indexOf("--");
  const known = flags.map(({ name }) => `--${name}`);
  const given = tokens.slice(0, end < 0 ? tokens.length : end).map((token) => token.replace(/=.*/s, ""));
  const isFlag = (name: string, at: number): boolean => /^-[a-z-]/i.test(name) && !known.includes(given[at - 1] ?? "");
  const unknown = given.find((name, at) => isFlag(name, at) && !known.includes(name));
  return (
    unknown && `unknown flag ${unknown}${suggest(unknown, [...known, ...COMMON_FLAGS.map(({ name }) => `--${name}`)])}`
  );
}

/** Returns the arguments among the words of a command line. */
function listArguments({ words, flags = [] }: CommandRow, tokens: readonly string[]): readonly string[] {
  const withValue = new Set(flags.filter(({ kind }) => kind !== "switch").map(({ name }) => `--${name}`));
  const end = tokens.indexOf("--");
  const given = tokens.filter((token, at) => {
    if (end >= 0 && at >= end) return at > end;
    // The value of a flag such as `--v1` is a word of its own.
    return !token.startsWith("-") && !withValue.has(tokens[at - 1] ?? "");
  });
  return given.slice(words.length);
}

/** Names the first required argument that is missing, or the first word that is one too many. */
function describeArguments(row: CommandRow, tokens: readonly string[]): string | undefined {
  const given = listArguments(row, tokens);
  const own = (row.arguments ?? []).filter(({ afterDashes }) => !afterDashes);
  const required = own.filter(({ optional }) => !optional);
  const missing = required.slice(given.length).map(({ name }) => `<${name}>`);
  if (missing.length > 0) return `${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} missing`;
  const surplus = given[own.length];
  if (surplus === undefined || own.some(({ many }) => many)) return undefined;
  const values = (row.oneOf ?? []).map((name) => `--${name}`).join(" or ");
  if (values !== "") return `the argument "${surplus}" is one too many: it may be the value of ${values}`;
  return `the argument "${surplus}" is one too many${own.length === 0 ? "" : ": put quotes around text with spaces"}`;
}

/** Describes a parse error of clipanion, without the usage lines that clipanion adds. */
function describeSyntaxError(error: unknown): string {
  const candidates =
    error instanceof Error && "candidates" in error ? (error.candidates as { reason: string | null }[]) : [];
  const reason = candidates.find((candidate) => candidate.reason !== null)?.reason;
  return reason ? reason.replace(/\.$/, "") : "the arguments do not fit this command";
}

function describeProblem(row: CommandRow, tokens: readonly string[], error: unknown): string {
  return describeUnknownFlag(row, tokens) ?? describeArguments(row, tokens) ?? describeSyntaxError(error);
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

/** Parses the words before `--` into a command of clipanion. Throws clipanion's error if they do not fit the row. */
function parse(
  row: CommandRow,
  before: readonly string[],
  after: readonly string[],
  context: CommandContext,
): Command<InvocationContext> {
  const cli = new Cli<InvocationContext>({ binaryName: context.program, enableColors: false });
  cli.register(makeCommandClass(row, after));
  return cli.process([...before], { commandContext: context });
}

/** Checks a command line without running it. Returns the problem, or undefined if the line fits the row. */
export function checkLine(row: CommandRow, tokens: readonly string[], context: CommandContext): string | undefined {
  const { before, after } = splitTokens(row, tokens);
  try {
    return findProblem(row, makeArgs(parse(row, before, after, context), row, after));
  } catch (error) {
    return describeProblem(row, before, error);
  }
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
  try {
    return await parse(row, before, after, context).validateAndExecute();
  } catch (error) {
    if (!(error instanceof Error && "clipanion" in error)) throw error;
    return wrongUsage(describeProblem(row, before, error), `usage: ${formatUsageLine(row, context.program)}`);
  }
}
