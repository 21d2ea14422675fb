/**
 * Reads and writes `.koor/instance.json`: `{"id","token"?,"server"?}`. Commands in the file's folder and below it act
 * as the instance `id`.
 *
 * The token may be sent only to `server`, which is one URL or a list of a cluster's URLs. token-choice.ts chooses the
 * token. `register` creates the instance. Runs in the CLI process.
 */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";

import { parseJson } from "../shared/json-text.js";
import { isJsonObject } from "../shared/json-object.js";
import { replaceFile, resolveForWriting } from "./config-file.js";
import { CliFailure, failed } from "./failure.js";
import { findKoorFile, KOOR_FOLDER } from "./koor-folder.js";
import { ignoreTokens } from "./koor-ignore.js";
import { warn } from "./output.js";
import { joinServers } from "./server-list.js";
import { describeSystemError } from "./system-error.js";
import { isTrackedFile } from "./tracked-file.js";

const FILE = "instance.json";
/** The file's permissions. Other users of the machine must not be able to read the token. */
const INSTANCE_MODE = 0o600;
/** Matches visible ASCII, which a header can carry. */
const VISIBLE = /^[\x21-\x7e]+$/;

export interface StoredInstance {
  readonly id: string;
  /** The instance's token. It is absent if the instance has none. */
  readonly token?: string;
  /**
   * The servers that issued the token, as a comma-separated list. If it is absent, the token may be sent to any server.
   */
  readonly server?: string;
}

function parseInstance(text: string, path: string): StoredInstance | CliFailure {
  const parsed = parseJson(text);
  if (!isJsonObject(parsed)) return failed(`${path} must hold a JSON object`);
  const { id, token, server: origin } = parsed;
  if (typeof id !== "string" || !VISIBLE.test(id)) return failed(`${path}: id must be visible ASCII characters`);
  const server = origin === undefined ? {} : { server: typeof origin === "string" ? origin : "" };
  if (token === undefined) return { id, ...server };
  if (typeof token !== "string" || !VISIBLE.test(token))
    return failed(`${path}: token must be visible ASCII characters without spaces`);
  return { id, token, ...server };
}

/**
 * Finds the nearest instance file, in `folder` or a parent; undefined if there is none. A file that git tracks is
 * ignored: the user would act as an instance of the author of that commit, and this author could release the
 * user's leases and read the answers to the user's messages.
 * @param isQuiet if true, does not warn about a file that is ignored
 */
export function findInstance(folder: string, isQuiet = true): StoredInstance | undefined | CliFailure {
  const found = findKoorFile(folder, FILE);
  if (found === undefined || found instanceof CliFailure) return found;
  if (!isTrackedFile(found.path)) return parseInstance(found.text, found.path);
  if (!isQuiet) warn(`${found.path} is ignored, because git tracks it: if it is yours, run git rm --cached on it`);
  return undefined;
}

/**
 * Returns the path at which a folder's instance file is written. A link must not lead out of the folder; otherwise
 * returns a failure with exit code 1.
 */
export function instancePathForWriting(folder: string): string | CliFailure {
  const path = join(folder, KOOR_FOLDER, FILE);
  try {
    return resolveForWriting({ path, name: path, root: folder });
  } catch (error) {
    return failed(`cannot write ${path}: ${describeSystemError(error)}`);
  }
}

/**
 * Replaces the instance file in one step, so that a reader never sees a half-written file. Only the user may read it.
 */
export function saveInstance(
  folder: string,
  instance: StoredInstance,
  servers: readonly URL[],
): CliFailure | undefined {
  const path = instancePathForWriting(folder);
  if (path instanceof CliFailure) return path;
  try {
    mkdirSync(dirname(path), { recursive: true });
    ignoreTokens(dirname(path), false);
    const { id, token } = instance;
    const content = token === undefined ? { id } : { id, token, server: joinServers(servers) };
    replaceFile(path, `${JSON.stringify(content)}\n`, INSTANCE_MODE);
    return undefined;
  } catch (error) {
    return failed(`cannot write ${path}: ${describeSystemError(error)}`);
  }
}

/** Returns whether an instance id can be sent in a header. */
export function isInstanceIdUsable(id: string): boolean {
  return VISIBLE.test(id);
}
