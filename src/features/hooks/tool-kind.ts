/**
 * Finds the kind of a tool by its name. The clients' own tools are in the table of clients. Any other tool, for example
 * one of an MCP server, writes files if its name contains a word such as `edit`. Pure.
 */
import { HOOK_TOOL_CHARACTERS_MAX } from "../../../schemas/limits/hooks.js";
import type { HookClient, ToolKind } from "./client.js";
import { CLIENTS } from "./clients.js";

/**
 * The tools of all clients, by their names in lower case. A client that runs another client's hooks may use its own
 * names of tools, or those of the other client.
 */
const KNOWN: ReadonlyMap<string, ToolKind> = new Map(
  CLIENTS.flatMap(({ tools }) => Object.entries(tools).map(([name, kind]) => [name.toLowerCase(), kind] as const)),
);

/** If a tool's name has one of these words, the tool writes. The value is the kind of the tool. */
const WRITING: ReadonlyMap<string, ToolKind> = new Map([
  ["write", "write"],
  ["create", "write"],
  ["save", "write"],
  ["delete", "write"],
  ["remove", "write"],
  ["rename", "write"],
  ["move", "write"],
  ["copy", "write"],
  ["overwrite", "write"],
  ["append", "write"],
  ["insert", "edit"],
  ["edit", "edit"],
  ["editor", "edit"],
  ["multiedit", "edit"],
  ["replace", "edit"],
  ["modify", "edit"],
  ["update", "edit"],
  ["format", "edit"],
  ["patch", "patch"],
  ["apply", "patch"],
]);

/** If a word of the tool's name is in this set, and no word before it is in WRITING, the tool only reads. */
const READING: ReadonlySet<string> = new Set(["read", "get", "list", "view", "show", "fetch", "describe", "preview"]);

/** A tool that creates one of these only makes a directory. This changes no file that another agent may have leased. */
const DIRECTORIES: ReadonlySet<string> = new Set(["directory", "directories", "dir", "folder"]);

/** Returns the kind of a tool. If its name is too long to examine, it is `other`. */
export function toolKind(client: HookClient, name: string): ToolKind {
  if (name.length > HOOK_TOOL_CHARACTERS_MAX) return "other";
  if (Object.hasOwn(client.tools, name)) return client.tools[name] as ToolKind;
  return KNOWN.get(name.toLowerCase()) ?? kindByWords(wordsOf(ownName(name)));
}

/** Returns the name of an MCP server's tool without the server's name, for example `tool` for `mcp__server__tool`. */
function ownName(name: string): string {
  for (const separator of ["__", ":", "/", "."]) {
    const at = name.lastIndexOf(separator);
    if (at >= 0 && at + separator.length < name.length) return ownName(name.slice(at + separator.length));
  }
  return name;
}

/** Returns the words of a name in lower case. Words are separated by other characters, or begin with a capital. */
export function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]/)
    .filter((word) => word !== "");
}

function kindByWords(words: readonly string[]): ToolKind {
  for (const word of words) {
    if (READING.has(word)) return "other";
    const kind = WRITING.get(word);
    if (kind !== undefined) return word === "create" && words.some((other) => DIRECTORIES.has(other)) ? "other" : kind;
  }
  return "other";
}
