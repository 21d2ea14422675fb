/**
 * The files that hold settings: a folder's own, `.koor/settings.json` or a bare `settings.json`, and the user's. Runs
 * in the command line's process. Leaves to settings.ts which of them counts.
 */
import { isAbsolute, join, relative } from "node:path";

import { OPTIONS } from "../schemas/config.js";
import { readTextFile } from "./config-file.js";
import { CliFailure, failed, WRONG_USAGE } from "./failure.js";
import { isJson } from "./json-text.js";
import { findKoorFile, hasKoorFolder, KOOR_FOLDER, projectOf } from "./koor-folder.js";
import { warn } from "./output.js";
import { parseServers } from "./server-list.js";

export const SETTINGS_FILE = "settings.json";

export type SettingName = "server" | "token";
export const SETTING_NAMES: readonly SettingName[] = ["server", "token"];

/** What the command line reads of a file; "" is as good as absent. */
export interface FileSettings {
  /** As messages name the file. */
  readonly name: string;
  readonly server?: string;
  readonly token?: string;
  /** Servers that the user has agreed to send tokens to; only the user's own file has them. */
  readonly trusted_servers: readonly string[];
}

type Members = Readonly<Record<string, unknown>>;

/** A file of settings as an object; the failure that says why it is none. */
export function parseSettingsText(text: string, name: string): Members | CliFailure {
  if (!isJson(text)) return failed(`${name} is not valid JSON`);
  const parsed = JSON.parse(text) as unknown;
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    return failed(`${name} must hold a JSON object`);
  return parsed as Members;
}

function readMembers(members: Members, name: string): FileSettings | CliFailure {
  for (const setting of SETTING_NAMES)
    if (members[setting] !== undefined && typeof members[setting] !== "string")
      return failed(`${name}: ${setting} must be a string`);
  const { server, token, trusted_servers: trusted } = members;
  return {
    name,
    ...(server ? { server: server as string } : {}),
    ...(token ? { token: token as string } : {}),
    trusted_servers: Array.isArray(trusted) ? trusted.filter((one) => typeof one === "string") : [],
  };
}

/** Why a `settings.json` is none of Koor's, the server's or the command line's; undefined where it is one. */
function whyNotKoors(members: Members): string | undefined {
  const names = Object.keys(members);
  const known = names.filter((name) => name === "server" || name === "token" || Object.hasOwn(OPTIONS, name));
  if (known.length === 0 && names.length > 0) return `${SETTINGS_FILE} has none of Koor's settings`;
  const wrong = SETTING_NAMES.find((name) => members[name] !== undefined && typeof members[name] !== "string");
  if (wrong !== undefined) return `${SETTINGS_FILE}: ${wrong} must be a string`;
  const { server } = members;
  // A mistake in a file of Koor's is told; the server of another program is none of Koor's.
  const belongsToOther =
    typeof server === "string" && known.length < names.length && parseServers(server) === undefined;
  return belongsToOther ? `${SETTINGS_FILE}: server is no http:// or https:// URL` : undefined;
}

function readBareSettings(folder: string): string | undefined | CliFailure {
  return readTextFile({ path: join(folder, SETTINGS_FILE), name: SETTINGS_FILE, root: projectOf(folder) });
}

/**
 * The settings of a folder: of the nearest `.koor/`, else of the bare `settings.json` in it.
 * @param is_quiet whether a file that is another program's is passed over without a word
 */
export function readFolderSettings(folder: string, is_quiet: boolean): FileSettings | undefined | CliFailure {
  const found = findKoorFile(folder, SETTINGS_FILE);
  if (found instanceof CliFailure) return found;
  if (found !== undefined) {
    const name = relative(folder, found.path);
    const members = parseSettingsText(found.text, name);
    return members instanceof CliFailure ? members : readMembers(members, name);
  }
  const text = readBareSettings(folder);
  // What is not read for what it is, is another's; what the system does not let be read may be one of Koor's.
  if (text === undefined || (text instanceof CliFailure && text.exit !== WRONG_USAGE)) return text;
  const members = text instanceof CliFailure ? text : parseSettingsText(text, SETTINGS_FILE);
  const why = members instanceof CliFailure ? members.message : whyNotKoors(members);
  if (why === undefined && !(members instanceof CliFailure)) return readMembers(members, SETTINGS_FILE);
  if (!is_quiet) warn(`${why}: it is not one of Koor's, and is ignored`);
  return undefined;
}

/** Where a setting of a folder is saved: in the file that is read there, or would be. */
export function folderSettingsPath(folder: string): string {
  const own = join(KOOR_FOLDER, SETTINGS_FILE);
  const bare = readBareSettings(folder);
  const has_own = readTextFile({ path: join(folder, own), name: own, root: folder }) !== undefined;
  return has_own || (bare === undefined && hasKoorFolder(folder)) ? own : SETTINGS_FILE;
}

/** The user's own settings, for every folder; undefined where the environment names no place for them. */
export function userSettingsPath(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string | undefined {
  const named = platform === "win32" ? environment["APPDATA"] : environment["XDG_CONFIG_HOME"];
  // The XDG specification has a path that is not absolute be passed over.
  if (named && isAbsolute(named)) return join(named, "koor", SETTINGS_FILE);
  const home = environment["HOME"] || undefined;
  return platform === "win32" || home === undefined ? undefined : join(home, ".config", "koor", SETTINGS_FILE);
}

export function readUserSettings(
  environment: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
): FileSettings | undefined | CliFailure {
  const path = userSettingsPath(environment, platform);
  const text = path === undefined ? undefined : readTextFile({ path, name: path });
  if (path === undefined || text === undefined || text instanceof CliFailure) return text as undefined | CliFailure;
  const members = parseSettingsText(text, path);
  return members instanceof CliFailure ? members : readMembers(members, path);
}
