/** Finds the record that `koor init` has written for the working tree of a folder. Runs in the CLI process. */
import { existsSync } from "node:fs";
import { join } from "node:path";

import { CliFailure } from "../failure.js";
import { mainRootOf, type WorkingTree } from "../git-folder.js";
import type { Places } from "../init/places.js";
import { readRecord, type InitRecord } from "../init/record.js";
import { findPlaces } from "../init/setup.js";
import { PROJECT_FILE } from "../init/target-file.js";

export interface DoctorProject {
  readonly places: Places;
  /** The working tree; undefined outside of git. */
  readonly tree: WorkingTree | undefined;
  /** The record that `koor init` has written for this working tree; undefined if there is none, or if it is invalid. */
  readonly record: InitRecord | undefined;
  /** The reason why the record cannot be used; undefined if it can. */
  readonly fault: CliFailure | undefined;
  /** Whether the project uses Koor. True even if `koor init` has run only in the project's main working tree. */
  readonly isKoors: boolean;
}

export function findProject(folder: string, environment: NodeJS.ProcessEnv): DoctorProject {
  const { places, tree } = findPlaces(folder, environment);
  const root = places.project;
  const found = readRecord(root, environment);
  const record = found instanceof CliFailure ? undefined : found;
  const main = tree === undefined ? undefined : mainRootOf(tree);
  const isKoors = [root, main ?? root].some((at) => existsSync(join(at, PROJECT_FILE)));
  return { places, tree, record, fault: found instanceof CliFailure ? found : undefined, isKoors };
}
