/**
 * Chooses the servers of a command, and reads the sources of its other settings. The sources in order of precedence are
 * the command line, the environment, the folder's files and the user's own files. Runs in the CLI process.
 */
import { CURRENT_CONTEXT, findContext, type FoundContext } from "./context-file.js";
import { CliFailure, failed, wrongUsage } from "./failure.js";
import { findJoinedServers } from "./joined-servers.js";
import { findInstance, isInstanceIdUsable, type StoredInstance } from "./instance-file.js";
import { findProjectFile } from "./project-file.js";
import { adviseScheme, parseServers } from "./server-list.js";
import { findSession, type Session } from "./session.js";
import { DEFAULT_SERVER, SERVER_RULE } from "./setting-rules.js";
import { SETTINGS_FILE, readFolderSettings, readUserSettings, type FileSettings } from "./settings-file.js";

/** The names that `whoami` prints for these files. */
export const INSTANCE_NAME = ".koor/instance.json";
export const PROJECT_NAME = ".koor/project.json";
/** The name that `whoami` prints if the user has named the server for this working tree with `init --join`. */
export const JOIN_NAME = "koor init --join";

export type Servers = readonly [URL, ...URL[]];

/** The sources of settings, except the command line. */
interface Sources {
  readonly environment: NodeJS.ProcessEnv;
  readonly folder: FileSettings | undefined;
  readonly user: FileSettings | undefined;
  /** The context that applies to this command; undefined if there is none. */
  readonly context: FoundContext | undefined;
  /** The value of KOOR_INSTANCE. If it is set, neither the session nor the instance file is read. */
  readonly named: string | undefined;
  readonly session: Session | undefined;
  readonly instance: StoredInstance | undefined;
}

/** The chosen servers, with the sources from which the other settings come. */
export interface Choice extends Sources {
  readonly servers: Servers;
  /** The source that names the servers. The words are those of docs/cli.md, section "whoami". */
  readonly serversFrom: string;
  /** The chosen servers that the user has not chosen: only a file in the folder names them. */
  readonly folderOnly: readonly URL[];
  /**
   * The file in the folder that names the servers, as messages to the user show it. It is "" if no such file names
   * them.
   */
  readonly folderFile: string;
}

const INSTANCE_RULE = "KOOR_INSTANCE must be visible ASCII characters without spaces";

/** The servers and the context that the command line names; "" if it names none. */
export interface Given {
  /** The value of `--server`. */
  readonly server: string;
  /** The value of `--context`. */
  readonly context: string;
}

/**
 * Reads the sources for commands in `folder`. An empty environment variable counts as not set. A file is not read if
 * the environment already sets everything that the file could set.
 * @param context the name of the context, from the command line or the environment
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
  const instance = named === undefined ? findInstance(folder, false) : undefined;
  if (instance instanceof CliFailure) return instance;
  return { environment, folder: file, user, context: inEffect, named, session, instance };
}

/**
 * Chooses the servers. Reads `.koor/project.json` only if neither the command line, nor the environment, nor the
 * folder's settings, nor `init --join` name a server.
 */
export function chooseServers(folder: string, environment: NodeJS.ProcessEnv, given: Given): Choice | CliFailure {
  const named = findContext(environment, given.context, "named");
  if (named instanceof CliFailure) return named;
  const explicit = given.server || environment["KOOR_SERVER"] || named?.server;
  const sources = readSources(folder, environment, named, explicit !== undefined);
  if (sources instanceof CliFailure) return sources;
  const { folder: file, user, instance, context } = sources;
  const asksProject = explicit === undefined && file?.server === undefined;
  const joined = asksProject ? findJoinedServers(folder, environment) : undefined;
  const project = asksProject && joined === undefined ? findProjectFile(folder) : undefined;
  if (project instanceof CliFailure) return project;
  const fromContext = (from: FoundContext["from"]) => [from, context?.from === from ? context.server : ""] as const;
  const candidates: readonly (readonly [from: string, servers: string | undefined, folderFile?: string | undefined])[] =
    [
      ["--server", given.server],
      fromContext("--context"),
      ["KOOR_SERVER", environment["KOOR_SERVER"]],
      fromContext("KOOR_CONTEXT"),
      [file?.name === SETTINGS_FILE ? SETTINGS_FILE : ".koor/settings.json", file?.server, file?.name],
      [JOIN_NAME, joined],
      [PROJECT_NAME, project?.server, project?.name],
      [INSTANCE_NAME, serverOf(instance), INSTANCE_NAME],
      fromContext(CURRENT_CONTEXT),
      ["your settings", user?.server],
    ];
  const [serversFrom, text = DEFAULT_SERVER, folderFile = ""] = candidates.find(([, servers]) => servers) ?? [
    "default",
  ];
  const servers = parseServers(text);
  if (!servers) {
    const advice = adviseScheme(text);
    return given.server === "" ? failed(`${serversFrom}: ${SERVER_RULE}`, advice) : wrongUsage(SERVER_RULE, advice);
  }
  const folderOnly = folderFile === "" ? [] : servers.filter((server) => !isUsers(server, user, context));
  return { ...sources, servers, serversFrom, folderOnly, folderFile };
}

/**
 * Returns the servers that issued the instance's token, as the instance file names them. Returns undefined if the file
 * names none.
 */
function serverOf(instance: StoredInstance | undefined): string | undefined {
  return parseServers(instance?.server ?? "") === undefined ? undefined : instance?.server;
}

/**
 * Whether the user has chosen the server. This is true for the default server, and for servers in the user's own
 * settings or in the context that applies.
 */
function isUsers(server: URL, user: FileSettings | undefined, context: FoundContext | undefined): boolean {
  const named = [DEFAULT_SERVER, user?.server ?? "", ...(user?.trusted_servers ?? []), context?.server ?? ""];
  return named.some((text) => (parseServers(text) ?? []).some(({ href }) => href === server.href));
}
