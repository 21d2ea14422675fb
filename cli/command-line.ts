/**
 * Finds the row of a command in the command table, before clipanion parses the rest (command-class.ts). clipanion does
 * not find the row itself, because it would build its state machine for every row. It also rejects values that begin
 * with a dash (`--data -5`), so this module joins them with their flags (`--data=-5`). Pure; runs in the CLI process.
 */
import type { CommandRow, Flag } from "./command-row.js";
import { CONTEXT_FLAG, FIELDS_FLAG, SERVER_FLAG } from "./common-flags.js";
import { wrongUsage, type CliFailure } from "./failure.js";

/** A command line, split into words and flags. Its command is not known yet. */
export interface Tokens {
  /** The command line without the common flags. A flag and its value are one token (`--limit=4`). */
  readonly tokens: readonly string[];
  /** The words that are neither flags nor the values of flags. */
  readonly words: readonly string[];
  readonly pretty: boolean;
  readonly json: boolean;
  /** The names in `--fields`; undefined if the flag is not given. */
  readonly fields: readonly string[] | undefined;
  readonly noColor: boolean;
  readonly help: boolean;
  /** The value of `--server`; "" if the flag is not given. */
  readonly server: string;
  /** The value of `--context`; "" if the flag is not given. */
  readonly context: string;
}

/**
 * The flags that choose the output format. Every command accepts them. Without them, JSON is printed as the server sent
 * it.
 */
const FORMAT_FLAGS: ReadonlySet<string> = new Set(["--pretty", "--json", "--no-color"]);

/** Whether a word is one of the flags that choose the output format. */
export function isFormatFlag(word: string): boolean {
  return FORMAT_FLAGS.has(word);
}

/**
 * Matches the names of flags that clipanion accepts in the form `--name=value`. It accepts any other flag, such as
 * `--v1`, only as `--name value`.
 */
const BINDABLE_NAME = /^[a-z]+(?:-[a-z]+)*$/;

function listFlags(rows: readonly CommandRow[]): ReadonlyMap<string, Flag> {
  const flags = [SERVER_FLAG, CONTEXT_FLAG, FIELDS_FLAG, ...rows.flatMap((row) => row.flags ?? [])];
  return new Map(flags.map((flag) => [`--${flag.name}`, flag]));
}

/**
 * Returns whether a word before `--` looks like a flag, but is no flag of these rows. The caller then parses with the
 * flags of all rows. Otherwise it could not know whether the next word is the flag's value.
 */
export function hasUnknownFlag(argv: readonly string[], rows: readonly CommandRow[]): boolean {
  const flags = listFlags(rows);
  const end = argv.indexOf("--");
  return argv
    .slice(0, end < 0 ? argv.length : end)
    .some(
      (word) =>
        word.startsWith("--") && !isFormatFlag(word) && word !== "--help" && !flags.has(word.replace(/=.*/s, "")),
    );
}

/**
 * Splits a command line into words and flags. The word after a flag is its value, even if the word begins with a dash
 * (`--data -5`), but not if the word is itself a known flag. `--` ends the flags.
 */
export function readTokens(argv: readonly string[], rows: readonly CommandRow[]): Tokens | CliFailure {
  const flags = listFlags(rows);
  const isFlag = (word: string): boolean =>
    word === "--" || isFormatFlag(word) || word === "--help" || word === "-h" || flags.has(word);
  const tokens: string[] = [];
  const words: string[] = [];
  let pretty = false;
  let json = false;
  let fields: readonly string[] | undefined;
  let noColor = false;
  let help = false;
  let server = "";
  let context = "";

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
    if (isFormatFlag(word)) {
      pretty ||= word === "--pretty";
      json ||= word === "--json";
      noColor ||= word === "--no-color";
    } else if (word === "--help" || word === "-h") help = true;
    else if (flag && flag.kind !== "switch") {
      let value: string | undefined;
      if (name !== word) value = word.slice(equals + 1);
      else {
        value = argv[at + 1];
        if (flag.valueOptional && (value === undefined || isFlag(value))) value = "";
        else at += 1;
      }
      if (value === undefined || (name === word && isFlag(value))) return wrongUsage(`${name} needs a value`);
      if (flag === SERVER_FLAG) server = value;
      else if (flag === CONTEXT_FLAG) context = value;
      else if (flag === FIELDS_FLAG) {
        fields = value.split(",").map((field) => field.trim());
        if (fields.includes("")) return wrongUsage(`--fields takes names with commas between, not "${value}"`);
      } else if (BINDABLE_NAME.test(flag.name)) tokens.push(`${name}=${value}`);
      else tokens.push(name, value);
    } else {
      tokens.push(word);
      if (!word.startsWith("-") || word === "-") words.push(word);
    }
  }
  return { tokens, words, pretty, json, fields, noColor, help, server, context };
}

function startsWith(words: readonly string[], beginning: readonly string[]): boolean {
  return beginning.every((word, index) => words[index] === word);
}

/** Returns the row whose command the line begins with. If several match, returns the one with the most words. */
export function findRow(words: readonly string[], rows: readonly CommandRow[]): CommandRow | undefined {
  return rows.filter((row) => startsWith(words, row.words)).toSorted((a, b) => b.words.length - a.words.length)[0];
}

/** Returns the rows whose commands begin with `words`, such as `state`. Without words, returns all rows. */
export function findRowsBelow(words: readonly string[], rows: readonly CommandRow[]): readonly CommandRow[] {
  return rows.filter((row) => startsWith(row.words, words));
}
