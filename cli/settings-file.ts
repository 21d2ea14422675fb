/**
 * Reads the files with settings: a folder's `.koor/settings.json` or `settings.json`, and the user's own file.
 * server-choice.ts decides which settings apply. Runs in the CLI process.
 */
import { join, relative } from "node:path";

import { OPTIONS } from "../schemas/config.js";
import { parseJson } from "../shared/json-text.js";
import { isJsonObject, type JsonObject } from "../shared/json-object.js";
import { readTextFile } from "./config-file.js";
import { CliFailure, failed, WRONG_USAGE } from "./failure.js";
import { findKoorFile, hasKoorFolder, KOOR_FOLDER, projectOf } from "./koor-folder.js";
import { warn } from "./output.js";
import { parseServers } from "./server-list.js";
import { isTrackedFile } from "./tracked-file.js";
import { userFolder } from "./user-folder.js";

export const SETTINGS_FILE = "settings.json";

export type SettingName = "server" | "token";
export const SETTING_NAMES: readonly SettingName[] = ["server", "token"];

/** The settings in one file. An empty string counts as a missing setting. */
export interface FileSettings {
  /** The path of the file, as messages to the user show it. */
  readonly name: string;
  readonly server?: string;
  readonly token?: string;
  /** The servers to which the user has agreed to send tokens. Only the user's own file may name them. */
  readonly trusted_servers: readonly string[];
}

/** Parses the text of a settings file, which must be a JSON object. Returns a failure if it is not. */
export function parseSettingsText(text: string, name: string): JsonObject | CliFailure {
  const parsed = parseJson(text);
  if (parsed === undefined) return failed(`${name} is not valid JSON`);
  return isJsonObject(parsed) ? parsed : failed(`${name} must hold a JSON object`);
}

function readMembers(members: JsonObject, name: string): FileSettings | CliFailure {
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

/**
 * Returns the reason why a `settings.json` without `.koor/` cannot be Koor's. Returns undefined if it may belong to
 * Koor's server or command line.
 */
function whyNotKoors(members: JsonObject): string | undefined {
  const names = Object.keys(members);
  const known = names.filter((name) => name === "server" || name === "token" || Object.hasOwn(OPTIONS, name));
  if (known.length === 0 && names.length > 0) return `${SETTINGS_FILE} has none of Koor's settings`;
  const wrong = SETTING_NAMES.find((name) => members[name] !== undefined && typeof members[name] !== "string");
  if (wrong !== undefined) return `${SETTINGS_FILE}: ${wrong} must be a string`;
  const { server } = members;
  // If the file has members that Koor does not know, it may belong to another program. Then an invalid `server` is not
  // an error, because it is the other program's setting.
  const belongsToOther =
    typeof server === "string" && known.length < names.length && parseServers(server) === undefined;
  return belongsToOther ? `${SETTINGS_FILE}: server is not an http:// or https:// URL` : undefined;
}

function readBareSettings(folder: string): string | undefined | CliFailure {
  return readTextFile({ path: join(folder, SETTINGS_FILE), name: SETTINGS_FILE, root: projectOf(folder) });
}

/**
 * Leaves out the token of a file that git tracks. With a token that another person has committed, the user would act as
 * that person.
 */
function withOwnToken(settings: FileSettings | CliFailure, path: string): FileSettings | CliFailure {
  if (settings instanceof CliFailure || settings.token === undefined || !isTrackedFile(path)) return settings;
  warn(`the token in ${settings.name} is ignored, because git tracks the file`);
  const { token: _token, ...others } = settings;
  return others;
}

/**
 * Reads a folder's settings from the nearest `.koor/settings.json`. If there is none, reads the folder's
 * `settings.json`.
 * @param isQuiet if true, does not warn about a `settings.json` of another program
 */
export function readFolderSettings(folder: string, isQuiet: boolean): FileSettings | undefined | CliFailure {
  const found = findKoorFile(folder, SETTINGS_FILE);
  if (found instanceof CliFailure) return found;
  if (found !== undefined) {
    const name = relative(folder, found.path);
    const members = parseSettingsText(found.text, name);
    return members instanceof CliFailure ? members : withOwnToken(readMembers(members, name), found.path);
  }
  const text = readBareSettings(folder);
  // A file that has the wrong kind or size is not Koor's, so it is ignored below. A file that cannot be read may be
  // Koor's, so the failure is returned.
  if (text === undefined || (text instanceof CliFailure && text.exit !== WRONG_USAGE)) return text;
  const members = text instanceof CliFailure ? text : parseSettingsText(text, SETTINGS_FILE);
  const why = members instanceof CliFailure ? members.message : whyNotKoors(members);
  if (why === undefined && !(members instanceof CliFailure))
    return withOwnToken(readMembers(members, SETTINGS_FILE), join(folder, SETTINGS_FILE));
  if (!isQuiet) warn(`${why}: it is not one of Koor's, and is ignored`);
  return undefined;
}

/**
 * Returns the path of the file in which a folder's setting is saved. Commands in the folder read their settings from
 * the same file. It may not exist yet.
 */
export function folderSettingsPath(folder: string): string {
  const own = join(KOOR_FOLDER, SETTINGS_FILE);
  const bare = readBareSettings(folder);
  const hasOwn = readTextFile({ path: join(folder, own), name: own, root: folder }) !== undefined;
  return hasOwn || (bare === undefined && hasKoorFolder(folder)) ? own : SETTINGS_FILE;
}

/**
 * Returns the path of the user's own settings file, which applies in every folder. Returns undefined if the environment
 * does not name the user's folder.
 */
export function userSettingsPath(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string | undefined {
  const folder = userFolder(environment, platform);
  return folder === undefined ? undefined : join(folder, SETTINGS_FILE);
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
