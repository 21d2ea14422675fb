/**
 * Reads and writes the record of what `guard install` changed, in the repository's own folder. `guard uninstall` takes
 * back what the record says, and nothing else. Runs in the CLI process.
 */
import { join, sep } from "node:path";

import { isJsonObject } from "../../shared/json-object.js";
import { parseJson } from "../../shared/json-text.js";
import { readTextFile } from "../config-file.js";
import { CliFailure, refused } from "../failure.js";
import type { Previous } from "./hook-script.js";
import type { Repository } from "./repository.js";
import { refuseLinks } from "./safe-file.js";

const FOLDER = "koor";
const FILE = "guard.json";

export interface InstallRecord {
  readonly strict: boolean;
  /** The scripts that were written, with the hash of each. Their paths begin in the repository's own folder. */
  readonly files: readonly { readonly path: string; readonly hash: string }[];
  /** The folders that were made for them, the outermost first, as paths in the same folder. */
  readonly folders: readonly string[];
  /** How git was pointed to the scripts; null if they stand where git looks without that. */
  readonly config: {
    /** Where the scripts look for the hooks that run first. */
    readonly previous: Previous;
    /** The value of core.hooksPath now: the folder of the scripts, where the repository was at that time. */
    readonly folder: string;
    /** The bytes of the configuration before the change, in base64. */
    readonly before: string;
    /** The hash of its bytes after the change. */
    readonly after: string;
    /** The value of core.hooksPath before; null if there was none in the repository's own configuration. */
    readonly value: string | null;
  } | null;
}

/** Returns the folder with the record and, if git is pointed to them, the scripts. */
export function guardFolder({ commonFolder }: Repository): string {
  return join(commonFolder, FOLDER);
}

export function recordPath(repository: Repository): string {
  return join(guardFolder(repository), FILE);
}

/** Matches the folders of the guard's scripts, and the scripts, with `/` as separator. */
const SCRIPT_FOLDER = /^(?:hooks|koor|koor\/hooks(?:-\d+)?)$/;
const SCRIPT = /^(?:hooks|koor\/hooks(?:-\d+)?)\/[a-z0-9-]+$/;

function isPath(value: unknown, pattern: RegExp): boolean {
  return typeof value === "string" && pattern.test(value.replaceAll(sep, "/"));
}

function isConfig(value: unknown): boolean {
  if (value === null) return true;
  if (!isJsonObject(value) || !isJsonObject(value["previous"])) return false;
  const { folder, before, after, value: earlier } = value;
  return [folder, before, after, earlier ?? ""].every((one) => typeof one === "string");
}

/**
 * Whether a value is a record. The file may come from other people with the repository, so its paths are only those of
 * the guard's own scripts.
 */
function isRecord(value: unknown): value is InstallRecord {
  if (!isJsonObject(value)) return false;
  const { files, folders, config } = value;
  return (
    Array.isArray(files) &&
    files.every((file) => isJsonObject(file) && isPath(file["path"], SCRIPT) && typeof file["hash"] === "string") &&
    Array.isArray(folders) &&
    folders.every((folder) => isPath(folder, SCRIPT_FOLDER)) &&
    isConfig(config)
  );
}

/** Reads the record; undefined if the guard is not installed. */
export function readRecord(repository: Repository): InstallRecord | undefined | CliFailure {
  const path = recordPath(repository);
  const linked = refuseLinks(repository.commonFolder, path);
  if (linked !== undefined) return linked;
  const text = readTextFile({ path, name: path });
  if (text === undefined || text instanceof CliFailure) return text;
  const parsed = parseJson(text);
  return isRecord(parsed) ? parsed : refused(`${path} is not the record of an installed guard`);
}
