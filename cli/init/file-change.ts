/**
 * Plans the changes of the files that `init` sets up. Compares each file with its target content. Returns the changes,
 * the records that `uninit` needs, and the reasons why `init` must refuse. Writes nothing. Runs in the CLI process.
 */
import { existsSync } from "node:fs";
import { posix } from "node:path";

import { hashOf } from "../content-hash.js";
import { CliFailure, refused } from "../failure.js";
import { encodeLike, readState, type FileState } from "./file-state.js";
import { locationIn, pathIn, type Places } from "./places.js";
import type { FolderPath, RecordedFile } from "./record.js";
import { keyOf, type TargetFile } from "./target-file.js";
import { findEdit, undoEdit } from "./text-edit.js";

export interface FileChange {
  /** The name of the file, as messages to the user show it. */
  readonly name: string;
  /** The path that is written, with links resolved. */
  readonly real: string;
  readonly before: Buffer | undefined;
  /** The new content; undefined if the file is to be removed. */
  readonly after: Buffer | undefined;
  /** The permissions of a new file. */
  readonly mode: number;
  /** Whether a file that already exists gets the same permissions. */
  readonly isModeFixed?: boolean;
}

export interface PlannedFile {
  readonly target: TargetFile;
  /** The path of the file, with links resolved. */
  readonly real: string;
  /** The change; undefined if the file already has its target content. */
  readonly change: FileChange | undefined;
  readonly recorded: RecordedFile | undefined;
  /** The folders that have to be made. */
  readonly folders: readonly FolderPath[];
}

/** Adds all of Koor's parts to the text of a file, or updates them. */
function putAll({ parts }: TargetFile, text: string): string | CliFailure {
  let edited: string | CliFailure = text;
  for (const part of parts) {
    edited = part.put(edited);
    if (edited instanceof CliFailure) return edited;
  }
  return edited;
}

/** Removes all of Koor's parts from the text of a file. */
export function takeAll({ parts }: TargetFile, text: string, kept: ReadonlySet<string>): string | CliFailure {
  let edited: string | CliFailure = text;
  for (const part of parts) {
    edited = part.take(edited, kept);
    if (edited instanceof CliFailure) return edited;
  }
  return edited;
}

/** Whether a text is blank, apart from braces. A file with such a text is removed if `init` made it. */
export function isBlank(text: string): boolean {
  return /^[{}\s]*$/.test(text);
}

interface Original {
  /** The content without Koor's parts; undefined if the file does not exist without them. */
  readonly bytes: Buffer | undefined;
  readonly kept: readonly string[];
}

/**
 * Finds the content that the file would have if `init` had never run. Removes the parts that earlier runs have added.
 */
function findOriginal(target: TargetFile, state: FileState, earlier: RecordedFile | undefined): Original | CliFailure {
  const { bytes, text } = state;
  if (earlier === undefined || bytes === undefined)
    return { bytes, kept: bytes === undefined ? [] : target.parts.flatMap((part) => part.containers(text)) };
  const { kept, edit } = earlier;
  if (hashOf(bytes) === earlier.after) return { bytes: edit === null ? undefined : undoEdit(bytes, edit), kept };
  const rest = takeAll(target, text, new Set(kept));
  if (rest instanceof CliFailure) return rest;
  return { bytes: edit === null && isBlank(rest) ? undefined : encodeLike(state, rest), kept };
}

function recordOf({ place, path }: TargetFile, { bytes, kept }: Original, after: Buffer): RecordedFile {
  const before = bytes === undefined ? null : hashOf(bytes);
  return { place, path, before, after: hashOf(after), edit: bytes === undefined ? null : findEdit(bytes, after), kept };
}

/** Returns the missing parent folders of a file, the outermost first. */
function missingFolders(places: Places, { place, path }: TargetFile): readonly FolderPath[] {
  const missing: FolderPath[] = [];
  for (let folder = posix.dirname(path); folder !== "."; folder = posix.dirname(folder)) {
    const absolute = pathIn(places, place, folder);
    if (absolute === undefined || existsSync(absolute)) break;
    missing.unshift({ place, path: folder });
  }
  return missing;
}

/** Plans the change of one file. */
export function planFile(
  places: Places,
  target: TargetFile,
  earlier: RecordedFile | undefined,
): PlannedFile | CliFailure {
  const { place, path, name, mode } = target;
  const location = locationIn(places, place, path);
  if (location === undefined) return refused(`cannot find the place of ${name}: set HOME`);
  const state = readState(location);
  if (state instanceof CliFailure) return state;
  const text = putAll(target, state.text);
  if (text instanceof CliFailure) return text;
  if (text === state.text && state.bytes !== undefined)
    return { target, real: state.real, change: undefined, recorded: earlier, folders: [] };
  const original = findOriginal(target, state, earlier);
  if (original instanceof CliFailure) return original;
  const after = encodeLike(state, text);
  return {
    target,
    real: state.real,
    change: { name, real: state.real, before: state.bytes, after, mode },
    recorded: recordOf(target, original, after),
    folders: missingFolders(places, target),
  };
}

export interface PlannedFiles {
  readonly files: readonly PlannedFile[];
  /** The reason for each file that cannot be changed. */
  readonly failures: readonly CliFailure[];
}

/** Plans the changes of all files. */
export function planFiles(
  places: Places,
  targets: readonly TargetFile[],
  earlier: readonly RecordedFile[],
): PlannedFiles {
  const records = new Map(earlier.map((file) => [keyOf(file), file]));
  const planned = targets.map((target) => planFile(places, target, records.get(keyOf(target))));
  return {
    files: planned.filter((one): one is PlannedFile => !(one instanceof CliFailure)),
    failures: planned.filter((one) => one instanceof CliFailure),
  };
}

/** Joins several refusals into one, so that the user sees all problems at once. */
export function joinRefusals(failures: readonly CliFailure[]): CliFailure {
  const reasons = failures.map(({ message }) => message);
  return refused(`nothing was written: ${reasons.join("; ")}`);
}
