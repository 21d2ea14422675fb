/**
 * Finds what may follow on a command line: a command's word, a flag, or a value. It reads only the command table, so a
 * new command needs no change here. Pure; runs in the CLI process.
 */
import { findRow, findRowsBelow } from "../command-line.js";
import type { Argument, CommandRow, Flag, Values } from "../command-row.js";

/** A value that completion offers, with its description. The description may be "". */
export interface Candidate {
  readonly value: string;
  readonly about: string;
}

/**
 * The possible continuations of the line. Some candidates are already known. The others are the values of an argument
 * or flag, which the caller lists.
 */
export interface Question {
  readonly candidates: readonly Candidate[];
  readonly values?: Values;
  /** The text before each value in the same word, such as `--state=`. */
  readonly before: string;
  /** The part of the value that is already typed. */
  readonly typed: string;
  /** Whether `--` precedes the word. A word that begins with `-` is then no flag. */
  readonly flagsEnded: boolean;
}

/** A flag that the command line accepts. */
export interface KnownFlag extends Pick<Flag, "name" | "about" | "value" | "values" | "many" | "valueOptional"> {
  readonly short?: string;
}

/** Matches a placeholder that lists the values, such as `warn|auto|strict`. */
const WORD_LIST = /^[a-z][a-z_-]*(?:\|[a-z][a-z_-]*)+$/;
/** The placeholders that stand for paths of files. */
const PATH_PLACEHOLDERS: ReadonlySet<string> = new Set(["PATH", "DIR"]);

/** Returns the values of an argument or a flag. If none are declared, the placeholder may list them. */
function valuesOf({ values }: Argument | KnownFlag, placeholder: string | undefined): Values | undefined {
  if (values !== undefined || placeholder === undefined) return values;
  if (PATH_PLACEHOLDERS.has(placeholder)) return "file";
  return WORD_LIST.test(placeholder) ? placeholder.split("|") : undefined;
}

interface EarlierWords {
  readonly words: readonly string[];
  readonly given: ReadonlySet<string>;
  /** The flag whose value is the cursor's word; undefined if the word is no value of a flag. */
  readonly open: KnownFlag | undefined;
  /** Whether `--` is among the words. No flags follow it. */
  readonly flagsEnded: boolean;
}

/** Splits the words before the cursor's word into words and flags. `readTokens` does the same for a complete line. */
function splitEarlier(earlier: readonly string[], flags: ReadonlyMap<string, KnownFlag>): EarlierWords {
  const words: string[] = [];
  const given = new Set<string>();
  let open: KnownFlag | undefined;
  for (const [at, word] of earlier.entries()) {
    if (open !== undefined) {
      open = undefined;
      continue;
    }
    if (word === "--") return { words: [...words, ...earlier.slice(at + 1)], given, open, flagsEnded: true };
    const [name = ""] = word.split("=", 1);
    const flag = flags.get(name);
    if (flag !== undefined) {
      given.add(flag.name);
      if (flag.value !== undefined && name === word) open = flag;
    } else if (!word.startsWith("-") || word === "-") words.push(word);
  }
  return { words, given, open, flagsEnded: false };
}

function listWords(words: readonly string[], rows: readonly CommandRow[]): Candidate[] {
  const below = findRowsBelow(words, rows).filter((row) => row.words.length > words.length);
  const next = [...new Set(below.map((row) => row.words[words.length] ?? ""))];
  return next.map((value) => {
    const named = below.filter((row) => row.words[words.length] === value);
    const [one] = named;
    const about =
      named.length === 1 && one ? one.about : named.map((row) => row.words.slice(words.length + 1)).join("|");
    return { value, about: about.replace(/^\|/, "") };
  });
}

function listFlags(row: CommandRow | undefined, common: readonly KnownFlag[], given: ReadonlySet<string>): Candidate[] {
  const own: readonly KnownFlag[] = row?.flags ?? [];
  return [...own, ...common]
    .filter(({ name, many }) => many || !given.has(name))
    .map(({ name, about }) => ({ value: `--${name}`, about }));
}

/**
 * Returns the argument at a position after the command's words. An argument with many values takes all later positions.
 */
function argumentAt(row: CommandRow, at: number): Argument | undefined {
  const shown = (row.arguments ?? []).filter((argument) => !argument.afterDashes);
  const last = shown.at(-1);
  return shown[at] ?? (last?.many ? last : undefined);
}

/**
 * Finds what may follow on the line.
 * @param earlier the words between the program's name and the current word
 * @param current the beginning of the current word, up to the cursor
 */
export function askFor(
  earlier: readonly string[],
  current: string,
  rows: readonly CommandRow[],
  common: readonly KnownFlag[],
): Question {
  const known = [...rows.flatMap((row): readonly KnownFlag[] => row.flags ?? []), ...common];
  const flags = new Map(
    known.flatMap((flag) => [[`--${flag.name}`, flag] as const, [flag.short ?? "", flag] as const]),
  );
  flags.delete("");
  const { words, given, open, flagsEnded } = splitEarlier(earlier, flags);
  const helped = words[0] === "help" ? words.slice(1) : words;
  const row = findRow(helped, rows);
  const own = new Map((row?.flags ?? []).map((flag) => [flag.name, flag]));
  const answer = (candidates: readonly Candidate[], values?: Values, before = "", typed = current): Question => ({
    candidates,
    before,
    typed,
    flagsEnded,
    ...(values === undefined ? {} : { values }),
  });

  if (open !== undefined && !(open.valueOptional && current.startsWith("-"))) {
    const flag = own.get(open.name) ?? open;
    return answer([], valuesOf(flag, flag.value));
  }
  const afterDashes = row?.arguments?.find((argument) => argument.afterDashes);
  if (flagsEnded && afterDashes !== undefined) return answer([], valuesOf(afterDashes, undefined));
  if (!flagsEnded && current.startsWith("-")) {
    const equals = current.indexOf("=");
    if (equals < 0) return answer(listFlags(row, common, given));
    const flag = own.get(current.slice(2, equals));
    const values = flag === undefined ? undefined : valuesOf(flag, flag.value);
    return answer([], values, current.slice(0, equals + 1), current.slice(equals + 1));
  }
  const following = flagsEnded ? [] : listWords(helped, rows);
  if (words.length === 0 && !flagsEnded) following.push({ value: "help", about: "explain a command" });
  if (words[0] === "help" || row === undefined) return answer(following);
  const argument = argumentAt(row, words.length - row.words.length);
  if (argument === undefined) return answer(following.length > 0 ? following : listFlags(row, common, given));
  return answer(following, valuesOf(argument, argument.shown));
}
