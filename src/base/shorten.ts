/**
 * What a client sent, as an answer repeats it: the beginning of a long text. Without it a refusal would be as long as
 * the request, or several times as long. Pure, any thread.
 */
import { QUOTED_CHARACTERS_MAX } from "../../schemas/limits.js";

/** The text, of which `…` stands for what is after so many UTF-16 units; a surrogate pair is kept or left whole. */
export function shorten(text: string, charactersMax: number = QUOTED_CHARACTERS_MAX): string {
  if (text.length <= charactersMax) return text;
  const isPair = (text.codePointAt(charactersMax - 1) ?? 0) > 0xffff;
  return `${text.slice(0, isPair ? charactersMax - 1 : charactersMax)}…`;
}
