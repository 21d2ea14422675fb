/**
 * Finds the record that the user's own `init` has made for a working tree. It is in the folder of the user's own files.
 * A record in the project itself is never used, because other people may have made it. The name of the file is a hash
 * of the tree's path, and the record contains the path. `koor-hook` uses this module too, so the hash is computed
 * without Node's crypto module. Runs in the CLI process.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";

import { realPath, readTextIfAny } from "./regular-file.js";
import { userFolder } from "./user-folder.js";

/** The file in the project that shows that `init` has run there. Only people read its content. */
export const RECORD_FILE = ".koor/init.json";
const FOLDER = "projects";

// The constants of the 64-bit FNV-1a hash. A collision is harmless, because the record names its working tree.
const FNV_BASIS = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;

function hashPath(path: string): string {
  let hash = FNV_BASIS;
  for (const byte of Buffer.from(path)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME);
  return hash.toString(16).padStart(16, "0");
}

/**
 * Returns the path of a working tree's record; undefined if the environment does not say where the user's own files
 * are.
 * @param root the tree's root, with links resolved
 */
export function ownRecordPath(root: string, environment: NodeJS.ProcessEnv): string | undefined {
  const folder = userFolder(environment, process.platform);
  return folder === undefined ? undefined : join(folder, FOLDER, `${hashPath(root)}.json`);
}

/**
 * Returns the path of an empty file. Its modification time is the time at which a hook last started a report for the
 * radar.
 */
export function radarMarkPath(recordPath: string): string {
  return `${recordPath}.radar`;
}

/** Returns the user's record of a working tree; undefined if `init` has not run there. */
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
