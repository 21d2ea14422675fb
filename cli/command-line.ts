/**
 * From the words of a command line to one row of the table. Pure; runs in the command line's process.
 * Leaves what the row takes to clipanion (command-class.ts), which would build its machine for every row, and
 * takes no word for a value that begins with a dash.
 */
import type { CommandRow, Flag } from "./command-row.js";
import { wrongUsage, type CliFailure } from "./failure.js";

/** A command line before its command is known. */
export interface Tokens {
  /** Each value bound to its flag; the common flags taken out. */
  readonly tokens: readonly string[];
  /** What is neither a flag nor a flag's value. */
  readonly words: readonly string[];
  readonly pretty: boolean;
  readonly help: boolean;
  /** Of `--server`; "" where it is not given. */
  readonly server: string;
}

/** Flags of every command that say how the answer is printed. JSON as it came is what is printed without them. */
const FORMAT_FLAGS: ReadonlySet<string> = new Set(["--pretty", "--json"]);

/** Whether a word says nothing but how the answer is printed. */
export function isFormatFlag(word: string): boolean {
  return FORMAT_FLAGS.has(word);
}

/** Which servers are asked; every command takes it. */
const SERVER_FLAG: Flag = { name: "server", kind: "text", value: "URL[,URL]", about: "which servers are asked" };

/** The names that clipanion takes in the form `--name=value`; it knows others (`--v1`) only as `--name value`. */
const BINDABLE_NAME = /^[a-z]+(?:-[a-z]+)*$/;

function listFlags(rows: readonly CommandRow[]): ReadonlyMap<string, Flag> {
  const flags = [SERVER_FLAG, ...rows.flatMap((row) => row.flags ?? [])];
  return new Map(flags.map((flag) => [`--${flag.name}`, flag]));
}

/**
 * Sorts a command line into words and flags. A flag that takes a value takes the next word whatever it
 * begins with (`--data -5`), unless that is a flag itself; `--` ends the flags.
 */
export function readTokens(argv: readonly string[], rows: readonly CommandRow[]): Tokens | CliFailure {
  const flags = listFlags(rows);
  const isFlag = (word: string): boolean =>
    word === "--" || isFormatFlag(word) || word === "--help" || word === "-h" || flags.has(word);
  const tokens: string[] = [];
  const words: string[] = [];
  let pretty = false;
  let help = false;
  let server = "";

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
    if (isFormatFlag(word)) pretty ||= word === "--pretty";
    else if (word === "--help" || word === "-h") help = true;
    else if (flag && flag.kind !== "switch") {
      let value: string | undefined;
      if (name !== word) value = word.slice(equals + 1);
      else {
        value = argv[at + 1];
        if (flag.value_optional && (value === undefined || isFlag(value))) value = "";
        else at += 1;
      }
      if (value === undefined || (name === word && isFlag(value))) return wrongUsage(`${name} needs a value`);
      if (flag === SERVER_FLAG) server = value;
      else if (BINDABLE_NAME.test(flag.name)) tokens.push(`${name}=${value}`);
      else tokens.push(name, value);
    } else {
      tokens.push(word);
      if (!word.startsWith("-") || word === "-") words.push(word);
    }
  }
  return { tokens, words, pretty, help, server };
}

function startsWith(words: readonly string[], beginning: readonly string[]): boolean {
  return beginning.every((word, index) => words[index] === word);
}

/** The row whose words the command line begins with; of several the longest. */
export function findRow(words: readonly string[], rows: readonly CommandRow[]): CommandRow | undefined {
  return rows.filter((row) => startsWith(words, row.words)).toSorted((a, b) => b.words.length - a.words.length)[0];
}

/** The rows below a noun, e.g. for `state`; all where `words` is empty, none for an unknown noun. */
export function findRowsBelow(words: readonly string[], rows: readonly CommandRow[]): readonly CommandRow[] {
  return rows.filter((row) => startsWith(row.words, words));
}
