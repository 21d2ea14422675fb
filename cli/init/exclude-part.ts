/**
 * Koor's block in `.git/info/exclude`, which keeps files of one machine out of `git status`. All working trees of a
 * repository share the file. Pure; runs in the CLI process.
 */
import { blockPart } from "./block-part.js";
import type { Part } from "./part.js";

const START = "# koor:start";
const END = "# koor:end";

/**
 * @param name the file's name in messages
 * @param wanted the lines that must be there
 * @param keepsOld whether the lines of earlier runs stay
 */
export function excludePart(name: string, wanted: readonly string[], keepsOld: boolean): Part {
  const lines = (old: readonly string[]): readonly string[] => [...new Set([...(keepsOld ? old : []), ...wanted])];
  return blockPart({ name, start: START, end: END, lines });
}
