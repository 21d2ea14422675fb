/**
 * Normalizes the text of a command, so that two spellings of one command are equal: one space separates its words.
 * Pure; the server and the command line use it.
 */
import { shellWord } from "./shell-quote.js";

/** Returns a command with one space instead of each run of white space, and without white space at its ends. */
export function normalizeCommand(command: string): string {
  return command.trim().replace(/\s+/g, " ");
}

/** Joins words into the text of a command. A word that a shell would interpret is quoted. */
export function commandOfWords(words: readonly string[]): string {
  return normalizeCommand(words.map(shellWord).join(" "));
}
