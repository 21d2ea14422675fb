/**
 * Lists the files that `init` changes, and Koor's parts in each file. The list does not depend on the existing files;
 * file-change.ts compares the two. Pure; runs in the CLI process.
 */
import type { ClientName, Connection } from "../mcp-clients.js";
import { mcpClient } from "../mcp-clients.js";
import { AGENTS_FILE, agentsPart, CLAUDE_FILES, claudeImportPart } from "./agents-text.js";
import { CLIENTS, hookPath, type HookFile } from "./clients.js";
import {
  CLIENT_TIMEOUT_S,
  canUseHttp,
  hookCommand,
  homeHookCommand,
  httpHook,
  reportHook,
  wakeHook,
  type HookTransport,
} from "./hook-command.js";
import { jsonHooksPart } from "./json-hooks-part.js";
import { mcpPart } from "./mcp-part.js";
import type { Part } from "./part.js";
import { projectPart, type ProjectMembers } from "./project-part.js";
import { tomlHooksPart } from "./toml-hooks-part.js";
import { FILE_MARK, wholeFilePart } from "./whole-file-part.js";

export const PROJECT_FILE = ".koor/project.json";
const FILE_MODE = 0o644;
const PROGRAM_MODE = 0o755;

/** The folder to which the path of a file is relative. `repository` is git's folder, which all working trees share. */
export type Place = "project" | "home" | "repository";

export interface TargetFile {
  readonly place: Place;
  /** The path relative to the place's folder, with `/` as separator. */
  readonly path: string;
  /** The name of the file, as messages to the user show it. */
  readonly name: string;
  /** The permissions of a new file. */
  readonly mode: number;
  /** Whether the file belongs to a client. If git tracks such a file, `init` changes it only with `--shared`. */
  readonly isClients: boolean;
  readonly parts: readonly Part[];
}

/** The values from which Koor's parts are made. The chosen clients are passed separately. */
export interface PartContext {
  readonly transport: HookTransport;
  readonly connection: Omit<Connection, "bridged">;
  readonly project: ProjectMembers;
  readonly isShared: boolean;
}

/** Returns the key that identifies a file. */
export function keyOf({ place, path }: Pick<TargetFile, "place" | "path">): string {
  return `${place}:${path}`;
}

export function nameOf(place: Place, path: string): string {
  if (place === "home") return `~/${path}`;
  return place === "repository" ? `.git/${path}` : path;
}

function target(place: Place, path: string, part: Part, more: Partial<TargetFile> = {}): TargetFile {
  return { place, path, name: nameOf(place, path), mode: FILE_MODE, isClients: true, parts: [part], ...more };
}

/** Returns the script for one event. It is for clients that run an executable file for each event. */
function scriptText(command: string): string {
  return `#!/bin/sh\n# ${FILE_MARK}: passes the event to Koor's server.\n${command}\n`;
}

/** Returns Koor's element for each event. It is added to the array that the client's file has for the event. */
function hookElements(
  client: ClientName,
  { format }: HookFile,
  transport: HookTransport,
): Readonly<Record<string, object>> {
  const usual = hookCommand(client, transport);
  const elementOf = (event: string): object => {
    if (format.kind === "copilot") return { type: "command", bash: usual, timeoutSec: CLIENT_TIMEOUT_S };
    if (format.kind !== "groups") return { command: usual, timeout: CLIENT_TIMEOUT_S };
    const isHttp = format.httpEvents.includes(event) && canUseHttp(transport);
    const timeoutS = event === "SessionEnd" ? (format.endTimeoutS ?? CLIENT_TIMEOUT_S) : CLIENT_TIMEOUT_S;
    const timeout = format.timeoutUnit === "ms" ? timeoutS * 1000 : timeoutS;
    const isOfProgram = format.programEvents?.includes(event) === true;
    const command = isOfProgram ? homeHookCommand(client, transport) : usual;
    const hook = isHttp ? httpHook(client, transport) : { type: "command", command, timeout };
    const report = format.reportEvents?.includes(event) === true ? [reportHook(transport)] : [];
    return { hooks: [hook, ...report, ...(event === format.wakeEvent ? [wakeHook(client, transport)] : [])] };
  };
  const events = format.kind === "plugin" ? [] : format.events;
  return Object.fromEntries(events.map((event) => [event, elementOf(event)]));
}

function hookTargets(client: ClientName, { transport, isShared }: PartContext): readonly TargetFile[] {
  const { hooks } = CLIENTS[client];
  const { place, path } = hookPath(hooks, isShared);
  const { format } = hooks;
  const name = nameOf(place, path);
  switch (format.kind) {
    case "plugin":
      return [target(place, path, wholeFilePart(name, format.text))];
    case "scripts":
      return format.events.map((event) => {
        const file = `${path}/${event}`;
        const part = wholeFilePart(nameOf(place, file), scriptText(hookCommand(client, transport)));
        return target(place, file, part, { mode: PROGRAM_MODE });
      });
    case "toml": {
      const command = homeHookCommand(client, transport);
      return [target(place, path, tomlHooksPart({ name, events: format.events, command, timeoutS: CLIENT_TIMEOUT_S }))];
    }
    default: {
      const version = format.kind === "groups" ? {} : { version: format.version };
      const elements = hookElements(client, hooks, transport);
      return [target(place, path, jsonHooksPart({ name, elements, ...version }))];
    }
  }
}

function mcpTarget(client: ClientName, { connection }: PartContext): TargetFile {
  const row = mcpClient(client);
  const bridged = connection.withToken && !row.sendsToken;
  return target(row.place, row.path, mcpPart(row, nameOf(row.place, row.path), { ...connection, bridged }));
}

/** Merges targets with the same file into one target, which has the parts of all of them. */
function joinFiles(files: readonly TargetFile[]): readonly TargetFile[] {
  const joined = new Map<string, TargetFile>();
  for (const file of files) {
    const other = joined.get(keyOf(file));
    joined.set(keyOf(file), other === undefined ? file : { ...other, parts: [...other.parts, ...file.parts] });
  }
  return [...joined.values()];
}

/** Returns the files of the clients, with their MCP entries and their hooks. */
export function clientTargets(clients: readonly ClientName[], context: PartContext): readonly TargetFile[] {
  const hooks = clients.flatMap((client) => {
    // Copilot CLI and VS Code read the same file. If both are set up, the file gets Copilot's hooks, because Copilot
    // refuses tools if a hook fails.
    const isTaken = client === "vscode" && clients.includes("copilot");
    return isTaken ? [] : hookTargets(client, context);
  });
  return joinFiles([...clients.map((client) => mcpTarget(client, context)), ...hooks]);
}

/** Returns the project's own files that describe Koor. */
export function projectTargets(context: PartContext): readonly TargetFile[] {
  return [
    target("project", PROJECT_FILE, projectPart(PROJECT_FILE, context.project), { isClients: false }),
    target("project", AGENTS_FILE, agentsPart(), { isClients: false }),
  ];
}

/** Returns the file in which Claude Code imports `AGENTS.md`. */
export function claudeImportTarget(): TargetFile {
  return target("project", CLAUDE_FILES[0], claudeImportPart(), { isClients: false });
}
