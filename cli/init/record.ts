/**
 * Reads and formats `.koor/init.json`, the record of what `init` wrote in a project, for `uninit` and for later runs of
 * `init`. `koor-hook` and the plugins read the server and the headers from it. The record of one working tree is valid
 * only there. Runs in the CLI process.
 */
import { parseJson } from "../../shared/json-text.js";
import { isJsonObject } from "../../shared/json-object.js";
import { readTextFile } from "../config-file.js";
import { CliFailure, refused } from "../failure.js";
import { isClientName, type ClientName } from "../mcp-clients.js";
import type { Place } from "./target-file.js";
import type { TextEdit } from "./text-edit.js";

export const RECORD_FILE = ".koor/init.json";
export const RECORD_MODE = 0o600;

/** The version of the record's format. */
const FORMAT = 1;

export interface RecordedFile {
  readonly place: Place;
  readonly path: string;
  /** The hash of the file without Koor's parts; null if `init` made the file. */
  readonly before: string | null;
  readonly after: string;
  /** The difference between the two versions; null if `init` made the file. */
  readonly edit: TextEdit | null;
  /** The containers that the file had before, even if they were empty. */
  readonly kept: readonly string[];
}

export interface FolderPath {
  readonly place: Place;
  readonly path: string;
}

export interface InitRecord {
  readonly server: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly clients: readonly ClientName[];
  readonly isShared: boolean;
  readonly hasGuard: boolean;
  readonly files: readonly RecordedFile[];
  /** The folders that `init` made. */
  readonly folders: readonly FolderPath[];
}

export function formatRecord({ isShared, hasGuard, ...record }: InitRecord): string {
  const { server, headers, clients, files, folders } = record;
  const content = { version: FORMAT, server, headers, clients, shared: isShared, guard: hasGuard, files, folders };
  return `${JSON.stringify(content, null, 2)}\n`;
}

const PLACES: readonly unknown[] = ["project", "home", "repository"] satisfies readonly Place[];

function isPath(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const { place, path } = value;
  // The file may come from other people. Its paths must not lead out of their places.
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

function parseRecord(text: string): InitRecord | undefined {
  const parsed = parseJson(text);
  if (!isJsonObject(parsed) || parsed["version"] !== FORMAT) return undefined;
  const { server, headers, clients, shared, guard, files, folders } = parsed;
  if (typeof server !== "string" || !isJsonObject(headers) || !isTexts(Object.values(headers))) return undefined;
  if (!isTexts(clients) || !Array.isArray(files) || !files.every(isFile)) return undefined;
  if (!Array.isArray(folders) || !folders.every(isPath)) return undefined;
  return {
    server,
    headers: headers as Readonly<Record<string, string>>,
    clients: clients.filter(isClientName),
    isShared: shared === true,
    hasGuard: guard === true,
    files,
    folders: folders as readonly FolderPath[],
  };
}

/** Reads the record of a working tree; undefined if there is none. */
export function readRecord(path: string, root: string): InitRecord | undefined | CliFailure {
  const text = readTextFile({ path, name: RECORD_FILE, root });
  if (text === undefined) return undefined;
  if (text instanceof CliFailure) return refused(text.message);
  return parseRecord(text) ?? refused(`${RECORD_FILE} is not a record of koor init, and stays as it is`);
}
