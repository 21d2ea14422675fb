/**
 * Truncates a long text before an answer or a page repeats it. Otherwise an error message would be as long as the
 * request, or several times as long. Pure, any thread.
 */
import { QUOTED_CHARACTERS_MAX } from "../schemas/limits/names.js";

/**
 * Truncates a text that has more than `charactersMax` UTF-16 units, and adds `…`. A surrogate pair is never split. A
 * shorter text is returned unchanged.
 */
export function shorten(text: string, charactersMax: number = QUOTED_CHARACTERS_MAX): string {
  if (text.length <= charactersMax) return text;
  const isPair = (text.codePointAt(charactersMax - 1) ?? 0) > 0xffff;
  return `${text.slice(0, isPair ? charactersMax - 1 : charactersMax)}…`;
}
