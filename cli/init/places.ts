/** Finds the folders in which `init` changes files. Runs in the CLI process. */
import { join, sep } from "node:path";

import type { FileLocation } from "../config-file.js";
import { nameOf, type Place } from "./target-file.js";

/**
 * The absolute paths of the folders in which `init` changes files. A path is undefined if this machine or project has
 * no such folder.
 */
export interface Places {
  readonly project: string;
  readonly home: string | undefined;
  /** The repository's folder. Undefined if there is none, or if it belongs to another working tree. */
  readonly repository: string | undefined;
}

/** Returns the absolute path of a file or folder; undefined if its place does not exist. */
export function pathIn(places: Places, place: Place, path: string): string | undefined {
  const folder = places[place];
  return folder === undefined ? undefined : join(folder, path.split("/").join(sep));
}

/**
 * Returns the location of a file. In the home folder, links may lead anywhere. In the other places, links must not lead
 * out of the place.
 */
export function locationIn(places: Places, place: Place, path: string): FileLocation | undefined {
  const absolute = pathIn(places, place, path);
  if (absolute === undefined) return undefined;
  const name = nameOf(place, path);
  const root = place === "home" ? undefined : places[place];
  return { path: absolute, name, ...(root === undefined ? {} : { root }) };
}
