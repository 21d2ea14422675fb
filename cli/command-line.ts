/**
 * From the words of a command line to one row of the table and its arguments. The row is found first,
 * then clipanion parses with the class of that row alone: its state machine for all commands would cost
 * more start time the longer the table gets. Runs in the command line's process; prints nothing.
 */
import { Cli } from "clipanion";

import { makeCommandClass, type InvocationContext } from "./command-class.js";
import type { CommandContext, CommandRow, Flag } from "./command-row.js";
import { wrongUsage, type CliFailure, type ExitCode } from "./failure.js";
import { formatUsageLine } from "./help.js";

/** A command line before its command is known. */
export interface Tokens {
  /** Each value bound to its flag; the common flags taken out. */
  readonly tokens: readonly string[];
  /** What is neither a flag nor a flag's value. */
  readonly words: readonly string[];
  readonly pretty: boolean;
  readonly help: boolean;
}

/** The names that clipanion takes in the form `--name=value`; it knows others (`--v1`) only as `--name value`. */
const BINDABLE_NAME = /^[a-z]+(?:-[a-z]+)*$/;

function listFlags(rows: readonly CommandRow[]): ReadonlyMap<string, Flag> {
  return new Map(rows.flatMap((row) => row.flags ?? []).map((flag) => [`--${flag.name}`, flag]));
}

/**
 * Sorts a command line into words and flags. A flag that takes a value takes the next word whatever it
 * begins with (`--data -5`), unless that is a flag itself; `--` ends the flags.
 */
export function readTokens(argv: readonly string[], rows: readonly CommandRow[]): Tokens | CliFailure {
  const flags = listFlags(rows);
  const isFlag = (word: string): boolean =>
    word === "--" || word === "--pretty" || word === "--help" || word === "-h" || flags.has(word);
  const tokens: string[] = [];
  const words: string[] = [];
  let pretty = false;
  let help = false;

  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? "";
    if (word === "--") {
      tokens.push(...argv.slice(at));
      words.push(...argv.slice(at + 1));
      break;
    }
    const equals = word.indexOf("=");
    const name = word.startsWith("--") && equals > 0 ? word.slice(0, equals) : word;
    const flag = flags.get(name);
    if (word === "--pretty") pretty = true;
    else if (word === "--help" || word === "-h") help = true;
    else if (flag && flag.kind !== "switch") {
      let value: string | undefined;
      if (name !== word) value = word.slice(equals + 1);
      else {
        at += 1;
        value = argv[at];
      }
      if (value === undefined || (name === word && isFlag(value))) return wrongUsage(`${name} needs a value`);
      if (BINDABLE_NAME.test(flag.name)) tokens.push(`${name}=${value}`);
      else tokens.push(name, value);
    } else {
      tokens.push(word);
      if (!word.startsWith("-") || word === "-") words.push(word);
    }
  }
  return { tokens, words, pretty, help };
}

function startsWith(words: readonly string[], beginning: readonly string[]): boolean {
  return beginning.every((word, index) => words[index] === word);
}

/** The row whose words the command line begins with; of several the longest. */
export function findRow(words: readonly string[], rows: readonly CommandRow[]): CommandRow | undefined {
  return rows
    .filter((row) => startsWith(words, row.words))
    .toSorted((a, b) => b.words.length - a.words.length)[0];
}

/** The rows below a noun, e.g. for `state`; all where `words` is empty, none for an unknown noun. */
export function findRowsBelow(words: readonly string[], rows: readonly CommandRow[]): readonly CommandRow[] {
  return rows.filter((row) => startsWith(row.words, words));
}

/** What clipanion found wrong, without its own usage lines. */
function describeSyntaxError(error: unknown): string {
  const candidates = error instanceof Error && "candidates" in error ? (error.candidates as { reason: string | null }[]) : [];
  const reason = candidates.find((candidate) => candidate.reason !== null)?.reason;
  return reason ? reason.replace(/\.$/, "") : "the arguments do not fit this command";
}

/**
 * Parses the command line for its row and runs it. Exit code of the command, or the failure of a command
 * line that does not fit the row, with the usage of the command.
 */
export async function runRow(
  row: CommandRow,
  tokens: readonly string[],
  context: CommandContext,
): Promise<ExitCode | CliFailure> {
  const cli = new Cli<InvocationContext>({ binaryName: context.program, enableColors: false });
  cli.register(makeCommandClass(row));
  try {
    const command = cli.process([...tokens], { command_context: context });
    return (await command.validateAndExecute()) as ExitCode;
  } catch (error) {
    if (!(error instanceof Error && "clipanion" in error)) throw error;
    return wrongUsage(describeSyntaxError(error), `usage: ${formatUsageLine(row, context.program)}`);
  }
}
