/**
 * Adds Koor's lines to `.git/info/exclude`. They make `git status` ignore the files that belong to this machine only.
 * All working trees of a repository share the exclude file. Pure; runs in the CLI process.
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
 * @param isShared whether the project's files are to be committed; the lines of earlier runs are then removed
 */
export function excludeTarget(wanted: readonly string[], isShared: boolean): TargetFile {
  const name = nameOf("repository", EXCLUDE_FILE);
  const lines = (old: readonly string[]): readonly string[] => [...new Set([...(isShared ? [] : old), ...wanted])];
  const parts = [blockPart({ name, start: START, end: END, lines })];
  return { place: "repository", path: EXCLUDE_FILE, name, mode: FILE_MODE, isClients: false, parts };
}
