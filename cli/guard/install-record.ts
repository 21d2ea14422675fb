/**
 * Reads and writes the record of what `guard install` changed, in the repository's own folder. `guard uninstall` takes
 * back what the record says, and nothing else. Runs in the CLI process.
 */
import { join } from "node:path";

import { isJsonObject } from "../../shared/json-object.js";
import { parseJson } from "../../shared/json-text.js";
import { readTextFile } from "../config-file.js";
import { CliFailure, refused } from "../failure.js";
import type { Previous } from "./hook-script.js";
import type { Repository } from "./repository.js";

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

export function hashOf(bytes: Buffer | string): string {
  const { createHash } = process.getBuiltinModule("node:crypto");
  return createHash("sha256").update(bytes).digest("hex");
}

/** Returns the folder with the record and, if git is pointed to them, the scripts. */
export function guardFolder({ commonFolder }: Repository): string {
  return join(commonFolder, FOLDER);
}

export function recordPath(repository: Repository): string {
  return join(guardFolder(repository), FILE);
}

/** Reads the record; undefined if the guard is not installed. */
export function readRecord(repository: Repository): InstallRecord | undefined | CliFailure {
  const path = recordPath(repository);
  const text = readTextFile({ path, name: path });
  if (text === undefined || text instanceof CliFailure) return text;
  const parsed = parseJson(text);
  if (!isJsonObject(parsed) || !Array.isArray(parsed["files"]) || !Array.isArray(parsed["folders"]))
    return refused(`${path} is not the record of an installed guard`);
  return parsed as unknown as InstallRecord;
}
