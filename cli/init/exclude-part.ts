/**
 * Koor's block in `.git/info/exclude`, which keeps files of one machine out of `git status`. All working trees of a
 * repository share the file. Pure; runs in the CLI process.
 */
import { blockPart } from "./block-part.js";
import { nameOf, type TargetFile } from "./target-file.js";

const START = "# koor:start";
const END = "# koor:end";
const FILE_MODE = 0o644;

/** The path below git's folder. */
export const EXCLUDE_FILE = "info/exclude";

/**
 * @param wanted the lines that must be there
 * @param isShared whether the lines replace those of earlier runs, because the files are to be committed now
 */
export function excludeTarget(wanted: readonly string[], isShared: boolean): TargetFile {
  const name = nameOf("repository", EXCLUDE_FILE);
  const lines = (old: readonly string[]): readonly string[] => [...new Set([...(isShared ? [] : old), ...wanted])];
  const parts = [blockPart({ name, start: START, end: END, lines })];
  return { place: "repository", path: EXCLUDE_FILE, name, mode: FILE_MODE, isClients: false, parts };
}
