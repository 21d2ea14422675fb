/**
 * Reads the settings of a command: the servers, the token, and the instance or session that acts. The order of
 * precedence is the command line, the environment, the folder's files, the user's own files, and the defaults.
 * server-choice.ts chooses the servers, and token-choice.ts the token. Runs in the CLI process.
 */
import { Cluster } from "./cluster.js";
import type { FoundContext } from "./context-file.js";
import { CliFailure, failed } from "./failure.js";
import { chooseServers, INSTANCE_NAME, type Choice, type Given, type Servers } from "./server-choice.js";
import { isHeaderText, TOKEN_RULE } from "./setting-rules.js";
import { askForWithheldToken, sendableToken } from "./token-choice.js";

/**
 * The instance in the folder's file. It acts if the server does not know the session. Clients without hooks cause this:
 * they name a session to their shells, but never register an instance for it.
 */
export interface Fallback {
  readonly instance: string;
  /** Whether the server has answered that it does not know the session. */
  isUsed: boolean;
}

export interface Settings {
  /**
   * The http or https URL of the server, which may have a path prefix. If there are several servers, it is that of the
   * first one.
   */
  readonly server: URL;
  /** The cluster, if several servers are configured. Each request may be sent to any of them. */
  readonly cluster?: Cluster;
  /** The token; "" if none is set. */
  readonly token: string;
  /**
   * The id of the acting instance; "" if none is set. If the token belongs to another instance, the server lets that
   * one act.
   */
  readonly instance: string;
  /** The id of the session whose instance acts. Absent if no session is found, or if KOOR_INSTANCE is set. */
  readonly session?: string;
  readonly fallback?: Fallback;
  /**
   * Whether the user chose the servers. If only a file in the folder names them, they must not get the token of the
   * environment.
   */
  readonly isUsersServer?: boolean;
}

const NOTHING_GIVEN: Given = { server: "", context: "" };

/**
 * Returns the settings for the chosen servers.
 * @param askForToken called if no token may be sent without the user's consent; returns the token, or "" to send none
 */
function settingsOf(choice: Choice, askForToken: (choice: Choice) => string | CliFailure): Settings | CliFailure {
  const { servers, environment, named, session, instance, folderOnly } = choice;
  const token = sendableToken(choice) ?? askForToken(choice);
  if (token instanceof CliFailure) return token;
  if (!isHeaderText(token)) return failed(TOKEN_RULE);
  const own = named ?? instance?.id ?? "";
  const settings = { ...targetOf(servers, environment), token, isUsersServer: folderOnly.length === 0 };
  if (session === undefined) return { ...settings, instance: own };
  // KOOR_SESSION was set on purpose. So a call with it is never repeated as the folder's instance.
  const hasFallback = instance !== undefined && session.from !== "KOOR_SESSION";
  const fallback = hasFallback ? { fallback: { instance: instance.id, isUsed: false } } : {};
  return { ...settings, instance: "", session: session.id, ...fallback };
}

/**
 * Reads the settings of commands in `folder`. The token of the folder's instance is used only if no other token is set.
 * Another token was set on purpose, and may have more rights.
 */
export function readSettings(
  folder: string,
  environment: NodeJS.ProcessEnv,
  given: Given = NOTHING_GIVEN,
): Settings | CliFailure {
  const choice = chooseServers(folder, environment, given);
  return choice instanceof CliFailure ? choice : settingsOf(choice, askForWithheldToken);
}

/** The identity with which commands in a folder act, and where each part of it was found. */
export interface Identity {
  readonly serversFrom: string;
  /** The context that applies. The servers may still come from elsewhere. */
  readonly context: FoundContext | undefined;
  /** The variable or file that names the instance or session; undefined if commands act as neither. */
  readonly instanceFrom: string | undefined;
  /** The servers and the token. If the token may only be sent with the user's consent, it is left out. */
  readonly settings: Settings;
}

/** Finds the identity of commands in `folder`. Never asks the user for consent. */
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

/** Returns the instance or the session that acts in the next call. */
export function actorOf(settings: Settings): Pick<Settings, "instance" | "session"> {
  return settings.fallback?.isUsed ? settings.fallback : settings;
}

/** Returns all servers to which a request may be sent. */
export function serversOf({ cluster, server }: Settings): readonly URL[] {
  return cluster?.servers ?? [server];
}

/** Returns the server to use. If there are several, returns the first one together with the cluster. */
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
