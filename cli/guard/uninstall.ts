/**
 * Implements `guard uninstall`: takes back what `guard install` changed. A file that another tool has written since
 * stays as it is. Runs in the CLI process.
 */
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";

import type { CommandContext } from "../command-row.js";
import { CliFailure, failed } from "../failure.js";
import { formatJson, print, warn } from "../output.js";
import { describeSystemError } from "../system-error.js";
import { ownHooksPath, setHooksPath } from "./hooks-path.js";
import { guardFolder, hashOf, type InstallRecord, readRecord, recordPath } from "./install-record.js";
import { findRepository, type Repository } from "./repository.js";
import { lookAt, readPlain, refuseLinks, removeEmpty, writePlain } from "./safe-file.js";

const MODE_BITS = 0o7777;
/** The endings with which other tools keep a hook in whose place they put theirs: pre-commit and lefthook. */
const SET_ASIDE = [".legacy", ".old"] as const;

/** Restores git's configuration if git still looks in the guard's folder. */
function restoreConfig(repository: Repository, config: NonNullable<InstallRecord["config"]>): CliFailure | undefined {
  const path = join(repository.commonFolder, "config");
  const bytes = readPlain(path);
  if (bytes !== undefined && hashOf(bytes) === config.after) {
    writePlain(path, Buffer.from(config.before, "base64"), statSync(path).mode & MODE_BITS);
    return undefined;
  }
  const own = ownHooksPath(repository);
  if (own === undefined || own instanceof CliFailure) return own;
  // Another tool has pointed git elsewhere since.
  if (own.folder !== hooksFolder(repository)) return undefined;
  return setHooksPath(repository, config.value ?? undefined);
}

/** Returns the folder of the scripts to which git is pointed. */
export function hooksFolder(repository: Repository): string {
  return join(guardFolder(repository), "hooks");
}

/** Returns the files of the record that another tool has written since. */
function foreignFiles({ files }: InstallRecord): string[] {
  return files
    .filter(({ path, hash }) => {
      const bytes = readPlain(path);
      return bytes === undefined ? lookAt(path) !== undefined : hashOf(bytes) !== hash;
    })
    .map(({ path }) => path);
}

/** Removes a file if it is as it was installed. */
function removeOwn({ path, hash }: InstallRecord["files"][number]): void {
  const bytes = readPlain(path);
  if (bytes !== undefined && hashOf(bytes) === hash) rmSync(path);
}

/**
 * Takes back what was installed. Returns the files that stay because another tool has written them.
 */
export function takeBack(repository: Repository, record: InstallRecord): readonly string[] | CliFailure {
  const linked = refuseLinks(repository.commonFolder, recordPath(repository));
  if (linked !== undefined) return linked;
  const foreign = foreignFiles(record);
  // git would no longer run a hook that another tool has put into the guard's folder, if git looked elsewhere again.
  const isFolderUsed = record.config !== null && foreign.length > 0;
  if (record.config !== null && !isFolderUsed) {
    const problem = restoreConfig(repository, record.config);
    if (problem !== undefined) return problem;
  }
  for (const file of record.files) {
    if (!foreign.includes(file.path)) rmSync(file.path, { force: true });
    else for (const ending of SET_ASIDE) removeOwn({ ...file, path: file.path + ending });
  }
  rmSync(recordPath(repository), { force: true });
  removeEmpty(record.folders);
  return foreign;
}

/** The result of an uninstallation. */
export interface Uninstalled {
  readonly wasInstalled: boolean;
  /** The files that stay because another tool has written them. */
  readonly left: readonly string[];
}

/** Takes the guard out of a repository, if it is installed there. */
export function uninstallGuard(repository: Repository): Uninstalled | CliFailure {
  const record = readRecord(repository);
  if (record instanceof CliFailure) return record;
  try {
    const left = record === undefined ? [] : takeBack(repository, record);
    if (left instanceof CliFailure) return left;
    for (const path of left) warn(`another tool has written ${path} since, and it stays`);
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
  return (await print(formatJson(Buffer.from(JSON.stringify(answer)), context.pretty))) ?? 0;
}
