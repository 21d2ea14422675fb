/**
 * Reads and writes the record of the changes that `guard install` made. The record is in the repository's own folder.
 * `guard uninstall` undoes only what the record lists. Runs in the CLI process.
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
  /** The installed scripts, each with its hash. The paths are relative to the repository's own folder. */
  readonly files: readonly { readonly path: string; readonly hash: string }[];
  /** The folders that were made for the scripts, the outermost first. The paths are relative to the same folder. */
  readonly folders: readonly string[];
  /** The change of git's configuration; null if the scripts are in the folder in which git looks anyway. */
  readonly config: {
    /** Where the scripts find the previous hooks, which they run first. */
    readonly previous: Previous;
    /**
     * The new value of core.hooksPath. It is the absolute path of the scripts' folder at the time of the installation.
     */
    readonly folder: string;
    /** The configuration file before the change, in base64. */
    readonly before: string;
    /** The hash of the configuration file after the change. */
    readonly after: string;
    /** The old value of core.hooksPath; null if the repository's own configuration had none. */
    readonly value: string | null;
  } | null;
}

/** Returns the folder of the record. If git's configuration was changed, the scripts are there too. */
export function guardFolder({ commonFolder }: Repository): string {
  return join(commonFolder, FOLDER);
}

export function recordPath(repository: Repository): string {
  return join(guardFolder(repository), FILE);
}

/** Match the folders of the guard's scripts, and the scripts. The separator is `/`. */
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
 * Whether a value is a valid record. Other people may have made the file together with the repository, so only paths of
 * the guard's own scripts are valid.
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
