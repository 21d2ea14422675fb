/**
 * TOML as text, as far as replacing one table needs it: where tables begin and end, whatever strings,
 * comments and arrays hold in between. What is not a table's head is never read for its meaning. Pure; runs
 * in the command line's process.
 */

/** One table, from the line of its head to the head of the next. */
export interface TomlTable {
  /** Its key, part by part; empty for what stands before the first head. */
  readonly path: readonly string[];
  /** `[[key]]`: one of a list. */
  readonly repeated: boolean;
  readonly start: number;
  readonly end: number;
  /** The first part of each key that is set in it, with its quotes taken off, and the second where it is dotted. */
  readonly keys: readonly (readonly string[])[];
}

/** A bare or quoted part of a key; escapes are left as they are, since no key of ours has any. */
const KEY_PART = String.raw`(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')`;
const KEY = `${KEY_PART}(?:[ \\t]*\\.[ \\t]*${KEY_PART})*`;
const HEAD = new RegExp(`^[ \\t]*(\\[\\[?)[ \\t]*(${KEY})[ \\t]*(\\]\\]?)[ \\t]*(?:#[^\\n]*)?\\r?$`);
const ASSIGNMENT = new RegExp(`^[ \\t]*(${KEY})[ \\t]*=[ \\t]*(?=\\S)`);
const NOTHING = /^[ \t]*(?:#[^\n]*)?\r?$/;
const PARTS = new RegExp(KEY_PART, "g");

function splitKey(key: string): string[] {
  return (key.match(PARTS) ?? []).map((part) => part.replace(/^(["'])(.*)\1$/s, "$2"));
}

/** The position behind a string that opens at `at`; undefined where it does not end. */
function endOfString(text: string, at: number): number | undefined {
  const quote = text.charAt(at);
  const long = text.startsWith(quote.repeat(3), at);
  const closing = long ? quote.repeat(3) : quote;
  for (let from = at + closing.length; from < text.length; from += 1) {
    if (quote === '"' && text.charAt(from) === "\\") from += 1;
    else if (!long && text.charAt(from) === "\n") return undefined;
    else if (text.startsWith(closing, from)) {
      // Up to two quotes of a long string's own may stand before its end.
      const end = from + closing.length;
      return long ? end + [1, 2].filter((quotes) => text.startsWith(quote.repeat(quotes), end)).length : end;
    }
  }
  return undefined;
}

/** The position behind the line in which the value that begins at `at` ends; undefined where it does not end. */
function endOfValue(text: string, at: number): number | undefined {
  const open: string[] = [];
  for (let from = at; from < text.length; from += 1) {
    const char = text.charAt(from);
    if (char === '"' || char === "'") {
      const end = endOfString(text, from);
      if (end === undefined) return undefined;
      from = end - 1;
    } else if (char === "[" || char === "{") {
      open.push(char === "[" ? "]" : "}");
    } else if (char === "]" || char === "}") {
      if (open.pop() !== char) return undefined;
    } else if (char === "#") {
      while (from + 1 < text.length && text.charAt(from + 1) !== "\n") from += 1;
    } else if (char === "\n" && open.length === 0) {
      return from + 1;
    }
  }
  return open.length === 0 ? text.length : undefined;
}

/** The tables of a text in order, the first without a head; undefined where it is not TOML. */
export function listTables(text: string): TomlTable[] | undefined {
  const tables: TomlTable[] = [];
  let current: { path: string[]; repeated: boolean; start: number; keys: string[][] } = {
    path: [],
    repeated: false,
    start: 0,
    keys: [],
  };
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf("\n", at);
    const next = newline < 0 ? text.length : newline + 1;
    const line = text.slice(at, newline < 0 ? text.length : newline);
    const head = HEAD.exec(line);
    const assignment = ASSIGNMENT.exec(line);
    if (head !== null) {
      const [, opening = "", key = "", closing = ""] = head;
      if (opening.length !== closing.length) return undefined;
      tables.push({ ...current, end: at });
      current = { path: splitKey(key), repeated: opening === "[[", start: at, keys: [] };
      at = next;
    } else if (assignment !== null) {
      const end = endOfValue(text, at + assignment[0].length);
      if (end === undefined) return undefined;
      current.keys.push(splitKey(assignment[1] ?? ""));
      at = end;
    } else if (NOTHING.test(line)) {
      at = next;
    } else {
      return undefined;
    }
  }
  return [...tables, { ...current, end: text.length }];
}
