/**
 * Finds the files that a call of an editing tool writes. The arguments of the call name them. Each tool has its own
 * names for these arguments, and a client may use another client's names. So all known names are tried for every tool.
 * Pure.
 */
import type { HookTool } from "./input.js";
import { isJsonObject, type JsonObject, memberAt } from "./json-members.js";
import { findPatchPaths } from "./patch-paths.js";
import { PathCollector, type WrittenPaths } from "./path-collector.js";
import { wordsOf } from "./tool-kind.js";

/** The names of the arguments whose value is a file, or a list of files. */
const PATH_ARGUMENTS = [
  "file_path",
  "filePath",
  "path",
  "notebook_path",
  "notebookPath",
  "target_file",
  "targetFile",
  "relative_path",
  "relativePath",
  "destination",
  "new_path",
  "newPath",
  "file_paths",
  "filePaths",
  "paths",
] as const;
/** The arguments with the old name of a renamed or moved file. A copy has them too, but does not write the old file. */
const SOURCE_ARGUMENTS = ["source", "old_path", "oldPath"] as const;
/** The arguments whose value is a list: of files, or of changes that name their files. */
const LIST_ARGUMENTS = ["files", "edits", "replacements"] as const;
/** If an editing tool's argument `command` has one of these values, the tool only reads. */
const READING_COMMANDS: ReadonlySet<unknown> = new Set(["view", "read", "list"]);

/**
 * Returns the paths that a call of an editing tool writes. Returns none for any other tool; shell-writes.ts handles
 * shells.
 */
export function editedPaths({ name, kind, parameters }: HookTool): WrittenPaths {
  const found = new PathCollector();
  if (kind === "shell" || kind === "other" || READING_COMMANDS.has(memberAt(parameters, "command")))
    return found.result();
  addArguments(parameters, found);
  if (!wordsOf(name).includes("copy")) for (const argument of SOURCE_ARGUMENTS) addTexts(parameters, argument, found);
  for (const argument of LIST_ARGUMENTS) {
    const list = memberAt(parameters, argument);
    for (const item of Array.isArray(list) ? (list as readonly unknown[]) : []) {
      if (isJsonObject(item)) addArguments(item, found);
      else if (argument === "files" && typeof item === "string") found.add(item);
    }
  }
  if (kind === "patch") addPatches(parameters, found);
  return found.result();
}

function addArguments(parameters: JsonObject, found: PathCollector): void {
  for (const argument of PATH_ARGUMENTS) addTexts(parameters, argument, found);
}

function addTexts(parameters: JsonObject, argument: string, found: PathCollector): void {
  const value = memberAt(parameters, argument);
  for (const text of Array.isArray(value) ? (value as readonly unknown[]) : [value])
    if (typeof text === "string") found.add(text);
}

/** Adds the paths of all patches in the arguments. A patch is a text, or a word in a list of words. */
function addPatches(parameters: JsonObject, found: PathCollector): void {
  for (const value of Object.values(parameters)) {
    for (const text of Array.isArray(value) ? (value as readonly unknown[]) : [value])
      if (typeof text === "string" && !findPatchPaths(text, (path) => found.add(path))) found.cut();
  }
}
