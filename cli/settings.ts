/**
 * Determines the settings of a command: the servers, the token, and the acting instance or session. The order of
 * precedence is: command line, environment, the folder's files, the user's own file, defaults. client.ts makes the
 * connection. Runs in the CLI process.
 *
 * A token is sent only to its own server. A folder's file may name another server. The user's tokens, also those in the
 * environment, are not sent to that server.
 */
import { join } from "node:path";

import { CLI_SERVERS_MAX } from "../schemas/limits/cli.js";
import { Cluster } from "./cluster.js";
import { readTextFile, replaceFileInFolder, resolveForWriting } from "./config-file.js";
import { CliFailure, failed, refused, wrongUsage } from "./failure.js";
import { addressOf, readHookToken } from "./hook-token-file.js";
import { findInstance, isInstanceIdUsable, type StoredInstance } from "./instance-file.js";
import { projectOf } from "./koor-folder.js";
import { findProjectFile } from "./project-file.js";
import { joinServers, parseServers } from "./server-list.js";
import { findSession, type Session } from "./session.js";
import {
  folderSettingsPath,
  SETTINGS_FILE,
  parseSettingsText,
  readFolderSettings,
  readUserSettings,
  userSettingsPath,
  type FileSettings,
  type SettingName,
} from "./settings-file.js";
import { describeSystemError } from "./system-error.js";
import { askForConsent, rememberTrust } from "./token-consent.js";

/** The names of files in the answer of `whoami`. */
const INSTANCE_NAME = ".koor/instance.json";
const PROJECT_NAME = ".koor/project.json";
const DEFAULT_SERVER = "http://localhost:9800";
/** The permissions of a settings file. Other users of the machine must not read the token in it. */
const SETTINGS_MODE = 0o600;

/**
 * The instance of the folder's file, which acts if the server does not know the session. A client tells its shells the
 * session's id even if it has no hooks, and the session then has no instance.
 */
export interface Fallback {
  readonly instance: string;
  /** Whether the server has said that it does not know the session. */
  isUsed: boolean;
}

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
  /** The id of the session that acts as its instance; absent if there is none, or if KOOR_INSTANCE is set. */
  readonly session?: string;
  readonly fallback?: Fallback;
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
  /** The value of KOOR_INSTANCE. If it is set, the session and the instance's file are not read. */
  readonly named: string | undefined;
  readonly session: Session | undefined;
  readonly instance: StoredInstance | undefined;
}

/** The servers to ask, and the sources of the other settings. */
interface Choice extends Sources {
  readonly servers: Servers;
  /** The source that names the servers, in the words of docs/cli.md "whoami". */
  readonly serversFrom: string;
  /** The servers that only a file of the folder names. */
  readonly folderOnly: readonly URL[];
  /** The file of the folder that names the servers, in messages; "" if none does. */
  readonly folderFile: string;
}

/** Whether a text can be sent in a header, which requires visible ASCII characters. */
function isHeaderText(text: string): boolean {
  return /^[\x21-\x7e]*$/.test(text);
}

const SERVER_RULE = `server must be an http:// or https:// URL, e.g. ${DEFAULT_SERVER}, or up to ${CLI_SERVERS_MAX} with commas between`;
const INSTANCE_RULE = "KOOR_INSTANCE must be visible ASCII characters without spaces";
const TOKEN_RULE = "token must be visible ASCII characters without spaces";

/**
 * Reads the sources that apply in `folder`. An empty variable counts as not set. A file is not read if the environment
 * already sets everything that the file could set.
 */
function readSources(folder: string, environment: NodeJS.ProcessEnv, namesServer: boolean): Sources | CliFailure {
  const named = environment["KOOR_INSTANCE"] || undefined;
  if (named !== undefined && !isInstanceIdUsable(named)) return failed(INSTANCE_RULE);
  const session = named === undefined ? findSession(environment) : undefined;
  if (session instanceof CliFailure) return session;
  const readsFiles = !namesServer || !environment["KOOR_TOKEN"];
  const file = readsFiles ? readFolderSettings(folder, namesServer) : undefined;
  if (file instanceof CliFailure) return file;
  const user = readsFiles ? readUserSettings(environment, process.platform) : undefined;
  if (user instanceof CliFailure) return user;
  const instance = named === undefined ? findInstance(folder) : undefined;
  if (instance instanceof CliFailure) return instance;
  return { environment, folder: file, user, named, session, instance };
}

/** Chooses the servers. `.koor/project.json` is read only if no earlier source names a server. */
function chooseServers(folder: string, environment: NodeJS.ProcessEnv, given: string): Choice | CliFailure {
  const explicit = given || environment["KOOR_SERVER"] || undefined;
  const sources = readSources(folder, environment, explicit !== undefined);
  if (sources instanceof CliFailure) return sources;
  const { folder: file, user, instance } = sources;
  const asksProject = explicit === undefined && file?.server === undefined;
  const project = asksProject ? findProjectFile(folder) : undefined;
  if (project instanceof CliFailure) return project;
  const candidates: readonly (readonly [from: string, servers: string | undefined, folderFile?: string | undefined])[] =
    [
      ["--server", given],
      ["KOOR_SERVER", explicit],
      [file?.name === SETTINGS_FILE ? SETTINGS_FILE : ".koor/settings.json", file?.server, file?.name],
      [PROJECT_NAME, project?.server, project?.name],
      [INSTANCE_NAME, serverOf(instance), INSTANCE_NAME],
      ["your settings", user?.server],
    ];
  const [serversFrom, text = DEFAULT_SERVER, folderFile = ""] = candidates.find(([, servers]) => servers) ?? [
    "default",
  ];
  const servers = parseServers(text);
  if (!servers) return given === "" ? failed(SERVER_RULE) : wrongUsage(SERVER_RULE);
  const folderOnly = folderFile === "" ? [] : servers.filter((server) => !isUsers(server, user));
  return { ...sources, servers, serversFrom, folderOnly, folderFile };
}

/**
 * Returns the settings for a choice of servers.
 * @param askForToken asks the user for consent if the only token may not be sent; "" if no token is to be sent
 */
function settingsOf(choice: Choice, askForToken: (choice: Choice) => string | CliFailure): Settings | CliFailure {
  const { servers, environment, named, session, instance, folderOnly } = choice;
  const token = sendableToken(choice) ?? askForToken(choice);
  if (token instanceof CliFailure) return token;
  if (!isHeaderText(token)) return failed(TOKEN_RULE);
  const own = named ?? instance?.id ?? "";
  const settings = { ...targetOf(servers, environment), token, isUsersServer: folderOnly.length === 0 };
  if (session === undefined) return { ...settings, instance: own };
  // KOOR_SESSION is the user's own word, so a call with it is never repeated with another identity.
  const hasFallback = instance !== undefined && session.from !== "KOOR_SESSION";
  const fallback = hasFallback ? { fallback: { instance: instance.id, isUsed: false } } : {};
  return { ...settings, instance: "", session: session.id, ...fallback };
}

/**
 * Reads the settings that apply in `folder`. The instance's own token is used only if no other token is set, because
 * another token was set on purpose and may have more rights.
 * @param given the servers of the command line; "" if it names none
 */
export function readSettings(folder: string, environment: NodeJS.ProcessEnv, given = ""): Settings | CliFailure {
  const choice = chooseServers(folder, environment, given);
  return choice instanceof CliFailure ? choice : settingsOf(choice, askForWithheldToken);
}

/** The identity of commands in a folder, and where each part of it was found. */
export interface Identity {
  readonly serversFrom: string;
  /** Where the instance or the session is named; undefined if commands act as none. */
  readonly instanceFrom: string | undefined;
  /** The settings, without a token for which the user would have to be asked. */
  readonly settings: Settings;
}

/** Finds who acts in `folder`, without a question to the user. */
export function readIdentity(folder: string, environment: NodeJS.ProcessEnv, given = ""): Identity | CliFailure {
  const choice = chooseServers(folder, environment, given);
  if (choice instanceof CliFailure) return choice;
  const settings = settingsOf(choice, () => "");
  if (settings instanceof CliFailure) return settings;
  const { named, session, instance, serversFrom } = choice;
  const ofFile = instance === undefined ? undefined : INSTANCE_NAME;
  return { serversFrom, instanceFrom: named === undefined ? (session?.from ?? ofFile) : "KOOR_INSTANCE", settings };
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
 * Whether a token of a folder's file may be sent to all of the chosen servers.
 * @param named the servers that were stored with the token. Without them, any server may get the token, except those
 * that only the project's file names: it may be committed, and then comes from other people.
 */
function isFor(named: string | undefined, { servers, serversFrom, folderOnly }: Choice): boolean {
  if (named === undefined) return serversFrom !== PROJECT_NAME || folderOnly.length === 0;
  const known = new Set((parseServers(named) ?? []).map(({ href }) => href));
  return servers.every(({ href }) => known.has(href));
}

/**
 * Returns the first token that may be sent to the chosen servers; undefined if there is none. The token of the folder's
 * instance is the last one. With a session it is used, too: a session may have been begun with it.
 */
function sendableToken(choice: Choice): string | undefined {
  const { environment, folder, user, instance, folderOnly } = choice;
  const ofEnvironment = environment["KOOR_TOKEN"] || undefined;
  const forUsersServer = folderOnly.length === 0;
  if (ofEnvironment !== undefined && forUsersServer) return ofEnvironment;
  if (folder?.token !== undefined && isFor(folder.server, choice)) return folder.token;
  if (user?.token !== undefined && forUsersServer) return user.token;
  const ofInit = forUsersServer ? undefined : tokenOfInit(choice);
  if (ofInit !== undefined) return ofInit;
  return instance?.token !== undefined && isFor(instance.server, choice) ? instance.token : undefined;
}

/** Returns the token that the user had `init` keep for the server; undefined if there is none. */
function tokenOfInit({ servers, environment }: Choice): string | undefined {
  const [server, ...others] = servers;
  return others.length > 0 ? undefined : readHookToken(addressOf(server), environment, process.platform);
}

/**
 * Asks the user whether the user's token may be sent to servers that only a file in the folder names. Returns the
 * token, "" if there is none, or a failure if the user does not agree.
 */
function askForWithheldToken({ environment, folder, user, folderOnly, folderFile }: Choice): string | CliFailure {
  if (folderOnly.length === 0) return "";
  const withheld: readonly (readonly [whose: string, token: string | undefined])[] = [
    ["KOOR_TOKEN", environment["KOOR_TOKEN"]],
    [`the token of ${folder?.name ?? ""}`, folder?.token],
    ["the token of your own settings", user?.token],
  ];
  const [whose, token] = withheld.find(([, one]) => one) ?? [];
  if (token === undefined) return "";
  const addresses = joinServers(folderOnly);
  const agreed = askForConsent(`${folderFile} names the server ${addresses}. Send ${whose} there?`);
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
    `${whose} is not sent to ${addresses}, which only ${folderFile} names`,
    `to send it there name the server yourself: --server ${addresses}, KOOR_SERVER=${addresses}, or koor config set --user server ${addresses}`,
  );
}

/** Returns the instance or the session as which the next call is made. */
export function actorOf(settings: Settings): Pick<Settings, "instance" | "session"> {
  return settings.fallback?.isUsed ? settings.fallback : settings;
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
