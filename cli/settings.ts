/**
 * `./settings.json` as the command line sees it: the server's address and the token, under the
 * environment, over the default; and as which instance it acts. The file may be shared with the server, so unknown
 * members are left alone. Runs in the command line's process; leaves the connection itself to client.ts, and
 * `.koor/instance.json` to instance-file.ts.
 */
import { join } from "node:path";

import { readTextFile, replaceFile, resolveFilePath } from "./config-file.js";
import { CliFailure, failed, wrongUsage } from "./failure.js";
import { findInstance, isInstanceIdUsable } from "./instance-file.js";
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
  /** The id of the instance that calls act as, unless the token says another; "" where none is said. */
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
const INSTANCE_RULE = "KOOR_INSTANCE must be visible ASCII characters without spaces";
const TOKEN_RULE = "token must be visible ASCII characters without spaces";

/**
 * The settings that hold in `folder`: environment over file over default. An empty variable counts as
 * not set. A file is not read where the environment says all that it could. The instance's own token is the last
 * choice: another one was given on purpose, and may do more.
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
  const named = environment["KOOR_INSTANCE"] || undefined;
  if (named !== undefined)
    return isInstanceIdUsable(named) ? { server: url, token: token ?? "", instance: named } : failed(INSTANCE_RULE);
  const instance = findInstance(folder, url);
  if (instance instanceof CliFailure) return instance;
  return { server: url, token: token || (instance?.token ?? ""), instance: instance?.id ?? "" };
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
