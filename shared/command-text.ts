/**
 * Normalizes the text of a command, so that commands can be compared: one space between its words. Pure; the server and
 * the command line use it.
 */
import { shellQuote } from "./shell-quote.js";

/** Returns a command without white space at its ends, and with one space instead of each run of white space in it. */
export function normalizeCommand(command: string): string {
  return command.trim().replace(/\s+/g, " ");
}

/** Returns the text of a command that is given as words. Words that a shell would interpret are quoted. */
export function commandOfWords(words: readonly string[]): string {
  return normalizeCommand(words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : shellQuote(word))).join(" "));
}
