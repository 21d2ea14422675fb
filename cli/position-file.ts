/**
 * Stores the state of one user's commands for one cluster in a small file: `{"position","begin"?,"doubted"?}`. If the
 * file or its folder is unusable, the command continues without the state.
 *
 * Unlike config-file.ts this module does not sync the file to disk. A sync would take longer than the request, and
 * little is lost if the machine crashes. Runs in the CLI process.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";

import { CLI_POSITION_FILES_MAX } from "../schemas/limits/cli.js";
import { parseJson } from "../shared/json-text.js";
import type { ClientState, ClientStateStore } from "./cluster.js";
import { readTextFile } from "./config-file.js";
import { hashOf } from "./content-hash.js";
import { errorCodeOf } from "./system-error.js";

/** The permissions of the folder: only the user has access. Its files show when the user worked with which cluster. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const NAME_DIGITS = 32;

/** Returns the system's folder for the state of programs; undefined if the environment names none. */
export function stateFolder(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string | undefined {
  const home = environment["HOME"] || undefined;
  const named = platform === "win32" ? environment["LOCALAPPDATA"] : environment["XDG_STATE_HOME"];
  // A relative path is ignored, because the XDG specification requires it.
  if (named && isAbsolute(named)) return join(named, "koor");
  return platform === "win32" || home === undefined ? undefined : join(home, ".local", "state", "koor");
}

/**
 * Returns the name of the file for these servers. The order of the servers does not matter. Other servers get another
 * name, because the position of one cluster must never be used for another.
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
 * system refuses with ENOENT, as below `/proc`.
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

/** Deletes the files that were written longest ago, until there is room for one more file. */
function makeRoom(folder: string): void {
  const names = readdirSync(folder);
  if (names.length < CLI_POSITION_FILES_MAX) return;
  const aged = names.map((name) => ({ name, at_ms: statSync(join(folder, name)).mtimeMs }));
  const oldest = aged.toSorted((a, b) => a.at_ms - b.at_ms).slice(0, names.length - CLI_POSITION_FILES_MAX + 1);
  for (const { name } of oldest) rmSync(join(folder, name), { force: true });
}

/**
 * Replaces a file: writes a temporary file and renames it, so that a reader sees either the old or the new file. Errors
 * of the system are thrown.
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
 * Opens the file with the state for the cluster of these servers.
 * @param stateRoot the folder for the file, an absolute path; it is created if it is missing
 */
export async function openPositionFile(stateRoot: string, servers: readonly URL[]): Promise<ClientStateStore> {
  const folder = join(stateRoot, "clusters");
  const path = join(folder, nameOfFile(servers));
  /**
   * Whether a write has failed. After that, the file is not read any more, because its content is outdated and cannot
   * be corrected.
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
        // The disk may be full or read-only. From now on, this process keeps the state in memory and writes nothing.
        broken = true;
      }
    },
  };
}
