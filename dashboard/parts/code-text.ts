/** Stored bytes as text to look at: what language it is, whether it is text at all, and how much of it. Pure. */

/** More than this is not coloured: it would keep the page busy. */
export const COLOURED_CHARACTERS_MAX = 200_000;
/** More than this is cut; the whole of it can be had as a file. */
export const SHOWN_CHARACTERS_MAX = 1_000_000;

export type Language = "json" | "yaml" | "markdown" | "xml" | "typescript" | "ini" | "plain";

const BY_TYPE: readonly (readonly [test: RegExp, language: Language])[] = [
  [/json/, "json"],
  [/ya?ml/, "yaml"],
  [/markdown/, "markdown"],
  [/xml|html|svg/, "xml"],
  [/javascript|typescript|ecmascript/, "typescript"],
  [/toml|ini/, "ini"],
];

/** The language by a content type; a text that is JSON whatever its type says is JSON. */
export function languageOf(content_type: string, text: string): Language {
  const by_type = BY_TYPE.find(([test]) => test.test(content_type.toLowerCase()))?.[1];
  if (by_type !== undefined && by_type !== "json") return by_type;
  return isJson(text) ? "json" : "plain";
}

function isJson(text: string): boolean {
  if (!/^\s*[[{"\d\-tfn]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The text of stored bytes; undefined where they are none. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    // What a terminal would choke on is not shown as text either.
    // oxlint-disable-next-line no-control-regex -- these are what is looked for
    return /[\u0000-\u0008\u000e-\u001f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/**
 * JSON as people read it, two spaces an indent; any other text as it is. Only what lies between tokens is another, so
 * that numbers keep their digits, and members their order.
 */
export function indented(text: string, language: Language): string {
  if (language !== "json" || text.length > SHOWN_CHARACTERS_MAX) return text;
  const out: string[] = [];
  let depth = 0;
  /** What comes next is the first of its array or object. */
  let first = false;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g)) {
    const closes = token === "}" || token === "]";
    if (closes) depth -= 1;
    if (closes !== first) out.push(newLine(depth));
    first = token === "{" || token === "[";
    if (first) depth += 1;
    out.push(token);
    if (token === ",") out.push(newLine(depth));
    else if (token === ":") out.push(" ");
  }
  return out.join("");
}

/** Deeper than this nothing is moved to the right any more: lines would grow with the square of the text. */
const INDENTS_MAX = 64;

function newLine(depth: number): string {
  return `\n${"  ".repeat(Math.max(0, Math.min(depth, INDENTS_MAX)))}`;
}
