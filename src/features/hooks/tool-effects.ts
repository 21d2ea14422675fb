/**
 * Finds the effects of a tool call on the files of the workspace: the paths that it writes, and the git commands that
 * it runs. Pure.
 */
import { editedPaths } from "./edited-paths.js";
import { joinPath } from "./file-path.js";
import { type GitChange, gitChanges } from "./git-command.js";
import type { HookInput, HookTool } from "./input.js";
import { memberAt, textAt } from "./json-members.js";
import type { WrittenPaths } from "./path-collector.js";
import { readShellCommands } from "./shell-commands.js";
import { shellQuote } from "../../../shared/shell-quote.js";
import { shellWrites } from "./shell-writes.js";

export interface ToolEffects {
  readonly written: WrittenPaths;
  /** The changes that git commands of the call would make. Empty if the tool is not a shell. */
  readonly git: readonly GitChange[];
  /** The directory in which relative paths start; "" if it is not known. */
  readonly directory: string;
}

/** The arguments of a shell tool that name the directory of the command. */
const DIRECTORY_ARGUMENTS = ["workdir", "directory", "dir_path", "working_directory", "cwd"] as const;
/** The arguments of a shell tool that have a command, or a list of commands. */
const COMMAND_ARGUMENTS = ["command", "cmd"] as const;
const LIST_ARGUMENT = "commands";

const NO_PATHS: WrittenPaths = { paths: [], complete: true };

/** Returns the effects of an event's tool call. An event without a tool has none. */
export function toolEffects({ tool, directory }: Pick<HookInput, "tool" | "directory">): ToolEffects {
  if (tool === null) return { written: NO_PATHS, git: [], directory };
  if (tool.kind !== "shell") return { written: editedPaths(tool), git: [], directory };
  const commands = readShellCommands(shellTexts(tool));
  return {
    written: shellWrites(commands),
    git: gitChanges(commands),
    directory: joinPath(directory, textAt(tool.parameters, DIRECTORY_ARGUMENTS) ?? ""),
  };
}

/** Returns the commands in a call of a shell tool. Each of them starts in the directory of the call. */
export function shellTexts({ parameters }: HookTool): string[] {
  const single = COMMAND_ARGUMENTS.map((name) => memberAt(parameters, name)).find((value) => value !== undefined);
  if (typeof single === "string") return [single];
  if (Array.isArray(single)) return [quoteWords(single)];
  const list: unknown = memberAt(parameters, LIST_ARGUMENT);
  if (typeof list === "string") return [list];
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => (typeof item === "string" ? item : (textAt(item, COMMAND_ARGUMENTS) ?? [])));
}

/** Joins the words of a command into one text, with quotes where needed. */
function quoteWords(words: readonly unknown[]): string {
  return words.map((word) => (typeof word === "string" ? shellQuote(word) : "''")).join(" ");
}
