/**
 * Reads and writes the user's contexts. A context names servers and has a token that is sent only to them. The contexts
 * are in one file of the user (mode 0600), and apply in every folder. settings.ts decides when a context applies. Runs
 * in the CLI process.
 */
import { join } from "node:path";

import { isJsonObject } from "../shared/json-object.js";
import { readTextFile, replaceFileInFolder, resolveForWriting } from "./config-file.js";
import { CliFailure, failed, wrongUsage } from "./failure.js";
import { parseServers } from "./server-list.js";
import { isHeaderText, NO_USER_FOLDER, SERVER_RULE, SETTINGS_MODE, TOKEN_RULE } from "./setting-rules.js";
import { parseSettingsText } from "./settings-file.js";
import { describeSystemError } from "./system-error.js";
import { userFolder } from "./user-folder.js";

const CONTEXTS_FILE = "contexts.json";
/** The source that `whoami` shows for a context that the user has chosen with `context use`. */
export const CURRENT_CONTEXT = "context use";
/** Matches the valid names of contexts. They need no quotes in a shell and do not look like flags. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
export const NAME_RULE = "the name of a context must be 1 to 64 letters, digits, dots, dashes and underscores";

export interface Context {
  /** One server, or several servers separated by commas. */
  readonly server: string;
  readonly token?: string;
}

export interface Contexts {
  /** The name of the context that `context use` has chosen. */
  readonly current?: string;
  readonly contexts: ReadonlyMap<string, Context>;
}

export interface FoundContext extends Context {
  readonly name: string;
  readonly from: "--context" | "KOOR_CONTEXT" | typeof CURRENT_CONTEXT;
}

export function isContextName(name: string): boolean {
  return NAME.test(name);
}

/** Returns the path of the file. Fails if the environment does not say where the user's configuration is. */
function contextsPath(environment: NodeJS.ProcessEnv): string | CliFailure {
  const folder = userFolder(environment, process.platform);
  return folder === undefined ? wrongUsage(NO_USER_FOLDER) : join(folder, CONTEXTS_FILE);
}

/** Reads one context of the file. Returns the reason instead if the context is invalid. */
function readContext(value: unknown): Context | string {
  if (!isJsonObject(value)) return "it must be an object";
  const { server, token } = value;
  if (typeof server !== "string" || !parseServers(server)) return SERVER_RULE;
  if (token === undefined || token === "") return { server };
  return typeof token === "string" && isHeaderText(token) ? { server, token } : TOKEN_RULE;
}

/** Reads the contexts. A missing file means that there are none. Fails if the file is invalid. */
export function readContexts(environment: NodeJS.ProcessEnv): Contexts | CliFailure {
  const path = contextsPath(environment);
  if (path instanceof CliFailure) return { contexts: new Map() };
  const text = readTextFile({ path, name: path });
  if (text === undefined) return { contexts: new Map() };
  const file = text instanceof CliFailure ? text : parseSettingsText(text, path);
  if (file instanceof CliFailure) return file;
  const { current, contexts = {} } = file;
  if (!isJsonObject(contexts)) return failed(`${path}: contexts must be an object`);
  const read = new Map<string, Context>();
  for (const [name, value] of Object.entries(contexts)) {
    const context = readContext(value);
    if (typeof context === "string") return failed(`${path}: context ${JSON.stringify(name)}: ${context}`);
    read.set(name, context);
  }
  return { contexts: read, ...(typeof current === "string" && read.has(current) ? { current } : {}) };
}

/** Replaces the file. The mode becomes 0600, even if the old file had another mode. */
export function writeContexts({ current, contexts }: Contexts, environment: NodeJS.ProcessEnv): CliFailure | undefined {
  const path = contextsPath(environment);
  if (path instanceof CliFailure) return path;
  try {
    const real = resolveForWriting({ path, name: path });
    if (real instanceof CliFailure) return real;
    const file = { ...(current === undefined ? {} : { current }), contexts: Object.fromEntries(contexts) };
    replaceFileInFolder(real, `${JSON.stringify(file, null, 2)}\n`, SETTINGS_MODE);
    return undefined;
  } catch (error) {
    return failed(`cannot write ${path}: ${describeSystemError(error)}`);
  }
}

/** Returns the error message for an unknown context. */
export function noSuchContext(name: string, { contexts }: Contexts): string {
  const names = [...contexts.keys()];
  return `no such context: ${name} (${names.length === 0 ? "there are none: see koor context add" : names.join(", ")})`;
}

/**
 * Finds the context that applies; undefined if there is none.
 * @param given the value of `--context`; "" if it is not given
 * @param which `named`: the context that `--context` or KOOR_CONTEXT names. `current`: the context that was chosen with
 * `context use`
 */
export function findContext(
  environment: NodeJS.ProcessEnv,
  given: string,
  which: "named" | "current",
): FoundContext | undefined | CliFailure {
  const named = given || environment["KOOR_CONTEXT"];
  if (which === "named" && !named) return undefined;
  const all = readContexts(environment);
  if (all instanceof CliFailure) return all;
  const name = which === "named" ? named : all.current;
  if (name === undefined) return undefined;
  const context = all.contexts.get(name);
  if (context === undefined)
    return given === "" ? failed(`KOOR_CONTEXT: ${noSuchContext(name, all)}`) : wrongUsage(noSuchContext(name, all));
  return { name, ...context, from: which === "current" ? CURRENT_CONTEXT : given ? "--context" : "KOOR_CONTEXT" };
}
