/**
 * Determines the settings of a command: the servers, the token, and the acting instance or session. The order of
 * precedence is: command line, environment, the folder's files, the user's own files, defaults. server-choice.ts
 * chooses the servers and token-choice.ts the token; client.ts makes the connection. Runs in the CLI process.
 */
import { Cluster } from "./cluster.js";
import type { FoundContext } from "./context-file.js";
import { CliFailure, failed } from "./failure.js";
import { chooseServers, INSTANCE_NAME, type Choice, type Given, type Servers } from "./server-choice.js";
import { isHeaderText, TOKEN_RULE } from "./setting-rules.js";
import { askForWithheldToken, sendableToken } from "./token-choice.js";

/**
 * The instance in the folder's file. It acts if the server does not know the session. This happens with clients that
 * have no hooks: they give their shells the id of a session, but the session has no instance.
 */
export interface Fallback {
  readonly instance: string;
  /** Whether the server has answered that it does not know the session. */
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
   * Whether the user chose the servers. Tokens in the environment may be sent only to such servers. False if only a
   * file in the folder names the servers.
   */
  readonly isUsersServer?: boolean;
}

const NOTHING_GIVEN: Given = { server: "", context: "" };

/**
 * Returns the settings for the chosen servers.
 * @param askForToken asks the user for consent if the only token may not be sent; returns "" if no token is to be sent
 */
function settingsOf(choice: Choice, askForToken: (choice: Choice) => string | CliFailure): Settings | CliFailure {
  const { servers, environment, named, session, instance, folderOnly } = choice;
  const token = sendableToken(choice) ?? askForToken(choice);
  if (token instanceof CliFailure) return token;
  if (!isHeaderText(token)) return failed(TOKEN_RULE);
  const own = named ?? instance?.id ?? "";
  const settings = { ...targetOf(servers, environment), token, isUsersServer: folderOnly.length === 0 };
  if (session === undefined) return { ...settings, instance: own };
  // A user or a script has set KOOR_SESSION on purpose, so a call with it is never repeated with another identity.
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

/** The identity of commands in a folder, and the source of each part of it. */
export interface Identity {
  readonly serversFrom: string;
  /** The context in effect. The servers may still come from another source. */
  readonly context: FoundContext | undefined;
  /** The source that names the instance or the session; undefined if commands act as neither. */
  readonly instanceFrom: string | undefined;
  /** The settings. They lack a token that may be sent only with the user's consent. */
  readonly settings: Settings;
}

/** Finds the identity of commands in `folder`. Never asks the user. */
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

/** Returns the instance or the session in whose name the next call is made. */
export function actorOf(settings: Settings): Pick<Settings, "instance" | "session"> {
  return settings.fallback?.isUsed ? settings.fallback : settings;
}

/** Returns all servers to which a request may be sent. */
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
