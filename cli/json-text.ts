/**
 * Processes JSON as text. Nothing is parsed and serialized again, so every number, escape and duplicate member stays as
 * written. All functions except `isJson` require text that `JSON.parse` accepts. Written by hand because answers are
 * large: jsonc-parser takes 27 s to indent 0.3 MB (31 ms here), and its tree overflows the stack at 20 000 levels.
 * Other modules handle bytes, files and printing. Runs in the CLI process.
 */
import { CLI_PRETTY_CHARACTERS_MAX } from "../schemas/limits/cli.js";

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const INDENT = "  ";

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function skipWhitespace(text: string, from: number): number {
  let at = from;
  while (at < text.length && isWhitespace(text.charCodeAt(at))) at += 1;
  return at;
}

/** Returns the position after the end of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let at = start;
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at < 0) return text.length;
    let escapes = 0;
    while (text.charCodeAt(at - 1 - escapes) === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return at + 1;
  }
}

function isPunctuation(code: number): boolean {
  return (
    code === COMMA ||
    code === COLON ||
    code === OPEN_ARRAY ||
    code === CLOSE_ARRAY ||
    code === OPEN_OBJECT ||
    code === CLOSE_OBJECT
  );
}

/** Returns the position after the end of the number or word that starts at `start`. */
function endOfScalar(text: string, start: number): number {
  let at = start;
  while (at < text.length && !isWhitespace(text.charCodeAt(at)) && !isPunctuation(text.charCodeAt(at))) at += 1;
  return at;
}

/**
 * Indents JSON by two spaces, like `JSON.stringify(value, null, 2)`. Returns `undefined` if the result would be longer
 * than CLI_PRETTY_CHARACTERS_MAX. That is possible for short texts too, because deep nesting indents each line far.
 */
export function indentJson(text: string): string | undefined {
  const parts: string[] = [];
  const breaks: string[] = ["\n"];
  let characters = 0;
  let depth = 0;
  const breakAt = (wanted: number): string => (breaks[wanted] ??= "\n" + INDENT.repeat(wanted));

  let at = skipWhitespace(text, 0);
  while (at < text.length) {
    const code = text.charCodeAt(at);
    let end = at + 1;
    let part: string;
    if (code === QUOTE) {
      end = endOfString(text, at);
      part = text.slice(at, end);
    } else if (code === COMMA) {
      part = "," + breakAt(depth);
    } else if (code === COLON) {
      part = ": ";
    } else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      const next = skipWhitespace(text, end);
      const following = text.charCodeAt(next);
      if (following === CLOSE_OBJECT || following === CLOSE_ARRAY) {
        end = next + 1;
        part = code === OPEN_OBJECT ? "{}" : "[]";
      } else {
        depth += 1;
        part = text.charAt(at) + breakAt(depth);
      }
    } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      depth -= 1;
      part = breakAt(Math.max(depth, 0)) + text.charAt(at);
    } else {
      end = endOfScalar(text, at);
      part = text.slice(at, end);
    }
    characters += part.length;
    if (characters > CLI_PRETTY_CHARACTERS_MAX) return undefined;
    parts.push(part);
    at = skipWhitespace(text, end);
  }
  return parts.join("");
}

/** Builds a JSON object from the JSON texts of its members. Members that are undefined are omitted. */
export function objectOf(members: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(members).flatMap(([name, text]) =>
    text === undefined ? [] : [`${JSON.stringify(name)}:${text}`],
  );
  return `{${pairs.join(",")}}`;
}

/** Quotes a text as a JSON string. */
export function quoted(text: string | undefined): string | undefined {
  return text === undefined ? undefined : JSON.stringify(text);
}

/** Returns the source text of a member of a JSON object. If the member occurs several times, returns the last one. */
export function memberText(object: string, name: string): string | undefined {
  let found: string | undefined;
  for (const member of listElementTexts(object)) {
    const end = endOfString(member, 0);
    if (JSON.parse(member.slice(0, end)) === name) found = member.slice(skipWhitespace(member, end) + 1).trim();
  }
  return found;
}

/**
 * Returns the source text of each element of a JSON array. For an object, returns the source text of each member,
 * including its name.
 */
export function listElementTexts(text: string): string[] {
  const pieces: string[] = [];
  let at = skipWhitespace(text, skipWhitespace(text, 0) + 1);
  let depth = 1;
  let start = at;
  let end = at;
  while (at < text.length && depth > 0) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
      end = at;
      continue;
    }
    const closes = code === CLOSE_ARRAY || code === CLOSE_OBJECT;
    if (code === OPEN_ARRAY || code === OPEN_OBJECT) depth += 1;
    if (closes) depth -= 1;
    at += 1;
    if (depth === 0 || (depth === 1 && code === COMMA)) {
      if (end > start) pieces.push(text.slice(start, end));
      at = skipWhitespace(text, at);
      start = at;
      end = at;
    } else if (!isWhitespace(code)) {
      end = at;
    }
  }
  return pieces;
}
