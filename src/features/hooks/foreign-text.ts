/**
 * Prepares texts that other agents wrote for the context of a model. The model must see such a text as data, not as a
 * part of the answer or an instruction of the client. So the text becomes one line in quotes. Control characters,
 * invisible characters, and the brackets in which clients enclose a context are removed. Pure.
 */
import { HOOK_NAME_BYTES_MAX, HOOK_QUOTE_BYTES_MAX } from "../../../schemas/limits/hooks.js";
import { utf8Length } from "../../../schemas/text.js";
import { replaceHidden } from "../../../schemas/visible-text.js";

const ELLIPSIS = "…";
/** Matches names that need no quotes. */
const PLAIN_NAME = /^[\p{L}\p{N}._@][\p{L}\p{N}._@/+-]*$/u;
const REPLACEMENTS: Readonly<Record<string, string>> = { '"': "'", "<": "‹", ">": "›" };

/** Returns the text. If it has more than `bytesMax` bytes, cuts it at the end of a character and adds `…`. */
export function cutToBytes(text: string, bytesMax: number): string {
  if (utf8Length(text) <= bytesMax) return text;
  const bytes = Buffer.from(text.slice(0, bytesMax));
  let end = Math.max(0, bytesMax - utf8Length(ELLIPSIS));
  // A byte of the form 10xxxxxx continues a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end) + ELLIPSIS;
}

/**
 * Returns a text that another agent wrote, in quotes.
 * @param bytesMax the maximum number of bytes between the quotes
 */
export function quoteForeign(text: string, bytesMax: number = HOOK_QUOTE_BYTES_MAX): string {
  return `"${plainLine(text, bytesMax)}"`;
}

/**
 * Returns a name that another agent has chosen, such as its own name or a branch. A name with unusual characters is
 * quoted.
 */
export function foreignName(name: string): string {
  const plain = plainLine(name, HOOK_NAME_BYTES_MAX);
  return plain === name && PLAIN_NAME.test(name) ? name : `"${plain}"`;
}

function plainLine(text: string, bytesMax: number): string {
  // Each UTF-16 code unit takes at least one byte in UTF-8, so more than `bytesMax` units cannot fit.
  const start = text.slice(0, bytesMax + 1).toWellFormed();
  const line = makeVisible(start)
    .replaceAll(/["<>]/g, (character) => REPLACEMENTS[character] ?? "")
    .replaceAll(/\s+/g, " ");
  const isCut = text.length > bytesMax + 1;
  // Remove invisible characters again. Some are accepted only next to certain characters, which may have been cut off.
  return makeVisible(cutToBytes(isCut ? `${line}${ELLIPSIS}` : line, bytesMax));
}

function makeVisible(text: string): string {
  return replaceHidden(text, (character) => (/\s/.test(character) ? " " : ""));
}
