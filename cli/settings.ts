/**
 * Determines the settings of a command: the servers, the token, and the acting instance or session. The order of
 * precedence is: command line, environment, the folder's files, the user's own files, defaults. client.ts makes the
 * connection. Runs in the CLI process.
 *
 * A token is sent only to its own server. A folder's file may name another server. The user's tokens, also those in the
 * environment, are not sent to that server. A context's token is sent to the context's servers only.
 */
import { Cluster } from "./cluster.js";
import { CURRENT_CONTEXT, findContext, type FoundContext } from "./context-file.js";
import { CliFailure, failed, wrongUsage } from "./failure.js";
import { addressOf, readHookToken } from "./hook-token-file.js";
import { findInstance, isInstanceIdUsable, type StoredInstance } from "./instance-file.js";
import { findProjectFile } from "./project-file.js";
import { joinServers, parseServers } from "./server-list.js";
import { findSession, type Session } from "./session.js";
import { DEFAULT_SERVER, isHeaderText, SERVER_RULE, TOKEN_RULE } from "./setting-rules.js";
import {
  SETTINGS_FILE,
  readFolderSettings,
  readUserSettings,
  userSettingsPath,
  type FileSettings,
} from "./settings-file.js";
import { askForConsent, rememberTrust } from "./token-consent.js";

/** The names of files in the answer of `whoami`. */
const INSTANCE_NAME = ".koor/instance.json";
const PROJECT_NAME = ".koor/project.json";

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
  /** The context in effect. */
  readonly context: FoundContext | undefined;
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

const INSTANCE_RULE = "KOOR_INSTANCE must be visible ASCII characters without spaces";

/** The settings that the command line names; "" for each that it does not name. */
export interface Given {
  /** The value of `--server`. */
  readonly server: string;
  /** The value of `--context`. */
  readonly context: string;
}

const NOTHING_GIVEN: Given = { server: "", context: "" };

/**
 * Reads the sources that apply in `folder`. An empty variable counts as not set. A file is not read if the environment
 * already sets everything that the file could set.
 * @param context the context that the command line or the environment names
 */
function readSources(
  folder: string,
  environment: NodeJS.ProcessEnv,
  context: FoundContext | undefined,
  namesServer: boolean,
): Sources | CliFailure {
  const named = environment["KOOR_INSTANCE"] || undefined;
  if (named !== undefined && !isInstanceIdUsable(named)) return failed(INSTANCE_RULE);
  const session = named === undefined ? findSession(environment) : undefined;
  if (session instanceof CliFailure) return session;
  const readsFiles = !namesServer || !environment["KOOR_TOKEN"];
  const file = readsFiles ? readFolderSettings(folder, namesServer) : undefined;
  if (file instanceof CliFailure) return file;
  const inEffect = context ?? (readsFiles ? findContext(environment, "", "current") : undefined);
  if (inEffect instanceof CliFailure) return inEffect;
  const user = readsFiles ? readUserSettings(environment, process.platform) : undefined;
  if (user instanceof CliFailure) return user;
  const instance = named === undefined ? findInstance(folder) : undefined;
  if (instance instanceof CliFailure) return instance;
  return { environment, folder: file, user, context: inEffect, named, session, instance };
}

/** Chooses the servers. `.koor/project.json` is read only if no earlier source names a server. */
function chooseServers(folder: string, environment: NodeJS.ProcessEnv, given: Given): Choice | CliFailure {
  const named = findContext(environment, given.context, "named");
  if (named instanceof CliFailure) return named;
  const explicit = given.server || environment["KOOR_SERVER"] || named?.server;
  const sources = readSources(folder, environment, named, explicit !== undefined);
  if (sources instanceof CliFailure) return sources;
  const { folder: file, user, instance, context } = sources;
  const asksProject = explicit === undefined && file?.server === undefined;
  const project = asksProject ? findProjectFile(folder) : undefined;
  if (project instanceof CliFailure) return project;
  const fromContext = (from: FoundContext["from"]) => [from, context?.from === from ? context.server : ""] as const;
  const candidates: readonly (readonly [from: string, servers: string | undefined, folderFile?: string | undefined])[] =
    [
      ["--server", given.server],
      fromContext("--context"),
      ["KOOR_SERVER", environment["KOOR_SERVER"]],
      fromContext("KOOR_CONTEXT"),
      [file?.name === SETTINGS_FILE ? SETTINGS_FILE : ".koor/settings.json", file?.server, file?.name],
      [PROJECT_NAME, project?.server, project?.name],
      [INSTANCE_NAME, serverOf(instance), INSTANCE_NAME],
      fromContext(CURRENT_CONTEXT),
      ["your settings", user?.server],
    ];
  const [serversFrom, text = DEFAULT_SERVER, folderFile = ""] = candidates.find(([, servers]) => servers) ?? [
    "default",
  ];
  const servers = parseServers(text);
  if (!servers) return given.server === "" ? failed(SERVER_RULE) : wrongUsage(SERVER_RULE);
  const folderOnly = folderFile === "" ? [] : servers.filter((server) => !isUsers(server, user, context));
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
 */
export function readSettings(
  folder: string,
  environment: NodeJS.ProcessEnv,
  given: Given = NOTHING_GIVEN,
): Settings | CliFailure {
  const choice = chooseServers(folder, environment, given);
  return choice instanceof CliFailure ? choice : settingsOf(choice, askForWithheldToken);
}

/** The identity of commands in a folder, and where each part of it was found. */
export interface Identity {
  readonly serversFrom: string;
  /** The context in effect. Another source may have named the servers. */
  readonly context: FoundContext | undefined;
  /** Where the instance or the session is named; undefined if commands act as none. */
  readonly instanceFrom: string | undefined;
  /** The settings, without a token for which the user would have to be asked. */
  readonly settings: Settings;
}

/** Finds who acts in `folder`, without a question to the user. */
export function readIdentity(
  folder: string,
  environment: NodeJS.ProcessEnv,
  given: Given = NOTHING_GIVEN,
): Identity | CliFailure {
  const choice = chooseServers(folder, environment, given);
  if (choice instanceof CliFailure) return choice;
  const settings = settingsOf(choice, () => "");
  if (settings instanceof CliFailure) return settings;
  const { named, session, instance, serversFrom, context } = choice;
  const ofFile = instance === undefined ? undefined : INSTANCE_NAME;
  const instanceFrom = named === undefined ? (session?.from ?? ofFile) : "KOOR_INSTANCE";
  return { serversFrom, context, instanceFrom, settings };
}

/** Returns the servers at which the instance was registered; undefined if the instance's file names none. */
function serverOf(instance: StoredInstance | undefined): string | undefined {
  return parseServers(instance?.server ?? "") === undefined ? undefined : instance?.server;
}

/** Whether the user's own settings or the context in effect name the server, or the server is the default one. */
function isUsers(server: URL, user: FileSettings | undefined, context: FoundContext | undefined): boolean {
  const named = [DEFAULT_SERVER, user?.server ?? "", ...(user?.trusted_servers ?? []), context?.server ?? ""];
  return named.some((text) => (parseServers(text) ?? []).some(({ href }) => href === server.href));
}

/** Whether a list names all of the chosen servers. */
function namesAll(named: string | undefined, { servers }: Choice): boolean {
  const known = new Set((parseServers(named ?? "") ?? []).map(({ href }) => href));
  return servers.every(({ href }) => known.has(href));
}

/**
 * Whether a token of a folder's file may be sent to all of the chosen servers.
 * @param named the servers that were stored with the token. Without them, any server may get the token, except those of
 * a context, and those that only the project's file names: it may be committed, and then comes from other people.
 */
function isFor(named: string | undefined, choice: Choice): boolean {
  if (named !== undefined) return namesAll(named, choice);
  const { serversFrom, folderOnly, context } = choice;
  return serversFrom !== context?.from && (serversFrom !== PROJECT_NAME || folderOnly.length === 0);
}

/** Returns the token of the context in effect, if it is for the chosen servers and the context comes from `from`. */
function tokenOfContext(choice: Choice, from: FoundContext["from"]): string | undefined {
  const { context } = choice;
  return context?.from === from && namesAll(context.server, choice) ? context.token : undefined;
}

/**
 * Returns the token of the user's own file, if it may be sent. The servers of a context get it only if the file itself
 * names them, because it was not saved for them.
 */
function tokenOfUser(choice: Choice): string | undefined {
  const { user, context, folderOnly } = choice;
  const isOfContext = context !== undefined && namesAll(context.server, choice);
  return folderOnly.length === 0 && (!isOfContext || namesAll(user?.server, choice)) ? user?.token : undefined;
}

/**
 * Returns the first token that may be sent to the chosen servers; undefined if there is none. The token of the folder's
 * instance is the last one. With a session it is used, too: a session may have been begun with it.
 */
function sendableToken(choice: Choice): string | undefined {
  const { environment, folder, instance, folderOnly } = choice;
  const forUsersServer = folderOnly.length === 0;
  return (
    tokenOfContext(choice, "--context") ??
    ((forUsersServer && environment["KOOR_TOKEN"]) || undefined) ??
    tokenOfContext(choice, "KOOR_CONTEXT") ??
    (isFor(folder?.server, choice) ? folder?.token : undefined) ??
    tokenOfContext(choice, CURRENT_CONTEXT) ??
    tokenOfUser(choice) ??
    (forUsersServer ? undefined : tokenOfInit(choice)) ??
    (isFor(instance?.server, choice) ? instance?.token : undefined)
  );
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
