/**
 * Koor's block in `.git/info/exclude`. It makes `git status` ignore the files that belong to one machine only. All
 * working trees of a repository share this file. Pure; runs in the CLI process.
 */
import { blockPart } from "./block-part.js";
import { nameOf, type TargetFile } from "./target-file.js";

const START = "# koor:start";
const END = "# koor:end";
const FILE_MODE = 0o644;

/** The path relative to the repository's folder. */
export const EXCLUDE_FILE = "info/exclude";

/**
 *
 * @param wanted the lines that the block must have
 * @param isShared whether the lines of earlier runs are removed, because these files are now to be committed
 */
export function excludeTarget(wanted: readonly string[], isShared: boolean): TargetFile {
  const name = nameOf("repository", EXCLUDE_FILE);
  const lines = (old: readonly string[]): readonly string[] => [...new Set([...(isShared ? [] : old), ...wanted])];
  const parts = [blockPart({ name, start: START, end: END, lines })];
  return { place: "repository", path: EXCLUDE_FILE, name, mode: FILE_MODE, isClients: false, parts };
}
