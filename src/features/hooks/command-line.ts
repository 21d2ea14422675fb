/** Separates the options of a command from its operands. Pure. */
import type { CommandWord } from "./shell-commands.js";

export interface CommandLine {
  /** The parameters that are not options. */
  readonly operands: readonly CommandWord[];
  /** The number of operands before `--`. Without a `--`, it is the number of all operands. */
  readonly beforeSeparator: number;
  /** True if the parameters have a `--`. */
  readonly hasSeparator: boolean;
  /** Returns whether one of these options was given. An option is a long name (`--force`) or a letter (`-f`). */
  has(...options: readonly string[]): boolean;
  /** Returns the last value of an option; undefined if it was not given with a value. */
  valueOf(...options: readonly string[]): CommandWord | undefined;
}

/**
 * Reads the parameters of a command.
 * @param withValue the options that take a value (`-m`, `--message`). The value of a letter may follow it without a
 * blank (`-mTEXT`)
 */
export function readCommandLine(parameters: readonly CommandWord[], withValue: readonly string[] = []): CommandLine {
  const operands: CommandWord[] = [];
  const options = new Map<string, CommandWord | undefined>();
  let separator = -1;
  for (let at = 0; at < parameters.length; at++) {
    const word = parameters[at] as CommandWord;
    const { text } = word;
    if (separator >= 0 || text === "-" || !text.startsWith("-")) {
      operands.push(word);
    } else if (text === "--") {
      separator = operands.length;
    } else if (text.startsWith("--")) {
      const equals = text.indexOf("=");
      const name = equals < 0 ? text : text.slice(0, equals);
      const value = equals < 0 ? (withValue.includes(name) ? parameters[++at] : undefined) : cut(word, equals + 1);
      options.set(name, value);
    } else {
      at += readLetters(word, parameters[at + 1], withValue, options);
    }
  }
  return {
    operands,
    beforeSeparator: separator < 0 ? operands.length : separator,
    hasSeparator: separator >= 0,
    has: (...names) => names.some((name) => options.has(name)),
    valueOf: (...names) => names.map((name) => options.get(name)).find((value) => value !== undefined),
  };
}

/** Reads the letters of a word such as `-rf`. Returns the number of further words that were read. */
function readLetters(
  word: CommandWord,
  next: CommandWord | undefined,
  withValue: readonly string[],
  options: Map<string, CommandWord | undefined>,
): number {
  for (let at = 1; at < word.text.length; at++) {
    const name = `-${word.text[at]}`;
    if (!withValue.includes(name)) {
      options.set(name, undefined);
      continue;
    }
    const isAttached = at + 1 < word.text.length;
    options.set(name, isAttached ? cut(word, at + 1) : next);
    return isAttached ? 0 : 1;
  }
  return 0;
}

function cut(word: CommandWord, start: number): CommandWord {
  return { ...word, text: word.text.slice(start) };
}
