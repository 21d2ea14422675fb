/**
 * `./settings.json` as the command line sees it: the server's address and the token, under the
 * environment, over the default. The file may be shared with the server, so unknown members are left
 * alone. Runs in the command line's process; leaves the connection itself to client.ts.
 */
import { join } from "node:path";

import { readTextFile, replaceFile, resolveFilePath } from "./config-file.js";
import { CliFailure, failed, wrongUsage } from "./failure.js";
import { isJson } from "./json-text.js";
import { describeSystemError } from "./system-error.js";

const SETTINGS_FILE = "settings.json";
const DEFAULT_SERVER = "http://localhost:9800";
/** Others on the machine must not read the token. */
const SETTINGS_MODE = 0o600;

export type SettingName = "server" | "token";
export const SETTING_NAMES: readonly SettingName[] = ["server", "token"];

export interface Settings {
  /** http or https, a path prefix allowed. */
  readonly server: URL;
  /** "" where none is set. */
  readonly token: string;
  /** The id of the instance that commands act as; "" where none is set. */
  readonly instance: string;
}

type SettingsFile = Readonly<Record<string, unknown>>;

function parseSettingsText(text: string): SettingsFile | CliFailure {
  if (!isJson(text)) return failed(`${SETTINGS_FILE} is not valid JSON`);
  const parsed = JSON.parse(text) as unknown;
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    return failed(`${SETTINGS_FILE} must hold a JSON object`);
  }
  return parsed as SettingsFile;
}

/** The server's address; `undefined` where `text` is not an http(s) URL that paths can be added to. */
function parseServer(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) return undefined;
  return url.search || url.hash || url.username || url.password ? undefined : url;
}

/** A header can carry it: visible ASCII. */
function isHeaderText(text: string): boolean {
  return /^[\x21-\x7e]*$/.test(text);
}

const SERVER_RULE = "server must be an http:// or https:// URL, e.g. http://localhost:9800";
const TOKEN_RULE = "token must be visible ASCII characters without spaces";
const INSTANCE_RULE = "KOOR_INSTANCE must be the id of an instance";

/**
 * The settings that hold in `folder`: environment over file over default. An empty variable counts as
 * not set. The file is not read where the environment says everything.
 */
export function readSettings(folder: string, environment: NodeJS.ProcessEnv): Settings | CliFailure {
  let server = environment["KOOR_SERVER"] || undefined;
  let token = environment["KOOR_TOKEN"] || undefined;
  if (server === undefined || token === undefined) {
    const text = readTextFile(join(folder, SETTINGS_FILE), SETTINGS_FILE);
    if (text instanceof CliFailure) return text;
    const file = text === undefined ? {} : parseSettingsText(text);
    if (file instanceof CliFailure) return file;
    for (const name of SETTING_NAMES) {
      if (file[name] !== undefined && typeof file[name] !== "string") {
        return failed(`${SETTINGS_FILE}: ${name} must be a string`);
      }
    }
    server ??= (file["server"] as string | undefined) || undefined;
    token ??= file["token"] as string | undefined;
  }
  const url = parseServer(server ?? DEFAULT_SERVER);
  if (!url) return failed(SERVER_RULE);
  if (!isHeaderText(token ?? "")) return failed(TOKEN_RULE);
  const instance = environment["KOOR_INSTANCE"] ?? "";
  if (!isHeaderText(instance)) return failed(INSTANCE_RULE);
  return { server: url, token: token ?? "", instance };
}

/**
 * Saves one setting in `folder`'s settings.json, which then has mode 0600; all other members stay as
 * they were written. A file that does not parse is refused and stays untouched.
 */
export async function saveSetting(folder: string, name: SettingName, value: string): Promise<CliFailure | undefined> {
  if (name === "server" && !parseServer(value)) return wrongUsage(SERVER_RULE);
  if (name === "token" && !isHeaderText(value)) return wrongUsage(TOKEN_RULE);
  try {
    const path = resolveFilePath(join(folder, SETTINGS_FILE));
    const text = readTextFile(path, SETTINGS_FILE) ?? "{}\n";
    if (text instanceof CliFailure) return text;
    const file = parseSettingsText(text);
    if (file instanceof CliFailure) return file;
    // Only `config set` edits; every command reads.
    const { setMember } = await import("./json-edit.js");
    const edited = setMember(text, [name], value);
    if (edited === undefined) return failed(`${SETTINGS_FILE} has ${name} twice, and stays as it is`);
    replaceFile(path, edited, SETTINGS_MODE);
    return undefined;
  } catch (error) {
    return failed(`cannot write ${SETTINGS_FILE}: ${describeSystemError(error)}`);
  }
}
