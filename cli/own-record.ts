/**
 * Finds the record that the user's own `init` keeps of a working tree, in the folder of the user's own files. A record
 * in the project itself may come from other people, so nothing follows it. The file's name is a hash of the tree's
 * path, and the record holds the path itself. `koor-hook` uses this module too, so the hash needs no module of Node.
 * Runs in the CLI process.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";

import { realPath, readTextIfAny } from "./regular-file.js";
import { userFolder } from "./user-folder.js";

/** The file in the project that says that `init` has run there. Its content is for people to read. */
export const RECORD_FILE = ".koor/init.json";
const FOLDER = "projects";

// FNV-1a with 64 bits. A collision is harmless, because the record names its working tree.
const FNV_BASIS = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;

function hashPath(path: string): string {
  let hash = FNV_BASIS;
  for (const byte of Buffer.from(path)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME);
  return hash.toString(16).padStart(16, "0");
}

/**
 * Returns the path of the record of a working tree; undefined if the environment names no place for it.
 * @param root the tree's root without links
 */
export function ownRecordPath(root: string, environment: NodeJS.ProcessEnv): string | undefined {
  const folder = userFolder(environment, process.platform);
  return folder === undefined ? undefined : join(folder, FOLDER, `${hashPath(root)}.json`);
}

/** Returns the path of the empty file whose time is that of the last report that a hook started for the radar. */
export function radarMarkPath(recordPath: string): string {
  return `${recordPath}.radar`;
}

/** Returns the members of the user's record of a working tree; undefined if `init` has not run there. */
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
