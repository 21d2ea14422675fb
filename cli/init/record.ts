/**
 * Reads and formats the record of the changes that `init` made in a project. The record lets `uninit` and later runs of
 * `init` undo these changes. It also gives `koor-hook` and the plugins the server and the headers.
 *
 * The record is in the user's folder, outside of the project, because it decides about files in the home folder.
 * `.koor/init.json` has the same content for people, and shows that `init` has run in the project. Runs in the CLI
 * process.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";

import { parseJson } from "../../shared/json-text.js";
import { isJsonObject, type JsonObject } from "../../shared/json-object.js";
import { readTextFile } from "../config-file.js";
import { CliFailure, refused } from "../failure.js";
import { RECORD_FILE, ownRecordPath } from "../own-record.js";
import { warn } from "../output.js";
import { isClientName, type ClientName } from "../mcp-clients.js";
import type { Place } from "./target-file.js";
import type { TextEdit } from "./text-edit.js";

export const RECORD_MODE = 0o600;

/** The version of the record's format. */
const FORMAT = 1;

export interface RecordedFile {
  readonly place: Place;
  readonly path: string;
  /** The hash of the file without Koor's parts; null if `init` created the file. */
  readonly before: string | null;
  readonly after: string;
  /** The difference between the file with and without Koor's parts; null if `init` created the file. */
  readonly edit: TextEdit | null;
  /**
   * The names of the objects and arrays that the file had before Koor's parts were added. `uninit` keeps them even if
   * they are empty.
   */
  readonly kept: readonly string[];
}

export interface FolderPath {
  readonly place: Place;
  readonly path: string;
}

export interface InitRecord {
  /** The server that hooks use. */
  readonly server: string;
  /** The servers of `--join`; undefined if the server was chosen in another way. */
  readonly joined: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly clients: readonly ClientName[];
  readonly isShared: boolean;
  readonly hasGuard: boolean;
  readonly files: readonly RecordedFile[];
  /** The folders that `init` made. */
  readonly folders: readonly FolderPath[];
  /** The absolute paths of the folders that `init` made in the user's own folder. */
  readonly ownFolders: readonly string[];
}

function contentOf(record: InitRecord): object {
  const { isShared, hasGuard, server, joined, headers, clients, files, folders } = record;
  // JSON leaves `joined` out if it is undefined.
  return { version: FORMAT, server, joined, headers, clients, shared: isShared, guard: hasGuard, files, folders };
}

/** Returns the text of `.koor/init.json`. */
export function formatRecord(record: InitRecord): string {
  return `${JSON.stringify(contentOf(record), null, 2)}\n`;
}

/**
 * Returns the text of the user's own record. It contains the path of the working tree, because the record is valid for
 * this tree only.
 */
export function formatOwnRecord(record: InitRecord, root: string): string {
  return `${JSON.stringify({ root, ...contentOf(record), own_folders: record.ownFolders }, null, 2)}\n`;
}

const PLACES: readonly unknown[] = ["project", "home", "repository"] satisfies readonly Place[];

function isPath(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const { place, path } = value;
  const isRelative = typeof path === "string" && /^[^/\\\0]/.test(path) && !path.split("/").includes("..");
  return PLACES.includes(place) && isRelative;
}

function isEdit(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const { at, length, old } = value;
  return Number.isSafeInteger(at) && Number.isSafeInteger(length) && typeof old === "string";
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function isFile(value: unknown): value is RecordedFile {
  if (!isJsonObject(value) || !isPath(value)) return false;
  const { before, after, edit, kept } = value;
  const isMade = before === null && edit === null;
  return typeof after === "string" && isTexts(kept) && (isMade || (typeof before === "string" && isEdit(edit)));
}

function parseRecord(parsed: JsonObject): InitRecord | undefined {
  if (parsed["version"] !== FORMAT) return undefined;
  const { server, joined, headers, clients, shared, guard, files, folders, own_folders: ownFolders } = parsed;
  if (typeof server !== "string" || !isJsonObject(headers) || !isTexts(Object.values(headers))) return undefined;
  if (!isTexts(clients) || !Array.isArray(files) || !files.every(isFile)) return undefined;
  if (!Array.isArray(folders) || !folders.every(isPath) || !isTexts(ownFolders)) return undefined;
  return {
    server,
    joined: typeof joined === "string" ? joined : undefined,
    headers: headers as Readonly<Record<string, string>>,
    clients: clients.filter(isClientName),
    isShared: shared === true,
    hasGuard: guard === true,
    files,
    folders: folders as readonly FolderPath[],
    ownFolders,
  };
}

/** Reads the user's record of a working tree; undefined if there is none. */
export function readRecord(root: string, environment: NodeJS.ProcessEnv): InitRecord | undefined | CliFailure {
  const path = existsSync(join(root, RECORD_FILE)) ? ownRecordPath(root, environment) : undefined;
  const text = path === undefined ? undefined : readTextFile({ path, name: path });
  if (path === undefined || text === undefined) return undefined;
  if (text instanceof CliFailure) return refused(text.message);
  const parsed = parseJson(text);
  // Two working trees may get the same file name, which is a hash. So the record must contain the path of this tree.
  if (isJsonObject(parsed) && typeof parsed["root"] === "string" && parsed["root"] !== root) return undefined;
  const record = isJsonObject(parsed) && parsed["root"] === root ? parseRecord(parsed) : undefined;
  return record ?? refused(`${path} is not a record of koor init, and stays as it is`);
}

/**
 * Reads the user's record of a working tree. If only the project itself has a record, warns and returns undefined,
 * because another person may have written that record.
 */
export function readRecordOrWarn(root: string, environment: NodeJS.ProcessEnv): InitRecord | undefined | CliFailure {
  const record = readRecord(root, environment);
  if (record === undefined && existsSync(join(root, RECORD_FILE)))
    warn(`${RECORD_FILE} is not a record of your own koor init in ${root}, and is ignored`);
  return record;
}
