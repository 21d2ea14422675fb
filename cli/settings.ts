/**
 * The settings of a command: which server it asks, or several, with which token, and as which instance it acts. The
 * command line wins over the environment, that over the folder's files, those over the user's own, those over the
 * default. A token goes only to the server that it is for: a folder may name a server, but has no say over the tokens
 * of the environment and of the user. Runs in the command line's process; leaves the connection itself to client.ts.
 */
import { join } from "node:path";

import { CLI_SERVERS_MAX } from "../schemas/limits.js";
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
/** Others on the machine must not read the token. */
const SETTINGS_MODE = 0o600;

export interface Settings {
  /** http or https, a path prefix allowed; the first where several are given. */
  readonly server: URL;
  /** Where several servers are given: any of them may be asked. */
  readonly cluster?: Cluster;
  /** "" where none is set. */
  readonly token: string;
  /** The id of the instance that calls act as, unless the token says another; "" where none is said. */
  readonly instance: string;
  /** Whether the user has named the servers, and not only the folder: tokens of the environment may go there. */
  readonly is_users_server?: boolean;
}

type Servers = readonly [URL, ...URL[]];

/** All that settings come from. */
interface Sources {
  readonly environment: NodeJS.ProcessEnv;
  readonly folder: FileSettings | undefined;
  readonly user: FileSettings | undefined;
  readonly instance: StoredInstance | undefined;
}

/** A header can carry it: visible ASCII. */
function isHeaderText(text: string): boolean {
  return /^[\x21-\x7e]*$/.test(text);
}

const SERVER_RULE = `server must be an http:// or https:// URL, e.g. ${DEFAULT_SERVER}, or up to ${CLI_SERVERS_MAX} with commas between`;
const INSTANCE_RULE = "KOOR_INSTANCE must be visible ASCII characters without spaces";
const TOKEN_RULE = "token must be visible ASCII characters without spaces";

/**
 * The settings that hold in `folder`. An empty variable counts as not set. A file is not read where the environment
 * says all that it could. The instance's own token is the last choice: another one was given on purpose, and may do
 * more.
 * @param given the servers of the command line; "" where it names none
 */
export function readSettings(folder: string, environment: NodeJS.ProcessEnv, given = ""): Settings | CliFailure {
  const named = environment["KOOR_INSTANCE"] || undefined;
  const explicit = given || environment["KOOR_SERVER"] || undefined;
  const reads_files = explicit === undefined || !environment["KOOR_TOKEN"];
  const file = reads_files ? readFolderSettings(folder, explicit !== undefined) : undefined;
  if (file instanceof CliFailure) return file;
  const user = reads_files ? readUserSettings(environment, process.platform) : undefined;
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
  return { ...target, token, instance: named ?? instance?.id ?? "", is_users_server: folderOnly.length === 0 };
}

/** The servers at which an instance was registered; undefined where its file names none. */
function serverOf(instance: StoredInstance | undefined): string | undefined {
  return parseServers(instance?.server ?? "") === undefined ? undefined : instance?.server;
}

/** Whether the user's own settings name a server, or it is the one that is asked where nothing is set. */
function isUsers(server: URL, user: FileSettings | undefined): boolean {
  const named = [DEFAULT_SERVER, user?.server ?? "", ...(user?.trusted_servers ?? [])];
  return named.some((text) => (parseServers(text) ?? []).some(({ href }) => href === server.href));
}

/** Whether what was stored with the servers that `named` lists, or with none, is for each of these. */
function isFor(named: string | undefined, servers: Servers): boolean {
  if (named === undefined) return true;
  const known = new Set((parseServers(named) ?? []).map(({ href }) => href));
  return servers.every(({ href }) => known.has(href));
}

/**
 * The first token that may go to these servers; "" where there is none. Where only such a one is there that may not,
 * the user is asked.
 * @param folderOnly the servers that only the folder names
 */
function chooseToken(servers: Servers, folderOnly: readonly URL[], sources: Sources): string | CliFailure {
  const { environment, folder, user, instance } = sources;
  const of_environment = environment["KOOR_TOKEN"] || undefined;
  const is_users = folderOnly.length === 0;
  if (of_environment !== undefined && is_users) return of_environment;
  if (folder?.token !== undefined && isFor(folder.server, servers)) return folder.token;
  if (user?.token !== undefined && is_users) return user.token;
  if (instance?.token !== undefined && isFor(instance.server, servers)) return instance.token;
  const withheld = of_environment ?? user?.token;
  if (withheld === undefined || is_users) return "";
  const where = folder?.server === undefined ? ".koor/instance.json" : folder.name;
  return askFor(withheld, folderOnly, where, sources);
}

/** A token that would go to a server which only the folder names: with the user's consent. */
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

/** All servers that may be asked. */
export function serversOf({ cluster, server }: Settings): readonly URL[] {
  return cluster?.servers ?? [server];
}

/** The server, or the first of several with what is known of their cluster. */
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
 * Saves one setting, in the folder's settings or the user's own; the file then has mode 0600, and all other members
 * stay as they were written. A file that does not parse is refused and stays untouched.
 * @param environment where the user's own settings are; undefined: the folder's
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
    // Only `config set` edits; every command reads.
    const { setMember } = await import("./json-edit.js");
    const edited = setMember(text, [name], value);
    if (edited === undefined) return refused(`${shown} has ${name} twice, and stays as it is`);
    replaceFileInFolder(path, edited, SETTINGS_MODE);
    return undefined;
  } catch (error) {
    return failed(`cannot write ${shown}: ${describeSystemError(error)}`);
  }
}
