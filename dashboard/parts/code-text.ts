/**
 * Prepares stored bytes for display. If the bytes are text, decodes them, finds the language, and truncates long text.
 * Pure.
 */
import { indentJson, isJson } from "../../shared/json-text.js";

/** The maximum length of text that is shown with syntax colours. Colouring a longer text would block the page. */
export const COLOURED_CHARACTERS_MAX = 200_000;
/** The maximum length of text that is shown. Longer text is cut; the user can download the whole text. */
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

/**
 * Returns the language of a text. Text that parses as JSON counts as JSON; for any other text, the content type
 * decides.
 */
export function languageOf(contentType: string, text: string): Language {
  const byType = BY_TYPE.find(([test]) => test.test(contentType.toLowerCase()))?.[1];
  if (byType !== undefined && byType !== "json") return byType;
  return isJson(text) ? "json" : "plain";
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
 * The maximum depth to which JSON is indented. Without a limit, the output of deeply nested JSON would grow with the
 * square of the input's length.
 */
const INDENTS_MAX = 64;

/**
 * Indents JSON by two spaces. Only white space changes, so numbers keep their digits and members keep their order. Text
 * in another language is returned unchanged.
 */
export function indented(text: string, language: Language): string {
  if (language !== "json" || text.length > SHOWN_CHARACTERS_MAX) return text;
  return indentJson(text, Number.POSITIVE_INFINITY, INDENTS_MAX) ?? text;
}
