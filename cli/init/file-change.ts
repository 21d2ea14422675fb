/**
 * Compares the files that `init` changes with what they are to be. Returns the changes, with the record of each for
 * `uninit`, and all reasons to refuse. Writes nothing. Runs in the CLI process.
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
  /** The file's name in messages. */
  readonly name: string;
  /** The path to write, without links. */
  readonly real: string;
  readonly before: Buffer | undefined;
  /** The new content; undefined if the file is removed. */
  readonly after: Buffer | undefined;
  /** The permissions of a new file. */
  readonly mode: number;
  /** Whether an existing file gets these permissions too. */
  readonly isModeFixed?: boolean;
}

export interface PlannedFile {
  readonly target: TargetFile;
  /** The file's path without links. */
  readonly real: string;
  /** Undefined if the file has everything already. */
  readonly change: FileChange | undefined;
  readonly recorded: RecordedFile | undefined;
  /** The folders that have to be made. */
  readonly folders: readonly FolderPath[];
}

/** Puts all parts of a file into its text. */
function putAll({ parts }: TargetFile, text: string): string | CliFailure {
  let edited: string | CliFailure = text;
  for (const part of parts) {
    edited = part.put(edited);
    if (edited instanceof CliFailure) return edited;
  }
  return edited;
}

/** Removes all parts of a file from its text. */
export function takeAll({ parts }: TargetFile, text: string, kept: ReadonlySet<string>): string | CliFailure {
  let edited: string | CliFailure = text;
  for (const part of parts) {
    edited = part.take(edited, kept);
    if (edited instanceof CliFailure) return edited;
  }
  return edited;
}

/** Whether the rest of a file that `init` made has no content, so that the file can be removed. */
export function isBlank(text: string): boolean {
  return /^[{}\s]*$/.test(text);
}

interface Original {
  /** The content without Koor's parts; undefined if the file did not exist. */
  readonly bytes: Buffer | undefined;
  readonly kept: readonly string[];
}

/** Finds the file's content as it would be without Koor's parts. An earlier run may have put some of them there. */
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

/** Returns the folders of a file that do not exist, the outermost one first. */
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
  /** The reasons why other files cannot be changed. */
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

/** Joins several refusals into one, so that the user sees everything that is to be mended. */
export function joinRefusals(failures: readonly CliFailure[]): CliFailure {
  const reasons = failures.map(({ message }) => message);
  return refused(`nothing was written: ${reasons.join("; ")}`);
}
