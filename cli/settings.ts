/**
 * Determines the settings of a command: the servers, the token, and the acting instance. The order of precedence is:
 * command line, environment, the folder's files, the user's own file, defaults. client.ts makes the connection. Runs in
 * the CLI process.
 *
 * A token is sent only to its own server. A folder's file may name another server. The user's tokens, also those in the
 * environment, are not sent to that server.
 */
import { join } from "node:path";

import { CLI_SERVERS_MAX } from "../schemas/limits/cli.js";
import { Cluster } from "./cluster.js";
import { readTextFile, replaceFileInFolder, resolveForWriting } from "./config-file.js";
import { CliFailure, failed, refused, wrongUsage } from "./failure.js";
import { findInstance, isInstanceIdUsable, type StoredInstance } from "./instance-file.js";
import { projectOf } from "./koor-folder.js";
import { joinServers, parseServers } from "./server-list.js";
import {
  folderSettingsPath,
  parseSettingsText,
  readFolderSettings,
  readUserSettings,
  userSettingsPath,
  type FileSettings,
  type SettingName,
} from "./settings-file.js";
import { describeSystemError } from "./system-error.js";
import { askForConsent, rememberTrust } from "./token-consent.js";

const DEFAULT_SERVER = "http://localhost:9800";
/** The permissions of a settings file. Other users of the machine must not read the token in it. */
const SETTINGS_MODE = 0o600;

export interface Settings {
  /**
   * The server's http or https URL, which may have a path prefix. If there are several servers, it is the first one.
   */
  readonly server: URL;
  /** The cluster, if several servers are configured. A request may be sent to any of its servers. */
  readonly cluster?: Cluster;
  /** The token; "" if none is set. */
  readonly token: string;
  /**
   * The id of the acting instance; "" if none is set. If the token is that of another instance, the server acts for
   * that one.
   */
  readonly instance: string;
  /**
   * Whether the user chose the servers. Tokens of the environment may be sent only to such servers. False if only a
   * file in the folder names the servers.
   */
  readonly isUsersServer?: boolean;
}

type Servers = readonly [URL, ...URL[]];

/** The sources of settings. */
interface Sources {
  readonly environment: NodeJS.ProcessEnv;
  readonly folder: FileSettings | undefined;
  readonly user: FileSettings | undefined;
  readonly instance: StoredInstance | undefined;
}

/** Whether a text can be sent in a header, which requires visible ASCII characters. */
function isHeaderText(text: string): boolean {
  return /^[\x21-\x7e]*$/.test(text);
}

const SERVER_RULE = `server must be an http:// or https:// URL, e.g. ${DEFAULT_SERVER}, or up to ${CLI_SERVERS_MAX} with commas between`;
const INSTANCE_RULE = "KOOR_INSTANCE must be visible ASCII characters without spaces";
const TOKEN_RULE = "token must be visible ASCII characters without spaces";

/**
 * Reads the settings that apply in `folder`. An empty variable counts as not set. A file is not read if the environment
 * already sets everything that the file could set. The instance's own token is used only if no other token is set,
 * because another token was set on purpose and may have more rights.
 * @param given the servers of the command line; "" if it names none
 */
export function readSettings(folder: string, environment: NodeJS.ProcessEnv, given = ""): Settings | CliFailure {
  const named = environment["KOOR_INSTANCE"] || undefined;
  const explicit = given || environment["KOOR_SERVER"] || undefined;
  const readsFiles = explicit === undefined || !environment["KOOR_TOKEN"];
  const file = readsFiles ? readFolderSettings(folder, explicit !== undefined) : undefined;
  if (file instanceof CliFailure) return file;
  const user = readsFiles ? readUserSettings(environment, process.platform) : undefined;
  if (user instanceof CliFailure) return user;
  const instance = named === undefined ? findInstance(folder) : undefined;
  if (instance instanceof CliFailure) return instance;
  const sources = { environment, folder: file, user, instance };

  const folderServers = explicit === undefined ? (file?.server ?? serverOf(instance)) : undefined;
  const servers = parseServers(explicit ?? folderServers ?? user?.server ?? DEFAULT_SERVER);
  if (!servers) return given === "" ? failed(SERVER_RULE) : wrongUsage(SERVER_RULE);
  const folderOnly = folderServers === undefined ? [] : servers.filter((server) => !isUsers(server, user));
  const token = chooseToken(servers, folderOnly, sources);
  if (token instanceof CliFailure) return token;
  if (!isHeaderText(token)) return failed(TOKEN_RULE);
  if (named !== undefined && !isInstanceIdUsable(named)) return failed(INSTANCE_RULE);
  const target = targetOf(servers, environment);
  return { ...target, token, instance: named ?? instance?.id ?? "", isUsersServer: folderOnly.length === 0 };
}

/** Returns the servers at which the instance was registered; undefined if the instance's file names none. */
function serverOf(instance: StoredInstance | undefined): string | undefined {
  return parseServers(instance?.server ?? "") === undefined ? undefined : instance?.server;
}

/** Whether the user's own settings name the server, or the server is the default one. */
function isUsers(server: URL, user: FileSettings | undefined): boolean {
  const named = [DEFAULT_SERVER, user?.server ?? "", ...(user?.trusted_servers ?? [])];
  return named.some((text) => (parseServers(text) ?? []).some(({ href }) => href === server.href));
}

/**
 * Whether a token may be sent to all of these servers.
 * @param named the servers that were stored with the token; without them, any server may get the token
 */
function isFor(named: string | undefined, servers: Servers): boolean {
  if (named === undefined) return true;
  const known = new Set((parseServers(named) ?? []).map(({ href }) => href));
  return servers.every(({ href }) => known.has(href));
}

/**
 * Returns the first token that may be sent to these servers; "" if there is none. If there is only a token that may not
 * be sent there, asks the user.
 * @param folderOnly the servers that only a file in the folder names
 */
function chooseToken(servers: Servers, folderOnly: readonly URL[], sources: Sources): string | CliFailure {
  const { environment, folder, user, instance } = sources;
  const ofEnvironment = environment["KOOR_TOKEN"] || undefined;
  const forUsersServer = folderOnly.length === 0;
  if (ofEnvironment !== undefined && forUsersServer) return ofEnvironment;
  if (folder?.token !== undefined && isFor(folder.server, servers)) return folder.token;
  if (user?.token !== undefined && forUsersServer) return user.token;
  if (instance?.token !== undefined && isFor(instance.server, servers)) return instance.token;
  const withheld = ofEnvironment ?? user?.token;
  if (withheld === undefined || forUsersServer) return "";
  const where = folder?.server === undefined ? ".koor/instance.json" : folder.name;
  return askFor(withheld, folderOnly, where, sources);
}

/**
 * Asks the user whether the token may be sent to servers that only a file in the folder names. Returns the token, or a
 * failure if the user does not agree.
 */
function askFor(
  token: string,
  folderOnly: readonly URL[],
  where: string,
  { environment }: Sources,
): string | CliFailure {
  const whose = environment["KOOR_TOKEN"] ? "KOOR_TOKEN" : "the token of your own settings";
  const addresses = joinServers(folderOnly);
  const agreed = askForConsent(`${where} names the server ${addresses}. Send ${whose} there?`);
  if (agreed === true) {
    const path = userSettingsPath(environment, process.platform);
    if (path !== undefined)
      rememberTrust(
        path,
        folderOnly.map(({ href }) => href),
      );
    return token;
  }
  return wrongUsage(
    `${whose} is not sent to ${addresses}, which only ${where} names`,
    `to send it there name the server yourself: --server ${addresses}, KOOR_SERVER=${addresses}, or koor config set --user server ${addresses}`,
  );
}

/** Returns all servers that may be asked. */
export function serversOf({ cluster, server }: Settings): readonly URL[] {
  return cluster?.servers ?? [server];
}

/** Returns the server to use. If there are several, returns the first one and their cluster. */
function targetOf(servers: Servers, environment: NodeJS.ProcessEnv): Pick<Settings, "server" | "cluster"> {
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
 * Saves one setting, in the folder's settings or in the user's own. The file then has mode 0600, and its other members
 * are unchanged. A file that does not parse is refused and stays unchanged.
 * @param environment locates the user's own settings; if it is undefined, the folder's settings are changed
 */
export async function saveSetting(
  folder: string,
  name: SettingName,
  value: string,
  environment?: NodeJS.ProcessEnv,
): Promise<CliFailure | undefined> {
  if (name === "server" && !parseServers(value)) return wrongUsage(SERVER_RULE);
  if (name === "token" && !isHeaderText(value)) return wrongUsage(TOKEN_RULE);
  const shown = environment ? userSettingsPath(environment, process.platform) : folderSettingsPath(folder);
  if (shown === undefined) return wrongUsage("there is no place for your own settings: set HOME or XDG_CONFIG_HOME");
  try {
    const location = environment
      ? { path: shown, name: shown }
      : { path: join(folder, shown), name: shown, root: projectOf(folder) };
    const path = resolveForWriting(location);
    if (path instanceof CliFailure) return path;
    const text = readTextFile(location) ?? "{}\n";
    if (text instanceof CliFailure) return text;
    const file = parseSettingsText(text, shown);
    if (file instanceof CliFailure) return refused(file.message);
    // Import the module here, because only `config set` edits JSON.
    const { setMember } = await import("./json-edit.js");
    const edited = setMember(text, [name], value);
    if (edited === undefined) return refused(`${shown} has ${name} twice, and stays as it is`);
    replaceFileInFolder(path, edited, SETTINGS_MODE);
    return undefined;
  } catch (error) {
    return failed(`cannot write ${shown}: ${describeSystemError(error)}`);
  }
}
