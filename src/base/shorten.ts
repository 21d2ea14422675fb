/**
 * Shortens a client's text that an answer repeats to its beginning. Otherwise a refusal would be as long as the
 * request, or several times as long. Pure, any thread.
 */
import { QUOTED_CHARACTERS_MAX } from "../../schemas/limits.js";

/** Returns the text, truncated with `…` after `charactersMax` UTF-16 units. A surrogate pair is never split. */
export function shorten(text: string, charactersMax: number = QUOTED_CHARACTERS_MAX): string {
  if (text.length <= charactersMax) return text;
  const isPair = (text.codePointAt(charactersMax - 1) ?? 0) > 0xffff;
  return `${text.slice(0, isPair ? charactersMax - 1 : charactersMax)}…`;
}
