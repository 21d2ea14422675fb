/**
 * Stores the position in a cluster's log that the user's commands have seen, and other state for the cluster:
 * `{"position","begin"?,"doubted"?}`. If the file cannot be used, the command works without it. Runs in the CLI
 * process.
 *
 * Unlike config-file.ts, this module does not sync the file to disk. A sync would take longer than the request, and a
 * crash of the machine would lose little.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";

import { CLI_POSITION_FILES_MAX } from "../schemas/limits/cli.js";
import { parseJson } from "../shared/json-text.js";
import type { ClientState, ClientStateStore } from "./cluster.js";
import { readTextFile } from "./config-file.js";
import { hashOf } from "./content-hash.js";
import { errorCodeOf } from "./system-error.js";

/**
 * The permissions of the folder. Only the user has access, because the files show when the user worked with which
 * cluster.
 */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const NAME_DIGITS = 32;

/** Returns the folder in which programs of this system keep state; undefined if the environment names none. */
export function stateFolder(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string | undefined {
  const home = environment["HOME"] || undefined;
  const named = platform === "win32" ? environment["LOCALAPPDATA"] : environment["XDG_STATE_HOME"];
  // A relative path is ignored, because the XDG specification requires it.
  if (named && isAbsolute(named)) return join(named, "koor");
  return platform === "win32" || home === undefined ? undefined : join(home, ".local", "state", "koor");
}

/**
 * Returns the name of the file for a cluster, which is a hash of its servers' URLs. Their order does not matter. The
 * position of one cluster must never be used for another, so other servers give another name.
 */
function nameOfFile(servers: readonly URL[]): string {
  const hrefs = servers.map(({ href }) => href).toSorted();
  return `${hashOf(hrefs.join("\n")).slice(0, NAME_DIGITS)}.json`;
}

function parseClientState(text: string): ClientState | undefined {
  const parsed = parseJson(text) as Partial<ClientState> | null | undefined;
  const position = parsed?.position;
  if (!Number.isSafeInteger(position) || (position ?? -1) < 0) return undefined;
  const begin = parsed?.begin;
  const hasBegin = typeof begin?.server === "string" && Number.isFinite(begin.until_ms);
  const doubted = Array.isArray(parsed?.doubted) ? parsed.doubted.filter((one) => typeof one === "string") : [];
  return {
    position: position ?? 0,
    ...(hasBegin ? { begin } : {}),
    ...(doubted.length === 0 ? {} : { doubted }),
  };
}

/**
 * Creates a folder and its missing parents. Node's recursive version is not used, because it never returns if the
 * system answers ENOENT for every folder, as below `/proc`.
 */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, FOLDER_MODE);
  } catch (error) {
    if (errorCodeOf(error) === "EEXIST") return;
    if (errorCodeOf(error) !== "ENOENT" || dirname(path) === path) throw error;
    makeFolder(dirname(path));
    mkdirSync(path, FOLDER_MODE);
  }
}

/** Makes room for one more file. Deletes the files that were not written for the longest time. */
function makeRoom(folder: string): void {
  const names = readdirSync(folder);
  if (names.length < CLI_POSITION_FILES_MAX) return;
  const aged = names.map((name) => ({ name, at_ms: statSync(join(folder, name)).mtimeMs }));
  const oldest = aged.toSorted((a, b) => a.at_ms - b.at_ms).slice(0, names.length - CLI_POSITION_FILES_MAX + 1);
  for (const { name } of oldest) rmSync(join(folder, name), { force: true });
}

/**
 * Replaces a file by renaming a temporary one, so that a reader never sees a half-written file. Throws the system's
 * errors.
 */
function replace(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.part`;
  try {
    rmSync(temporary, { force: true });
    writeFileSync(temporary, text, { mode: FILE_MODE, flag: "wx" });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Opens the state file of the cluster that has these servers.
 * @param stateRoot the absolute path of the folder for state; it is created if it is missing
 */
export async function openPositionFile(stateRoot: string, servers: readonly URL[]): Promise<ClientStateStore> {
  const folder = join(stateRoot, "clusters");
  const path = join(folder, nameOfFile(servers));
  /**
   * Whether a write has failed. The file is then neither read nor written any more, because its content is outdated.
   */
  let broken = false;
  return {
    read: () => {
      const text = broken ? undefined : readTextFile({ path, name: path });
      return typeof text === "string" ? parseClientState(text) : undefined;
    },
    write: (state) => {
      if (broken) return;
      try {
        if (!existsSync(path)) {
          makeFolder(folder);
          makeRoom(folder);
        }
        replace(path, `${JSON.stringify(state)}\n`);
      } catch {
        // The disk may be full or read-only. This process now keeps the state only in memory.
        broken = true;
      }
    },
  };
}
