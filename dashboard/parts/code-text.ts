/** Decodes stored bytes for display: the language, whether they are text, and how much of them is shown. Pure. */

/** Longer text is not coloured, because colouring would block the page. */
export const COLOURED_CHARACTERS_MAX = 200_000;
/** Longer text is cut; the whole text can be downloaded. */
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

/** Returns the language for a content type. Text that parses as JSON is JSON, whatever its content type. */
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

/** Decodes stored bytes as text; undefined if they are not text. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    // Control characters would break a terminal, so text that contains them is not shown as text.
    // oxlint-disable-next-line no-control-regex -- these are what is looked for
    return /[\u0000-\u0008\u000e-\u001f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/**
 * Indents JSON by two spaces; other text is returned unchanged. Only the whitespace between tokens changes, so numbers
 * keep their digits and members keep their order.
 */
export function indented(text: string, language: Language): string {
  if (language !== "json" || text.length > SHOWN_CHARACTERS_MAX) return text;
  const out: string[] = [];
  let depth = 0;
  /** Whether the next token is the first of its array or object. */
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

/** Maximum indentation depth: without it, the output could grow with the square of the text. */
const INDENTS_MAX = 64;

function newLine(depth: number): string {
  return `\n${"  ".repeat(Math.max(0, Math.min(depth, INDENTS_MAX)))}`;
}
