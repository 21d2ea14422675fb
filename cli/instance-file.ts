/**
 * `.koor/instance.json`: which instance the commands in a folder and below it act as, `{"id","token"?,"server"?}`.
 * `server` says where the token may be sent, one or the servers of a cluster; nobody else gets it. Runs in the command line's process. Leaves which
 * token is used to settings.ts, and making the instance to `register`.
 */
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { readTextFile, replaceFile } from "./config-file.js";
import { CliFailure, failed } from "./failure.js";
import { isJson } from "./json-text.js";
import { joinServers, parseServers } from "./server-list.js";
import { describeSystemError } from "./system-error.js";

const FOLDER = ".koor";
const FILE = "instance.json";
/** Others on the machine must not read the token. */
const INSTANCE_MODE = 0o600;
/** Keeps the file, and itself, out of git where nothing else does. */
const GIT_IGNORE = "/instance.json*\n/.gitignore\n";
/** A header can carry it: visible ASCII. */
const VISIBLE = /^[\x21-\x7e]+$/;
const ROOT_USER = 0;

export interface ActingInstance {
  readonly id: string;
  /** Absent where it has none, or where that is not for this server. */
  readonly token?: string;
}

/** Whether a token that those servers gave, which the file names, may go to each of these. */
function isFor(origin: unknown, servers: readonly URL[]): boolean {
  if (origin === undefined) return true;
  const known = typeof origin === "string" ? (parseServers(origin) ?? []).map(({ href }) => href) : [];
  return servers.every(({ href }) => known.includes(href));
}

function parseInstance(text: string, path: string, servers: readonly URL[]): ActingInstance | CliFailure {
  const parsed: unknown = isJson(text) ? JSON.parse(text) : undefined;
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    return failed(`${path} must hold a JSON object`);
  const { id, token, server: origin } = parsed as Readonly<Record<string, unknown>>;
  if (typeof id !== "string" || !VISIBLE.test(id)) return failed(`${path}: id must be visible ASCII characters`);
  if (token === undefined) return { id };
  if (typeof token !== "string" || !VISIBLE.test(token))
    return failed(`${path}: token must be visible ASCII characters without spaces`);
  return isFor(origin, servers) ? { id, token } : { id };
}

/**
 * Whether the file is the user's own, or the system's. In a folder that others may write to (`/tmp`) anybody could
 * place one, and who works below it would act as their instance.
 */
function isTrusted(path: string): boolean {
  const user = process.getuid?.();
  if (user === undefined || user === ROOT_USER) return true;
  const owner = statSync(path, { throwIfNoEntry: false })?.uid;
  return owner === user || owner === ROOT_USER;
}

/** The instance of the nearest such file, in `folder` or a parent; undefined where there is none. */
export function findInstance(folder: string, servers: readonly URL[]): ActingInstance | undefined | CliFailure {
  for (let at = folder; ; at = dirname(at)) {
    const path = join(at, FOLDER, FILE);
    if (existsSync(path) && isTrusted(path)) {
      const text = readTextFile(path, path);
      if (text instanceof CliFailure) return text;
      if (text !== undefined) return parseInstance(text, path, servers);
    }
    if (dirname(at) === at) return undefined;
  }
}

/** Whether `folder` has a `.koor/`, so that a new instance is written there unasked. */
export function keepsInstance(folder: string): boolean {
  return statSync(join(folder, FOLDER), { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Writes the file in one step, readable by the user alone, in place of an older one. */
export function saveInstance(
  folder: string,
  instance: ActingInstance,
  servers: readonly URL[],
): CliFailure | undefined {
  const path = join(folder, FOLDER, FILE);
  try {
    mkdirSync(dirname(path), { recursive: true });
    const ignore = join(dirname(path), ".gitignore");
    if (!existsSync(ignore)) writeFileSync(ignore, GIT_IGNORE);
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
