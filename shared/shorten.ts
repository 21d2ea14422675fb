/**
 * Shortens a text to its beginning before an answer or a page repeats it. Otherwise an error message would be as long
 * as the request, or several times as long. Pure, any thread.
 */
import { QUOTED_CHARACTERS_MAX } from "../schemas/limits/names.js";

/**
 * Returns the text. If it has more than `charactersMax` UTF-16 units, it is truncated there and `…` is added. A
 * surrogate pair is never split.
 */
export function shorten(text: string, charactersMax: number = QUOTED_CHARACTERS_MAX): string {
  if (text.length <= charactersMax) return text;
  const isPair = (text.codePointAt(charactersMax - 1) ?? 0) > 0xffff;
  return `${text.slice(0, isPair ? charactersMax - 1 : charactersMax)}…`;
}
