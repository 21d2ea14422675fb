/**
 * `./settings.json` as the command line sees it: the server's address, or several, and the token, under the
 * environment, over the default; and as which instance it acts. The file may be shared with the server, so unknown
 * members are left alone. Runs in the command line's process; leaves the connection itself to client.ts, and
 * `.koor/instance.json` to instance-file.ts.
 */
import { join } from "node:path";

import { CLI_SERVERS_MAX } from "../schemas/limits.js";
import { Cluster } from "./cluster.js";
import { readTextFile, replaceFile, resolveFilePath } from "./config-file.js";
import { CliFailure, failed, wrongUsage } from "./failure.js";
import { findInstance, isInstanceIdUsable } from "./instance-file.js";
import { isJson } from "./json-text.js";
import { parseServers } from "./server-list.js";
import { describeSystemError } from "./system-error.js";

const SETTINGS_FILE = "settings.json";
const DEFAULT_SERVER = "http://localhost:9800";
/** Others on the machine must not read the token. */
const SETTINGS_MODE = 0o600;

export type SettingName = "server" | "token";
export const SETTING_NAMES: readonly SettingName[] = ["server", "token"];

export interface Settings {
  /** http or https, a path prefix allowed; the first where several are given. */
  readonly server: URL;
  /** Where several servers are given: any of them may be asked. */
  readonly cluster?: Cluster;
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

/** A header can carry it: visible ASCII. */
function isHeaderText(text: string): boolean {
  return /^[\x21-\x7e]*$/.test(text);
}

const SERVER_RULE = `server must be an http:// or https:// URL, e.g. ${DEFAULT_SERVER}, or up to ${CLI_SERVERS_MAX} with commas between`;
const INSTANCE_RULE = "KOOR_INSTANCE must be visible ASCII characters without spaces";
const TOKEN_RULE = "token must be visible ASCII characters without spaces";

/**
 * The settings that hold in `folder`: the command line over environment over file over default. An empty variable
 * counts as not set. A file is not read where the environment says all that it could. The instance's own token is the
 * last choice: another one was given on purpose, and may do more.
 * @param given the servers of the command line; "" where it names none
 */
export function readSettings(folder: string, environment: NodeJS.ProcessEnv, given = ""): Settings | CliFailure {
  let server = given || environment["KOOR_SERVER"] || undefined;
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
  const servers = parseServers(server ?? DEFAULT_SERVER);
  if (!servers) return given === "" ? failed(SERVER_RULE) : wrongUsage(SERVER_RULE);
  if (!isHeaderText(token ?? "")) return failed(TOKEN_RULE);
  const places = placesOf(servers, environment);
  const named = environment["KOOR_INSTANCE"] || undefined;
  if (named !== undefined)
    return isInstanceIdUsable(named) ? { ...places, token: token ?? "", instance: named } : failed(INSTANCE_RULE);
  const instance = findInstance(folder, servers);
  if (instance instanceof CliFailure) return instance;
  return { ...places, token: token || (instance?.token ?? ""), instance: instance?.id ?? "" };
}

/** All servers that may be asked. */
export function serversOf({ cluster, server }: Settings): readonly URL[] {
  return cluster?.servers ?? [server];
}

/** The server, or the first of several with what is known of their cluster. */
function placesOf(
  servers: readonly [URL, ...URL[]],
  environment: NodeJS.ProcessEnv,
): Pick<Settings, "server" | "cluster"> {
  const [server, ...others] = servers;
  if (others.length === 0) return { server };
  const openStore = async () => {
    const { openPositionFile, stateFolder } = await import("./position-file.js");
    const folder = stateFolder(environment, process.platform);
    return folder === undefined ? undefined : await openPositionFile(folder, servers);
  };
  return { server, cluster: new Cluster(servers, openStore) };
}

/**
 * Saves one setting in `folder`'s settings.json, which then has mode 0600; all other members stay as
 * they were written. A file that does not parse is refused and stays untouched.
 */
export async function saveSetting(folder: string, name: SettingName, value: string): Promise<CliFailure | undefined> {
  if (name === "server" && !parseServers(value)) return wrongUsage(SERVER_RULE);
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
