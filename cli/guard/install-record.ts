/**
 * Reads and writes the record of `guard install`, which lists all changes that the installation made. `guard uninstall`
 * undoes these changes and no others. The record is in the repository's own folder. Runs in the CLI process.
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
  /** The installed scripts with their hashes. The paths are relative to the repository's own folder. */
  readonly files: readonly { readonly path: string; readonly hash: string }[];
  /**
   * The folders that were made for the scripts, outermost first. Their paths are relative to the repository's own
   * folder.
   */
  readonly folders: readonly string[];
  /** The change of core.hooksPath; null if the scripts are in the folder in which git looks anyway. */
  readonly config: {
    /** The folder with the previous hooks, which the scripts run first. */
    readonly previous: Previous;
    /** The new value of core.hooksPath: the absolute path of the scripts' folder at the installation. */
    readonly folder: string;
    /** The content of the configuration file before the change, in base64. */
    readonly before: string;
    /** The hash of the configuration file after the change. */
    readonly after: string;
    /** The previous value of core.hooksPath; null if the repository's own configuration did not set it. */
    readonly value: string | null;
  } | null;
}

/** Returns the folder of the record. If core.hooksPath was changed, it also contains the folder of the scripts. */
export function guardFolder({ commonFolder }: Repository): string {
  return join(commonFolder, FOLDER);
}

export function recordPath(repository: Repository): string {
  return join(guardFolder(repository), FILE);
}

/** Match the paths of the guard's scripts and of their folders, with `/` as separator. */
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
 * Whether a value is a valid record. The file may come from other people, together with the repository. So a record may
 * name only paths at which the guard puts its scripts.
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
