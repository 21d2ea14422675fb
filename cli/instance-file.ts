/**
 * `.koor/instance.json`: which instance the commands in a folder and below it act as, `{"id","token"?,"server"?}`.
 * `server` says where the token may be sent, one or the servers of a cluster; nobody else gets it. Runs in the command line's process. Leaves which
 * token is used to settings.ts, and making the instance to `register`.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { replaceFile, resolveForWriting } from "./config-file.js";
import { CliFailure, failed } from "./failure.js";
import { isJson } from "./json-text.js";
import { findKoorFile, KOOR_FOLDER } from "./koor-folder.js";
import { joinServers } from "./server-list.js";
import { describeSystemError, errorCodeOf } from "./system-error.js";

const FILE = "instance.json";
/** Others on the machine must not read the token. */
const INSTANCE_MODE = 0o600;
/** Keeps the file, and itself, out of git where nothing else does. */
const GIT_IGNORE = "/instance.json*\n/.gitignore\n";
/** A header can carry it: visible ASCII. */
const VISIBLE = /^[\x21-\x7e]+$/;

export interface StoredInstance {
  readonly id: string;
  /** Absent where it has none. */
  readonly token?: string;
  /** The servers that gave the token, as a list; absent: any. */
  readonly server?: string;
}

function parseInstance(text: string, path: string): StoredInstance | CliFailure {
  const parsed: unknown = isJson(text) ? JSON.parse(text) : undefined;
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    return failed(`${path} must hold a JSON object`);
  const { id, token, server: origin } = parsed as Readonly<Record<string, unknown>>;
  if (typeof id !== "string" || !VISIBLE.test(id)) return failed(`${path}: id must be visible ASCII characters`);
  const server = origin === undefined ? {} : { server: typeof origin === "string" ? origin : "" };
  if (token === undefined) return { id, ...server };
  if (typeof token !== "string" || !VISIBLE.test(token))
    return failed(`${path}: token must be visible ASCII characters without spaces`);
  return { id, token, ...server };
}

/** The instance of the nearest such file, in `folder` or a parent; undefined where there is none. */
export function findInstance(folder: string): StoredInstance | undefined | CliFailure {
  const found = findKoorFile(folder, FILE);
  return found === undefined || found instanceof CliFailure ? found : parseInstance(found.text, found.path);
}

/** Where the file of a folder is to be written; refused (exit 2) where a link leads out of the folder. */
export function instancePathForWriting(folder: string): string | CliFailure {
  const path = join(folder, KOOR_FOLDER, FILE);
  try {
    return resolveForWriting({ path, name: path, root: folder });
  } catch (error) {
    return failed(`cannot write ${path}: ${describeSystemError(error)}`);
  }
}

/** Makes the file unless there is one, or a link, of this name. */
function writeNewFile(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: "wx" });
  } catch (error) {
    if (errorCodeOf(error) !== "EEXIST") throw error;
  }
}

/** Writes the file in one step, readable by the user alone, in place of an older one. */
export function saveInstance(
  folder: string,
  instance: StoredInstance,
  servers: readonly URL[],
): CliFailure | undefined {
  const path = instancePathForWriting(folder);
  if (path instanceof CliFailure) return path;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeNewFile(join(dirname(path), ".gitignore"), GIT_IGNORE);
    const { id, token } = instance;
    const content = token === undefined ? { id } : { id, token, server: joinServers(servers) };
    replaceFile(path, `${JSON.stringify(content)}\n`, INSTANCE_MODE);
    return undefined;
  } catch (error) {
    return failed(`cannot write ${path}: ${describeSystemError(error)}`);
  }
}

/** Whether an id can be sent as a header. */
export function isInstanceIdUsable(id: string): boolean {
  return VISIBLE.test(id);
}
