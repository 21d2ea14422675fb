/**
 * Implements `uninit`, which undoes the changes of `init` in a working tree. If a file has not changed since then,
 * `uninit` restores every byte. Otherwise it removes only Koor's parts. Runs in the CLI process.
 */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import type { Args, CommandContext } from "../command-row.js";
import { hashOf } from "../content-hash.js";
import { CliFailure, refused, wrongUsage } from "../failure.js";
import { mainRootOf, realPath, type WorkingTree } from "../git-folder.js";
import { io } from "../io.js";
import { CLIENT_NAMES } from "../mcp-clients.js";
import { formatValue, print, printAnswer, warn } from "../output.js";
import { ownRecordPath, radarMarkPath, RECORD_FILE } from "../own-record.js";
import { readTextIfAny } from "../regular-file.js";
import { askForConsent } from "../token-consent.js";
import { applyChanges, removeEmptyFolders } from "./apply-changes.js";
import { EXCLUDE_FILE, excludeTarget } from "./exclude-part.js";
import { isBlank, joinRefusals, takeAll, type FileChange } from "./file-change.js";
import { encodeLike, readState } from "./file-state.js";
import { takeGuard } from "./guard-part.js";
import { locationIn, pathIn, type Places } from "./places.js";
import { readRecord, readRecordOrWarn, RECORD_MODE, type InitRecord, type RecordedFile } from "./record.js";
import { findPlaces } from "./setup.js";
import { claudeImportTarget, clientTargets, keyOf, projectTargets, type TargetFile } from "./target-file.js";
import { undoEdit } from "./text-edit.js";
import { formatDiff } from "./unified-diff.js";

/**
 * Returns every file in which `init` may have put parts, by its key. The values in the parts are placeholders, because
 * removing a part does not depend on its content.
 */
function knownTargets({ server, headers, isShared }: InitRecord): ReadonlyMap<string, TargetFile> {
  const transport = {
    address: server,
    headers,
    tokenFile: undefined,
    hasCurl: false,
    program: ["koor-hook"],
    cli: ["koor"],
    isShared,
    token: "none" as const,
  };
  const targets = [false, true].flatMap((shared) => {
    const connection = { server, others: [], withToken: false };
    const context = { transport, connection, project: {}, isShared: shared };
    // If all clients are listed, the common file of Copilot and VS Code gets only Copilot's hooks. This is enough,
    // because the hooks of both are removed in the same way.
    return [...clientTargets(CLIENT_NAMES, context), ...projectTargets(context), claudeImportTarget()];
  });
  return new Map([...targets, excludeTarget([], false)].map((target) => [keyOf(target), target]));
}

/**
 * Used if the record does not contain the exclude file. This happens if an earlier `init` had already changed the
 * exclude file.
 */
const EXCLUDE_RECORD: RecordedFile = {
  place: "repository",
  path: EXCLUDE_FILE,
  before: "",
  after: "",
  edit: null,
  kept: [],
};

/** Finds the other working trees of the repository in which `init` has run, and returns their records. */
function recordsElsewhere(
  tree: WorkingTree | undefined,
  { repository }: Places,
  environment: NodeJS.ProcessEnv,
): readonly InitRecord[] {
  if (tree === undefined || repository === undefined) return [];
  const folder = join(repository, "worktrees");
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const linked = names.flatMap((name) => {
    const at = join(folder, name);
    const path = readTextIfAny(join(at, "gitdir"), repository)?.trim();
    return path === undefined ? [] : [dirname(resolve(at, path))];
  });
  const main = mainRootOf(tree);
  const roots = new Set([...linked, ...(main === undefined ? [] : [main])].map(realPath));
  return [...roots].flatMap((root) => {
    const record = root === tree.root ? undefined : readRecord(root, environment);
    return record === undefined || record instanceof CliFailure ? [] : [record];
  });
}

/** Plans the restoration of one file. Returns undefined if the file needs no change. */
function planRestore(
  places: Places,
  recorded: RecordedFile,
  target: TargetFile | undefined,
): FileChange | undefined | CliFailure {
  const { place, path, before, after, edit, kept } = recorded;
  const location = locationIn(places, place, path);
  // `init` never changes this file, so it is not touched even though the record lists it.
  if (location === undefined || target === undefined) return undefined;
  // The file was deleted, or is a link without a target. In both cases it contains no part of Koor.
  if (!existsSync(location.path)) return undefined;
  const state = readState(location);
  if (state instanceof CliFailure) return state;
  const { bytes, real } = state;
  if (bytes === undefined || hashOf(bytes) === before) return undefined;
  const change = { name: target.name, real, before: bytes, mode: target.mode };
  if (hashOf(bytes) === after) {
    if (edit === null) return { ...change, after: undefined };
    const restored = undoEdit(bytes, edit);
    if (hashOf(restored) === before) return { ...change, after: restored };
  }
  const rest = takeAll(target, state.text, new Set(kept));
  if (rest instanceof CliFailure) return rest;
  if (before === null && isBlank(rest)) return { ...change, after: undefined };
  return rest === state.text ? undefined : { ...change, after: encodeLike(state, rest) };
}

function planUninit(
  places: Places,
  /** Whether the exclude file stays, because other working trees of the repository still need it. */
  keepsExclude: boolean,
  record: InitRecord,
): readonly FileChange[] | CliFailure {
  const targets = knownTargets(record);
  const others = record.files.filter(({ place }) => place !== "repository");
  const exclude = record.files.find(({ place }) => place === "repository") ?? EXCLUDE_RECORD;
  const files = keepsExclude ? others : [...others, exclude];
  const planned = files.map((file) => planRestore(places, file, targets.get(keyOf(file))));
  const failures = planned.filter((one) => one instanceof CliFailure);
  if (failures.length > 0) return joinRefusals(failures);
  return planned.filter((one): one is FileChange => one !== undefined && !(one instanceof CliFailure));
}

/** Asks the user whether `uninit` may change the files. Returns a failure if the user does not agree. */
function agree(names: readonly string[]): CliFailure | undefined {
  for (const name of names) warn(`changes ${name}`);
  const agreed = askForConsent("remove Koor's parts from these files?");
  if (agreed === undefined)
    return wrongUsage("without a terminal, uninit needs --yes, or --dry-run to show what it would change");
  return agreed ? undefined : refused("nothing was changed");
}

/** Plans the removal of the record. The record is removed last, so that an interrupted `uninit` can be repeated. */
function planRecordRemoval(root: string, environment: NodeJS.ProcessEnv): readonly FileChange[] | CliFailure {
  const path = ownRecordPath(root, environment) ?? "";
  const removals: FileChange[] = [];
  // The project's file is removed first. Without it, the user's own record has no effect any more.
  for (const location of [
    { path: join(root, RECORD_FILE), name: RECORD_FILE, root },
    { path, name: path },
    { path: radarMarkPath(path), name: radarMarkPath(path) },
  ]) {
    const state = readState(location);
    if (state instanceof CliFailure) return state;
    removals.push({ name: location.name, real: state.real, before: state.bytes, after: undefined, mode: RECORD_MODE });
  }
  return removals;
}

export async function uninit(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const { environment } = io();
  const { places, tree } = findPlaces(context.folder, environment);
  const record = readRecordOrWarn(places.project, environment);
  if (record instanceof CliFailure) return record;
  if (record === undefined) return await printRestored([], context);
  const elsewhere = recordsElsewhere(tree, places, environment);
  const changes = planUninit(places, elsewhere.length > 0, record);
  if (changes instanceof CliFailure) return changes;
  if (args.has("dry-run")) return (await print(formatValue(Buffer.from(formatDiff(changes, "")), false))) ?? 0;
  const names = changes.map(({ name }) => name);
  const refusal = args.has("yes") ? undefined : agree(names);
  if (refusal !== undefined) return refusal;
  // All working trees of a repository share the guard, so it stays if `init` installed it for another tree too.
  const takesGuard = record.hasGuard && tree !== undefined && !elsewhere.some(({ hasGuard }) => hasGuard);
  const last = planRecordRemoval(places.project, environment);
  if (last instanceof CliFailure) return last;
  const failure = (takesGuard ? takeGuard(places.project) : undefined) ?? applyChanges([...changes, ...last]);
  if (failure !== undefined) return failure;
  const folders = record.folders.flatMap((folder) => pathIn(places, folder.place, folder.path) ?? []);
  removeEmptyFolders([...folders, ...record.ownFolders]);
  return await printRestored(names, context);
}

async function printRestored(names: readonly string[], context: CommandContext): Promise<number | CliFailure> {
  return (await printAnswer(Buffer.from(JSON.stringify({ restored: names })), context)) ?? 0;
}
