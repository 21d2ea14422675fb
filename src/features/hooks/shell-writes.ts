/**
 * Finds the files that a shell command plainly writes: through redirections, and through the programs in WRITERS. Only
 * literal paths are found. A path that contains a variable or a substitution is not known before the command runs, and
 * neither is a relative path if the directory of its command is not certain. Pure.
 */
import { type CommandLine, readCommandLine } from "./command-line.js";
import { joinPath, styleOf } from "./file-path.js";
import { findPatchPaths } from "./patch-paths.js";
import { PathCollector, type WrittenPaths } from "./path-collector.js";
import type { CommandWord, ShellCommand } from "./shell-commands.js";

/** Returns the paths that commands write, relative to the directory of the call. */
export function shellWrites(commands: readonly ShellCommand[]): WrittenPaths {
  const found = new PathCollector();
  for (const command of commands) {
    for (const output of command.outputs) if (output.isCertain) addPath(output.text, command, found);
    if (!command.name.isLiteral) continue;
    if (PATCHERS.has(command.name.text)) addPatches(command, found);
    else for (const path of WRITERS.get(command.name.text)?.(command.parameters) ?? []) addPath(path, command, found);
  }
  return found.result();
}

/** Adds a path, relative to the directory of the call. Returns false if the limits allow no further path. */
function addPath(path: string, { directory, isDirectoryCertain }: ShellCommand, found: PathCollector): boolean {
  if (styleOf(path) !== null || path.startsWith("~")) return found.add(path);
  if (!isDirectoryCertain || directory === null) return true;
  return found.add(directory === "" ? path : joinPath(directory, path));
}

const PATCHERS: ReadonlySet<string> = new Set(["apply_patch", "applypatch"]);

/** Adds the paths of a patch that the command reads as a document or as a parameter. */
function addPatches(command: ShellCommand, found: PathCollector): void {
  const { name, parameters, documents } = command;
  const spelled = parameters.filter(({ isCertain }) => isCertain).map(({ text }) => text);
  for (const patch of name.isCertain ? [...spelled, ...documents] : [])
    if (!findPatchPaths(patch, (path) => addPath(path, command, found))) found.cut();
}

type PathsOf = (parameters: readonly CommandWord[]) => readonly string[];

/** The programs that write files, each with the function that returns the paths in its parameters. */
const WRITERS: ReadonlyMap<string, PathsOf> = new Map<string, PathsOf>([
  ["tee", (parameters) => certain(readCommandLine(parameters).operands)],
  ["rm", (parameters) => certain(readCommandLine(parameters).operands)],
  ["touch", (parameters) => certain(readCommandLine(parameters, ["-d", "-r", "-t", "--date", "--reference"]).operands)],
  ["truncate", (parameters) => certain(readCommandLine(parameters, ["-s", "-r", "--size", "--reference"]).operands)],
  ["mv", (parameters) => movedPaths(readCommandLine(parameters, TARGET_OPTIONS), true)],
  ["cp", (parameters) => movedPaths(readCommandLine(parameters, TARGET_OPTIONS), false)],
  ["sed", sedPaths],
]);

const TARGET_OPTIONS = ["-t", "-S", "--target-directory", "--suffix"];
const EXTENSION = /[^/]\.[A-Za-z][A-Za-z0-9]*$/;

function certain(words: readonly CommandWord[]): string[] {
  return words.filter(({ isCertain }) => isCertain).map(({ text }) => text);
}

/** Returns the paths that a move or a copy writes. The sources of a move are included, because it removes them. */
function movedPaths(line: CommandLine, takesAway: boolean): string[] {
  const directory = line.valueOf("-t", "--target-directory");
  const sources = directory === undefined ? line.operands.slice(0, -1) : line.operands;
  const target = directory ?? line.operands.at(-1);
  const taken = takesAway ? certain(sources) : [];
  if (target === undefined || sources.length === 0 || !target.isCertain) return taken;
  const isDirectory = directory !== undefined || sources.length > 1 || /(?:^|\/)\.{0,2}$/.test(target.text);
  const isFile = !isDirectory && (line.has("-T", "--no-target-directory") || EXTENSION.test(target.text));
  if (isFile) return [...taken, target.text];
  // The target may be a directory, so return the path below it. A lease of the target itself also covers this path.
  return [...taken, ...certain(sources).map((source) => `${target.text}/${baseName(source)}`)];
}

function baseName(path: string): string {
  const plain = path.replace(/\/$/, "");
  return plain.slice(plain.lastIndexOf("/") + 1);
}

const SED_SCRIPT_OPTIONS = ["-e", "-f", "--expression", "--file"];

/** Returns the files that `sed -i` edits. Without `-i` it writes none. */
function sedPaths(parameters: readonly CommandWord[]): string[] {
  // The suffix of backup files may follow `-i` without a blank. On macOS and BSD it is a separate word, which is often
  // empty.
  const inPlace = parameters.findIndex(({ text }) => /^(?:-[nErsuz]*i|--in-place)/.test(text));
  if (inPlace < 0) return [];
  const rest = parameters.filter(({ text }, at) => at !== inPlace && !(at === inPlace + 1 && text === ""));
  const line = readCommandLine(rest, [...SED_SCRIPT_OPTIONS, "-l", "--line-length"]);
  return certain(line.has(...SED_SCRIPT_OPTIONS) ? line.operands : line.operands.slice(1));
}
