/**
 * Finds the project of a folder for `koor-hook`: its server, and the headers that describe it. Both come from the
 * record that the user's own `koor init` wrote. Files in the project may come from other people, so the hook sends its
 * input only to a server that the user knows. Runs in the process of `koor-hook`.
 */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { isLinkedTree, readGitFile } from "../git-link.js";
import { readHookToken } from "../hook-token-file.js";
import { readOwnRecord } from "../own-record.js";
import { readTextIfAny } from "../regular-file.js";
import { userFolder } from "../user-folder.js";

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
const HEADER_NAME = /^X-Koor-[A-Za-z-]+$/;
const HEADER_VALUE = /^[\x20-\x7e]*$/;

export interface HookProject {
  /** The root of the working tree; outside of git, the folder of the project. */
  readonly root: string;
  readonly server: URL;
  readonly headers: Readonly<Record<string, string>>;
}

function readObject(path: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(readTextIfAny(path) ?? "");
    return typeof parsed === "object" && parsed !== null ? (parsed as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the folder with git's files for the working tree at this root. */
function gitFolderOf(root: string): string {
  const named = /^gitdir: (.+?)\s*$/.exec(readGitFile(root, ".git") ?? "")?.[1];
  return named === undefined ? join(root, ".git") : resolve(root, named);
}

/** Returns the root of the main working tree; undefined if this is the main working tree itself. */
function mainRootOf(root: string, gitFolder: string): string | undefined {
  const common = readGitFile(gitFolder, "commondir")?.trim();
  const folder = common === undefined ? undefined : resolve(gitFolder, common);
  return folder !== undefined && isLinkedTree(root, gitFolder, folder) ? dirname(folder) : undefined;
}

function branchOf(gitFolder: string): string | undefined {
  return /^ref:\s*refs\/heads\/(.+?)\s*$/.exec(readGitFile(gitFolder, "HEAD") ?? "")?.[1];
}

interface Found {
  readonly record: Readonly<Record<string, unknown>>;
  readonly root: string;
  readonly branch: string | undefined;
  /** Whether the record is that of the main working tree. It then names another checkout than this one. */
  readonly isOfMain: boolean;
}

function recordAt(root: string, environment: NodeJS.ProcessEnv): Readonly<Record<string, unknown>> | undefined {
  return existsSync(join(root, ".koor", "project.json")) ? readOwnRecord(root, environment) : undefined;
}

/**
 * Finds the record of a folder. Searches the folder and those above it, up to the root of the working tree, and then
 * the main working tree.
 */
function findRecord(folder: string, environment: NodeJS.ProcessEnv): Found | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const isRoot = existsSync(join(at, ".git"));
    const gitFolder = isRoot ? gitFolderOf(at) : undefined;
    const branch = gitFolder === undefined ? undefined : branchOf(gitFolder);
    const record = recordAt(at, environment);
    if (record !== undefined) return { record, root: at, branch, isOfMain: false };
    if (gitFolder !== undefined) {
      const main = mainRootOf(at, gitFolder);
      const ofMain = main === undefined ? undefined : recordAt(main, environment);
      return ofMain === undefined ? undefined : { record: ofMain, root: at, branch, isOfMain: true };
    }
    if (dirname(at) === at) return undefined;
  }
}

/** Whether the user's own settings file names this server. */
function isNamedByUser(server: URL, environment: NodeJS.ProcessEnv): boolean {
  const folder = userFolder(environment, process.platform);
  const settings = folder === undefined ? undefined : readObject(join(folder, "settings.json"));
  const { server: own, trusted_servers: trusted } = settings ?? {};
  const texts = [own, ...(Array.isArray(trusted) ? (trusted as unknown[]) : [])];
  return texts.some(
    (text) =>
      typeof text === "string" &&
      text.split(/,\s*(?=https?:)/i).some((one) => URL.canParse(one) && new URL(one).href === server.href),
  );
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll("%2F", "/");
}

/** Returns the headers of a hook call: those in the record, and those that change from call to call. */
function headersOf({ record, root, branch, isOfMain }: Found): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries((record["headers"] ?? {}) as Readonly<Record<string, unknown>>))
    if (HEADER_NAME.test(name) && typeof value === "string" && HEADER_VALUE.test(value)) headers[name] = value;
  if (isOfMain) {
    // Leave out the checkout, because this working tree is another one. Only the command line can compute its id.
    delete headers["X-Koor-Checkout"];
    headers["X-Koor-Root"] = encode(root);
  }
  if (branch !== undefined) headers["X-Koor-Branch"] = encode(branch);
  return headers;
}

/** Returns the project of a folder; undefined if the folder belongs to none. */
export function findHookProject(folder: string, environment: NodeJS.ProcessEnv): HookProject | undefined {
  const found = findRecord(folder, environment);
  const address = found?.record["server"];
  if (found === undefined || typeof address !== "string" || !/^https?:\/\//.test(address)) return undefined;
  const server = new URL(address);
  const token = readHookToken(address, environment, process.platform);
  if (token === undefined && !LOOPBACK.test(server.hostname) && !isNamedByUser(server, environment))
    throw new Error(`${server.host} is not one of your servers: run koor init --join ${address}`);
  const authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return { root: found.root, server, headers: { ...headersOf(found), ...authorization } };
}
