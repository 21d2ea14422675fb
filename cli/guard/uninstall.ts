/**
 * Implements `guard uninstall`, which undoes the changes of `guard install`. Files that another tool has written since
 * the installation stay unchanged. Runs in the CLI process.
 */
import { rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import type { CommandContext } from "../command-row.js";
import { hashOf } from "../content-hash.js";
import { CliFailure, failed } from "../failure.js";
import { printAnswer, warn } from "../output.js";
import { describeSystemError } from "../system-error.js";
import { passingScript, type Previous, SCRIPT_MODE } from "./hook-script.js";
import { ownHooksPath, setHooksPath } from "./hooks-path.js";
import { type InstallRecord, readRecord, recordPath } from "./install-record.js";
import { findRepository, refuseForeign, type Repository } from "./repository.js";
import { lookAt, readPlain, refuseLinks, removeEmpty, writePlain } from "./safe-file.js";

const MODE_BITS = 0o7777;
/** The suffixes that pre-commit and lefthook add to the name of an existing hook, before they install their own. */
const SET_ASIDE = [".legacy", ".old"] as const;

type Config = NonNullable<InstallRecord["config"]>;

/** Restores git's configuration. Does nothing if core.hooksPath no longer names the guard's folder. */
function restoreConfig(repository: Repository, config: Config): CliFailure | undefined {
  const path = join(repository.commonFolder, "config");
  const bytes = readPlain(path);
  if (bytes !== undefined && hashOf(bytes) === config.after) {
    writePlain(path, Buffer.from(config.before, "base64"), statSync(path).mode & MODE_BITS);
    return undefined;
  }
  const own = ownHooksPath(repository);
  if (own === undefined || own instanceof CliFailure) return own;
  return own.raw === config.folder ? setHooksPath(repository, config.value ?? undefined) : undefined;
}

interface Script {
  readonly path: string;
  readonly hash: string;
}

/** Whether another tool has replaced a script. A script that is gone does not count as replaced. */
function isForeign({ path, hash }: Script): boolean {
  const bytes = readPlain(path);
  return bytes === undefined ? lookAt(path) !== undefined : hashOf(bytes) !== hash;
}

/** Removes a file if it is still the script that the guard installed. */
function removeOwn({ path, hash }: Script): void {
  const bytes = readPlain(path);
  if (bytes !== undefined && hashOf(bytes) === hash) rmSync(path);
}

/** Replaces a script by one that only runs the previous hook. Does nothing if the script no longer exists. */
function passOn({ path }: Script, previous: Previous): void {
  if (lookAt(path) !== undefined) writePlain(path, passingScript(basename(path), previous), SCRIPT_MODE);
}

/**
 * Undoes an installation. Returns the files that stay, because another tool has written them. If there are such files,
 * and git looks for hooks in the guard's own folder, core.hooksPath stays too. The guard's other scripts there then
 * only run the previous hooks.
 */
export function takeBack(repository: Repository, record: InstallRecord): readonly string[] | CliFailure {
  const { commonFolder } = repository;
  const scripts = record.files.map(({ path, hash }) => ({ path: join(commonFolder, path), hash }));
  for (const path of [recordPath(repository), ...scripts.map((script) => dirname(script.path))]) {
    const linked = refuseLinks(commonFolder, path);
    if (linked !== undefined) return linked;
  }
  const foreign = new Set(scripts.filter(isForeign));
  const { config } = record;
  const own = foreign.size === 0 ? undefined : ownHooksPath(repository);
  if (own instanceof CliFailure) return own;
  const staying = own !== undefined && own.raw === config?.folder ? config : undefined;
  const problem = config === null || staying !== undefined ? undefined : restoreConfig(repository, config);
  if (problem !== undefined) return problem;
  for (const script of scripts) {
    if (!foreign.has(script)) {
      if (staying === undefined) rmSync(script.path, { force: true });
      else passOn(script, staying.previous);
    } else for (const ending of SET_ASIDE) removeOwn({ ...script, path: script.path + ending });
  }
  rmSync(recordPath(repository), { force: true });
  removeEmpty(record.folders.map((folder) => join(commonFolder, folder)));
  return Array.from(foreign, ({ path }) => path);
}

/** The result of an uninstallation. */
export interface Uninstalled {
  readonly wasInstalled: boolean;
  /** The files that stay because another tool has written them. */
  readonly left: readonly string[];
}

/** Removes the guard from a repository if it is installed. */
export function uninstallGuard(repository: Repository): Uninstalled | CliFailure {
  const foreign = refuseForeign(repository);
  if (foreign !== undefined) return foreign;
  const record = readRecord(repository);
  if (record instanceof CliFailure) return record;
  try {
    const left = record === undefined ? [] : takeBack(repository, record);
    if (left instanceof CliFailure) return left;
    for (const path of left) warn(`another tool has changed ${path} since, so it stays as it is`);
    return { wasInstalled: record !== undefined, left };
  } catch (error) {
    return failed(`cannot remove the guard: ${describeSystemError(error)}`);
  }
}

export async function uninstall(context: CommandContext): Promise<number | CliFailure> {
  const repository = findRepository(context.folder);
  if (repository instanceof CliFailure) return repository;
  const uninstalled = uninstallGuard(repository);
  if (uninstalled instanceof CliFailure) return uninstalled;
  const answer = { uninstalled: uninstalled.wasInstalled, left: uninstalled.left };
  return (await printAnswer(Buffer.from(JSON.stringify(answer)), context)) ?? 0;
}
