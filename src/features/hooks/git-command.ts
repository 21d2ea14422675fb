/**
 * Finds the git commands that may change or lose the work of other agents in the same repository. Describes for each
 * command which files, stashes, working trees or branches it would touch. Leaves out commands that only read, and
 * commands that only add or commit the files that they name. Pure.
 */
import { joinPath } from "./file-path.js";
import { GIT_RULES, type GitTouch } from "./git-rules.js";
import type { CommandWord, ShellCommand } from "./shell-commands.js";
import type { ShellWord } from "./shell-words.js";

export interface GitChange {
  /** The name of git's command, for example `reset`. */
  readonly command: string;
  readonly touches: GitTouch;
  /**
   * The directory in which git runs, relative to the directory of the tool call. It is "" for the directory of the call
   * itself, and null if it is not known. The paths in `touches` are relative to it.
   */
  readonly directory: string | null;
  /** The repository that the command names; null if git finds the repository by the directory. */
  readonly gitDirectory: string | null;
  /** The working tree that the command names; null if git finds the working tree by the directory. */
  readonly workTree: string | null;
}

/** Returns the changes that the commands would make, in the order of the commands. */
export function gitChanges(commands: readonly ShellCommand[]): GitChange[] {
  return commands.flatMap((command) => gitChange(command) ?? []);
}

const GIT = /^git(?:\.exe)?$/i;
/** Git's global options that take their value as a separate word, as in `git -C DIR reset`. */
const VALUE_OPTIONS: ReadonlySet<string> = new Set([
  ...["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--super-prefix", "--config-env", "--attr-source"],
]);

function gitChange({ name, parameters, environment, directory }: ShellCommand): GitChange | undefined {
  if (!name.isLiteral || !GIT.test(name.text)) return undefined;
  let place = directory;
  let gitDirectory = placeOf(environment.get("GIT_DIR"));
  let workTree = placeOf(environment.get("GIT_WORK_TREE"));
  let at = 0;
  for (; at < parameters.length; at++) {
    const word = parameters[at] as CommandWord;
    if (!word.text.startsWith("-")) break;
    const equals = word.text.indexOf("=");
    const isAttached = word.text.startsWith("--") && equals > 0;
    const option = isAttached ? word.text.slice(0, equals) : word.text;
    if (!VALUE_OPTIONS.has(option)) continue;
    const value = isAttached ? { ...word, text: word.text.slice(equals + 1) } : parameters[++at];
    if (value === undefined) return undefined;
    if (option === "-C") place = value.isLiteral && place !== null ? joinPath(place, value.text) : null;
    else if (option === "--git-dir") gitDirectory = placeOf(value);
    else if (option === "--work-tree") workTree = placeOf(value);
  }
  const command = parameters[at];
  if (command === undefined || !command.isLiteral) return undefined;
  const touches = GIT_RULES.get(command.text)?.(parameters.slice(at + 1));
  if (touches === undefined || touches === null) return undefined;
  return { command: command.text, touches, directory: place, gitDirectory, workTree };
}

/**
 * Returns the directory that a word names. Returns null if there is no word, or if its value is known only when the
 * command runs.
 */
function placeOf(word: ShellWord | undefined): string | null {
  return word !== undefined && word.isLiteral && word.text !== "" ? word.text : null;
}
