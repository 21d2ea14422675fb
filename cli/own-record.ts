/**
 * Finds the record that the user's own `init` has made for a working tree. The record is in the user's folder. A record
 * in the project is never used, because another person may have made it.
 *
 * The file's name is a hash of the working tree's path. The record itself contains the path, so a collision is
 * harmless. `koor-hook` loads this module, so the hash is computed without Node's crypto module. Runs in the CLI
 * process.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";

import { realPath, readTextIfAny } from "./regular-file.js";
import { userFolder } from "./user-folder.js";

/** The file in the project that shows that `init` has run there. No program reads its content. */
export const RECORD_FILE = ".koor/init.json";
const FOLDER = "projects";

// The constants of the 64-bit FNV-1a hash. If two paths have the same hash, the path in the record tells them apart.
const FNV_BASIS = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;

function hashPath(path: string): string {
  let hash = FNV_BASIS;
  for (const byte of Buffer.from(path)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME);
  return hash.toString(16).padStart(16, "0");
}

/**
 * Returns the path of the record of a working tree; undefined if the environment does not name the user's folder.
 * @param root the tree's root, with links resolved
 */
export function ownRecordPath(root: string, environment: NodeJS.ProcessEnv): string | undefined {
  const folder = userFolder(environment, process.platform);
  return folder === undefined ? undefined : join(folder, FOLDER, `${hashPath(root)}.json`);
}

/**
 * Returns the path of an empty file that limits how often hooks start a report for the radar. The file's modification
 * time is the time of the last start.
 */
export function radarMarkPath(recordPath: string): string {
  return `${recordPath}.radar`;
}

/** Returns the user's record of a working tree; undefined if the user's `init` has not run there. */
export function readOwnRecord(
  folder: string,
  environment: NodeJS.ProcessEnv,
): Readonly<Record<string, unknown>> | undefined {
  const root = realPath(folder);
  const path = existsSync(join(root, RECORD_FILE)) ? ownRecordPath(root, environment) : undefined;
  const text = path === undefined ? undefined : readTextIfAny(path);
  if (text === undefined) return undefined;
  try {
    const parsed = JSON.parse(text) as Readonly<Record<string, unknown>> | null;
    return parsed?.["root"] === root ? parsed : undefined;
  } catch {
    return undefined;
  }
}
