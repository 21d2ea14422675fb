/**
 * Processes JSON as text, without parsing and serializing it again. So every number, escape and duplicate member stays
 * as it was written. `isJson` and `parseJson` accept any text. The other functions require a text that JSON.parse
 * accepts. Pure: server, command line and dashboard use it.
 *
 * No library is used, because texts are large: jsonc-parser takes 27 s to indent 0.3 MB (31 ms here), and its tree
 * overflows the stack at 20 000 levels.
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const BYTE_ORDER_MARK = 0xfeff;

/** Returns the value of a JSON text; undefined if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // JSON.parse throws only SyntaxError, so the text is not JSON.
    return undefined;
  }
}

/** Returns whether JSON.parse accepts the text. */
export function isJson(text: string): boolean {
  return parseJson(text) !== undefined;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    // Between the tokens of valid JSON, every character up to U+0020 is white space.
    if (!(code <= 0x20) && code !== BYTE_ORDER_MARK) return at;
    at++;
  }
}

/** Returns the offset after a string, or the text's length if the string has no end. The opening quote is at `from`. */
export function skipString(text: string, from: number): number {
  // indexOf is many times faster than a loop on long strings, and no slower on short ones.
  for (let quote = text.indexOf('"', from + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let escapesFrom = quote;
    while (text.charCodeAt(escapesFrom - 1) === BACKSLASH) escapesFrom--;
    // The quote ends the string if the number of backslashes before it is even. If it is odd, the last backslash
    // escapes the quote.
    if ((quote - escapesFrom) % 2 === 0) return quote + 1;
  }
  return text.length;
}

/** Returns the offset after the value that starts at `from`. */
function skipValue(text: string, from: number): number {
  let at = from;
  let depth = 0;
  do {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = skipString(text, at);
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth++;
      at++;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth--;
      at++;
    } else if (depth > 0) {
      at++;
    } else {
      return skipWord(text, at);
    }
  } while (depth > 0 && at < text.length);
  return at;
}

/** Returns the offset after a number, true, false or null. */
function skipWord(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (!(code > 0x20) || code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET) return at;
    at++;
  }
}

/**
 * Returns a map from the decoded name of each top-level member to its exact text. Returns undefined if the text is not
 * an object. If a name occurs more than once, the last member counts. JSON.parse must have accepted `text`, which may
 * begin with a byte order mark. The texts are slices of `text`, so each of them keeps all of `text` in memory.
 */
export function memberTexts(text: string): Map<string, string> | undefined {
  let at = skipBlanks(text, 0);
  if (text.charCodeAt(at) !== OPEN_BRACE) return undefined;
  const members = new Map<string, string>();
  at = skipBlanks(text, at + 1);
  while (text.charCodeAt(at) === QUOTE) {
    const nameEnd = skipString(text, at);
    const rawName = text.slice(at + 1, nameEnd - 1);
    const name = rawName.includes("\\") ? (JSON.parse(text.slice(at, nameEnd)) as string) : rawName;
    at = skipBlanks(text, nameEnd);
    if (text.charCodeAt(at) !== COLON) return undefined;
    const start = skipBlanks(text, at + 1);
    at = skipValue(text, start);
    members.set(name, text.slice(start, at));
    at = skipBlanks(text, at);
    if (text.charCodeAt(at) === COMMA) at = skipBlanks(text, at + 1);
  }
  return members;
}

/**
 * Returns the exact text of each element of an array; undefined if the text is not an array. As for `memberTexts`,
 * JSON.parse must have accepted `text`, and each result keeps all of `text` in memory.
 */
export function elementTexts(text: string): string[] | undefined {
  let at = skipBlanks(text, 0);
  if (text.charCodeAt(at) !== OPEN_BRACKET) return undefined;
  const elements: string[] = [];
  at = skipBlanks(text, at + 1);
  while (at < text.length && text.charCodeAt(at) !== CLOSE_BRACKET) {
    const end = skipValue(text, at);
    elements.push(text.slice(at, end));
    at = skipBlanks(text, end);
    if (text.charCodeAt(at) === COMMA) at = skipBlanks(text, at + 1);
    else break;
  }
  return elements;
}

/**
 * Puts a JSON text on one line by replacing each CR and LF by a space. Valid JSON has these characters only between
 * tokens, so the value stays the same.
 */
export function toOneLine(text: string): string {
  if (!text.includes("\n") && !text.includes("\r")) return text;
  return text.replace(/[\r\n]/g, " ");
}

const INDENT = "  ";
const PUNCTUATION = "[]{},:";

/**
 * Indents JSON by two spaces, like `JSON.stringify(value, null, 2)`. Returns undefined if the result would be longer
 * than `charactersMax` characters. Even a short text may exceed this limit, because deep nesting adds much white space
 * to each line.
 * @param depthMax the maximum number of indents of a line; lines that are nested deeper get this many
 */
export function indentJson(
  text: string,
  charactersMax = Number.POSITIVE_INFINITY,
  depthMax = Number.POSITIVE_INFINITY,
): string | undefined {
  const parts: string[] = [];
  const breaks: string[] = [];
  let characters = 0;
  let depth = 0;
  /** Whether the previous token was `[` or `{`. */
  let isFirst = false;
  const lineBreak = (): string => {
    const indents = Math.max(0, Math.min(depth, depthMax));
    return (breaks[indents] ??= "\n" + INDENT.repeat(indents));
  };

  let at = skipBlanks(text, 0);
  while (at < text.length) {
    const first = text.charAt(at);
    const end = first === '"' ? skipString(text, at) : PUNCTUATION.includes(first) ? at + 1 : skipWord(text, at);
    const closes = first === "]" || first === "}";
    if (closes) depth -= 1;
    // An empty array or object stays on one line.
    const before = closes === isFirst ? "" : lineBreak();
    isFirst = first === "[" || first === "{";
    if (isFirst) depth += 1;
    const part = before + text.slice(at, end) + (first === "," ? lineBreak() : first === ":" ? " " : "");
    characters += part.length;
    if (characters > charactersMax) return undefined;
    parts.push(part);
    at = skipBlanks(text, end);
  }
  return parts.join("");
}
