/** Finds what a tool call would do to the files of the workspace, before or after it runs. Pure. */
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
  /** The changes by git commands; none unless the tool is a shell. */
  readonly git: readonly GitChange[];
  /** The directory in which relative paths start; "" if it is not known. */
  readonly directory: string;
}

/** The arguments of shells that name the directory of a command. */
const DIRECTORY_ARGUMENTS = ["workdir", "directory", "dir_path", "working_directory", "cwd"] as const;
/** The arguments of shells with a command, or with a list of commands. */
const COMMAND_ARGUMENTS = ["command", "cmd"] as const;
const LIST_ARGUMENT = "commands";

const NO_PATHS: WrittenPaths = { paths: [], complete: true };

/** Returns what an event's tool call does. An event without a tool does nothing. */
export function toolEffects({ tool, directory }: Pick<HookInput, "tool" | "directory">): ToolEffects {
  if (tool === null) return { written: NO_PATHS, git: [], directory };
  if (tool.kind !== "shell") return { written: editedPaths(tool), git: [], directory };
  const commands = readShellCommands(shellCommandsOf(tool));
  return {
    written: shellWrites(commands),
    git: gitChanges(commands),
    directory: joinPath(directory, textAt(tool.parameters, DIRECTORY_ARGUMENTS) ?? ""),
  };
}

/** Returns the commands of a shell's call. Each of them starts in the directory of the call. */
export function shellCommandsOf({ parameters }: HookTool): string[] {
  const single = COMMAND_ARGUMENTS.map((name) => memberAt(parameters, name)).find((value) => value !== undefined);
  if (typeof single === "string") return [single];
  if (Array.isArray(single)) return [quoteWords(single)];
  const list: unknown = memberAt(parameters, LIST_ARGUMENT);
  if (typeof list === "string") return [list];
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => (typeof item === "string" ? item : (textAt(item, COMMAND_ARGUMENTS) ?? [])));
}

/** Returns the words of a command that is sent as a list as one text. */
function quoteWords(words: readonly unknown[]): string {
  return words.map((word) => (typeof word === "string" ? shellQuote(word) : "''")).join(" ");
}
