/**
 * Implements `guard install`. The guard's hooks normally go into the folder in which git looks for hooks. If a hook
 * with one of their names exists, they go into a folder of their own, and git's configuration is changed to name it.
 * The previous hooks are never moved, because some must run under their own path. Runs in the CLI process.
 */
import { existsSync, statSync } from "node:fs";
import { join, relative } from "node:path";

import type { Args, CommandContext } from "../command-row.js";
import { hashOf } from "../content-hash.js";
import { CliFailure, failed, refused } from "../failure.js";
import { printAnswer, warn } from "../output.js";
import { describeSystemError } from "../system-error.js";
import {
  COSTLY_HOOKS,
  GUARD_HOOKS,
  guardScript,
  PASSED_HOOKS,
  passingScript,
  type Previous,
  SCRIPT_MODE,
} from "./hook-script.js";
import { effectiveHooksPath, isHooksPathSet, ownHooksPath, setHooksPath } from "./hooks-path.js";
import { guardFolder, type InstallRecord, readRecord, recordPath } from "./install-record.js";
import { findRepository, refuseForeign, type Repository } from "./repository.js";
import { lookAt, makeFolders, readPlain, refuseLinks, writePlain } from "./safe-file.js";
import { takeBack } from "./uninstall.js";

/** The mode of the record. Only the user may read it: its copy of git's configuration may contain a password. */
const RECORD_MODE = 0o600;
const NOTHING: Previous = { kind: "none" };

/** The scripts that will be installed, and their folder. */
interface Plan {
  readonly folder: string;
  readonly scripts: readonly (readonly [name: string, text: string])[];
  readonly previous: Previous;
  readonly ownValue: string | null;
}

/** Whether a normal hook folder has no hook with the name of one of the guard's hooks. */
function isDefaultFree(folder: string): boolean {
  const found = lookAt(folder);
  if (found === undefined) return true;
  return found.isDirectory() && GUARD_HOOKS.every((name) => lookAt(join(folder, name)) === undefined);
}

/** Returns the path of a new folder for the scripts: `koor/hooks`, or else `koor/hooks-2`, and so on. */
function freeFolder(repository: Repository): string {
  let folder = join(guardFolder(repository), "hooks");
  for (let number = 2; lookAt(folder) !== undefined; number += 1)
    folder = join(guardFolder(repository), `hooks-${number}`);
  return folder;
}

function planFor(repository: Repository, isStrict: boolean): Plan | CliFailure {
  const isSet = isHooksPathSet(repository);
  if (isSet instanceof CliFailure) return isSet;
  const inPlace = join(repository.commonFolder, "hooks");
  const scriptsFor = (previous: Previous) =>
    GUARD_HOOKS.map((name) => [name, guardScript(name, previous, isStrict)] as const);
  if (!isSet && isDefaultFree(inPlace))
    return { folder: inPlace, scripts: scriptsFor(NOTHING), previous: NOTHING, ownValue: null };
  const own = ownHooksPath(repository);
  if (own instanceof CliFailure) return own;
  const previous: Previous = own === undefined ? { kind: "default" } : { kind: "configured", folder: own.folder };
  const looksIn = effectiveHooksPath(repository);
  if (looksIn instanceof CliFailure) return looksIn;
  const isThere = (name: string): boolean => looksIn !== undefined && existsSync(join(looksIn, name));
  const passed = [...PASSED_HOOKS, ...COSTLY_HOOKS.filter(isThere)];
  const scripts = [...scriptsFor(previous), ...passed.map((name) => [name, passingScript(name, previous)] as const)];
  return { folder: freeFolder(repository), scripts, previous, ownValue: own?.raw ?? null };
}

/** Makes git look for hooks in the folder of the scripts. Returns the data that undo this change. */
function redirect(repository: Repository, { folder, previous, ownValue }: Plan): InstallRecord["config"] | CliFailure {
  const path = join(repository.commonFolder, "config");
  const before = readPlain(path);
  if (before === undefined) return refused(`${path} is not a regular file, and nothing is written through a link`);
  const problem = setHooksPath(repository, folder);
  const looksIn = problem ?? effectiveHooksPath(repository);
  const after = readPlain(path) ?? before;
  if (looksIn === folder) {
    return { previous, folder, before: before.toString("base64"), after: hashOf(after), value: ownValue };
  }
  writePlain(path, before, statSync(path).mode & 0o7777);
  if (looksIn instanceof CliFailure) return looksIn;
  return refused(
    `git looks for hooks in ${looksIn ?? "no folder"}: a configuration beside ${path} sets core.hooksPath`,
  );
}

/** Installs the scripts of a plan. If a step fails, undoes the earlier steps. */
function applyPlan(repository: Repository, plan: Plan, strict: boolean): CliFailure | undefined {
  const paths = [recordPath(repository), ...plan.scripts.map(([name]) => join(plan.folder, name))];
  for (const path of paths) {
    const linked = refuseLinks(repository.commonFolder, path);
    if (linked !== undefined) return linked;
  }
  const inRepository = (path: string): string => relative(repository.commonFolder, path);
  const folders = [...makeFolders(guardFolder(repository)), ...makeFolders(plan.folder)].map(inRepository);
  const files = plan.scripts.map(([name, text]) => ({
    path: inRepository(join(plan.folder, name)),
    hash: hashOf(text),
  }));
  const undone: InstallRecord = { strict, files, folders, config: null };
  for (const [name, text] of plan.scripts) writePlain(join(plan.folder, name), text, SCRIPT_MODE);
  const config = plan.previous !== NOTHING ? redirect(repository, plan) : null;
  if (config instanceof CliFailure) {
    takeBack(repository, undone);
    return config;
  }
  writePlain(recordPath(repository), `${JSON.stringify({ ...undone, config })}\n`, RECORD_MODE);
  return undefined;
}

/** The result of an installation: the folder of the guard's hooks. */
export interface Installed {
  readonly folder: string;
}

/** Installs the guard in a repository, and replaces an earlier installation. */
export function installGuard(repository: Repository, strict: boolean): Installed | CliFailure {
  const foreign = refuseForeign(repository);
  if (foreign !== undefined) return foreign;
  try {
    const earlier = readRecord(repository);
    if (earlier instanceof CliFailure) return earlier;
    const left = earlier === undefined ? [] : takeBack(repository, earlier);
    if (left instanceof CliFailure) return left;
    for (const path of left) warn(`another tool has changed ${path} since, so it stays as it is`);
    const plan = planFor(repository, strict);
    if (plan instanceof CliFailure) return plan;
    return applyPlan(repository, plan, strict) ?? { folder: plan.folder };
  } catch (error) {
    return failed(`cannot install the guard: ${describeSystemError(error)}`);
  }
}

export async function install(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const repository = findRepository(context.folder);
  if (repository instanceof CliFailure) return repository;
  const strict = args.has("strict");
  const installed = installGuard(repository, strict);
  if (installed instanceof CliFailure) return installed;
  const answer = { installed: GUARD_HOOKS, folder: installed.folder, strict };
  return (await printAnswer(Buffer.from(JSON.stringify(answer)), context)) ?? 0;
}
