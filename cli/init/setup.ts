/**
 * Finds the facts about a folder that `init` needs: the working tree, the workspace, the server, the token, and the
 * content of `.koor/project.json`. Runs in the CLI process.
 */
import { existsSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

import { isJsonObject, type JsonObject } from "../../shared/json-object.js";
import { findCheckout } from "../checkout.js";
import { readTextFile } from "../config-file.js";
import { CliFailure, refused } from "../failure.js";
import { findWorkingTree, hasOwnRepository, mainRootOf, realPath, type WorkingTree } from "../git-folder.js";
import { addressOf, hookTokenPath } from "../hook-token-file.js";
import { findInstance } from "../instance-file.js";
import { memberAt, parseCommented } from "../json-edit.js";
import { readIdentity, serversOf, type Settings } from "../settings.js";
import { homeFolder } from "../user-folder.js";
import { findRoot } from "../workspace.js";
import { findWorkspace } from "../workspace-name.js";
import { findProgram } from "./detect-clients.js";
import type { HookTransport } from "./hook-command.js";
import { hookHeaders } from "./hook-headers.js";
import type { InitOptions } from "./options.js";
import type { Places } from "./places.js";
import type { ProjectMembers } from "./project-part.js";
import { PROJECT_FILE } from "./target-file.js";

const POLICY_DEFAULT = "auto";

export interface Setup {
  readonly places: Places;
  /** The working tree; undefined outside of git. */
  readonly tree: WorkingTree | undefined;
  readonly workspace: string | null;
  readonly settings: Settings;
  /** The URLs of the servers. Hooks use the first one. */
  readonly addresses: readonly [string, ...string[]];
  /** The user's token for the server; "" if the user has none. */
  readonly token: string;
  readonly tokenFile: string | undefined;
  readonly transport: HookTransport;
  /** The members that `init` sets in `.koor/project.json`. */
  readonly project: ProjectMembers;
  readonly hasProjectFile: boolean;
}

/** Finds the folders in which `init` changes files, and the working tree. */
export function findPlaces(folder: string, environment: NodeJS.ProcessEnv): { places: Places; tree?: WorkingTree } {
  const tree = findWorkingTree(folder);
  const project = tree?.root ?? realPath(findRoot(folder));
  const home = homeFolder(environment, process.platform);
  const repository = tree !== undefined && hasOwnRepository(tree) ? tree.commonFolder : undefined;
  return { places: { project, home, repository }, ...(tree === undefined ? {} : { tree }) };
}

/** Returns the root's path as the user typed it, and with links resolved. A client may name files by either of them. */
function rootsOf(root: string, folder: string, environment: NodeJS.ProcessEnv): readonly string[] {
  const typed = environment["PWD"];
  if (typed === undefined || realPath(typed) !== realPath(folder)) return [root];
  const steps = relative(root, realPath(folder))
    .split(sep)
    .filter((step) => step !== "");
  const typedRoot = resolve(typed, ...steps.map(() => ".."));
  return typedRoot === root || realPath(typedRoot) !== root ? [root] : [typedRoot, root];
}

/** Reads the project's file of this working tree. If there is none, reads that of the main working tree. */
function readProject(root: string, tree: WorkingTree | undefined): JsonObject | undefined | CliFailure {
  const main = tree === undefined ? undefined : mainRootOf(tree);
  for (const at of new Set([root, main ?? root])) {
    const text = readTextFile({ path: join(at, PROJECT_FILE), name: PROJECT_FILE, root: at });
    if (text instanceof CliFailure) return refused(text.message);
    if (text === undefined || text.trim() === "") continue;
    const parsed = parseCommented(text);
    return isJsonObject(parsed) ? parsed : refused(`${PROJECT_FILE} must hold a JSON object, and stays as it is`);
  }
  return undefined;
}

function textsAt(file: JsonObject | undefined, name: string): readonly string[] {
  const value = memberAt(file, name);
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function textAt(file: JsonObject | undefined, name: string): string | undefined {
  const value = memberAt(file, name);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/**
 * Returns the command that starts one of Koor's programs. It is the program's name if PATH has it. Otherwise it is Node
 * with the program's file, which is searched upwards from this module.
 */
function findOwnProgram(
  name: string,
  suffix: string,
  environment: NodeJS.ProcessEnv,
  isShared: boolean,
): readonly string[] {
  if (isShared || findProgram(name, environment) !== undefined) return [name];
  for (let at = import.meta.dirname; dirname(at) !== at; at = dirname(at)) {
    const file = join(at, "deploy", "bin", name + suffix);
    if (existsSync(file)) return [process.execPath, file];
  }
  return [name];
}

/**
 * Returns the token that `init` stores for hooks. Returns "" if the token belongs to the folder's instance, because
 * that token becomes invalid when the instance ends.
 */
function ownToken({ token }: Settings, root: string): string {
  const instance = findInstance(root);
  const isInstances = instance !== undefined && !(instance instanceof CliFailure) && instance.token === token;
  return isInstances ? "" : token;
}

export function findSetup(folder: string, environment: NodeJS.ProcessEnv, options: InitOptions): Setup | CliFailure {
  const { places, tree } = findPlaces(folder, environment);
  const root = places.project;
  const file = readProject(root, tree);
  if (file instanceof CliFailure) return file;
  const identity = readIdentity(root, environment, options);
  const isServerNamed = options.server !== "" || options.context !== "";
  if (identity instanceof CliFailure) return !isServerNamed ? refused(identity.message) : identity;
  const found = findWorkspace(root, environment, options.workspace);
  if (found instanceof CliFailure) return options.workspace === "" ? refused(found.message) : found;
  const { settings } = identity;
  const [first, ...others] = serversOf(settings).map(addressOf);
  const addresses = [first ?? addressOf(settings.server), ...others] as const;
  const token = ownToken(settings, root);
  const workspace = options.workspace || (textAt(file, "workspace") ?? found.name);
  const policy = options.policy || (textAt(file, "policy") ?? POLICY_DEFAULT);
  const tokenFile = hookTokenPath(addresses[0], environment, process.platform);
  const autoTtl = memberAt(file, "auto_ttl");
  return {
    places,
    tree,
    workspace,
    settings,
    addresses,
    token,
    tokenFile,
    transport: {
      address: addresses[0],
      headers: hookHeaders({
        roots: rootsOf(root, folder, environment),
        workspace,
        checkout: findCheckout(root, environment).id,
        policy,
        ignore: textsAt(file, "ignore"),
        repoScope: textsAt(file, "repo_scope"),
        autoTtlS: typeof autoTtl === "number" && Number.isInteger(autoTtl) ? autoTtl : undefined,
      }),
      tokenFile: token === "" ? undefined : tokenFile,
      hasCurl: findProgram("curl", environment) !== undefined,
      program: findOwnProgram("koor-hook", ".cjs", environment, options.isShared),
      cli: findOwnProgram("koor", ".js", environment, options.isShared),
      isShared: options.isShared,
      token: token === "" ? "none" : environment["KOOR_TOKEN"] === token ? "variable" : "unknown",
    },
    project: {
      ...(workspace === null ? {} : { workspace }),
      server: isServerNamed ? addresses.join(",") : (textAt(file, "server") ?? addresses.join(",")),
      policy,
    },
    hasProjectFile: existsSync(join(root, PROJECT_FILE)),
  };
}
