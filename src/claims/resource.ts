/**
 * What can be leased: `path:` files and directories of a workspace, `state:` and `spec:` Koor's own values, by globs;
 * any other name is what it is. Pure.
 */
import { GLOB_ALTERNATIVES_MAX } from "../../schemas/limits.js";
import { BraceProblem, expandBraces } from "../base/brace-expansion.js";
import {
  compilePathGlob,
  globsMeet,
  type KnownSegments,
  literalPathGlob,
  nameGlob,
  type PathGlob,
} from "../base/path-glob.js";
import { listProblem, pathGlobProblem, pathProblem } from "../base/path-problem.js";
import { type Failure, invalid } from "../base/result.js";
import { PLAIN_ESCAPABLE } from "../base/segment-glob.js";

export interface Resource {
  /** As it was written. */
  readonly text: string;
  /** Within what globs are compared: resources of two scopes are never the same. */
  readonly scope: string;
  /** One, or several where braces stood for them: the resource covers what each of them covers. */
  readonly globs: readonly PathGlob[];
}

const PATH = "path:";
const NAME = "name:";
/** Of the whole server, whichever workspace leases them. */
const SERVER_WIDE = ["state:", "spec:"] as const;
/** A known prefix in other letters, or a word that means one: what was meant is known. */
const MISSPELLED =
  /^\s*(?:(states?|keys?)|(specs?)|(names?)|paths?|files?|dirs?|director(?:y|ies)|folders?|globs?)\s*:\s*/i;
/** What a name without a prefix must not have: it is a path, a glob or an address. */
const PATH_CHARACTER = /[/\\*]/;

/** A resource; INVALID_ARGUMENT with `name` before what is wrong with it. */
export function parseResource(text: string, workspace: string, name: string): Resource | Failure {
  const problem = resourceProblem(text);
  return problem === null ? storedResource(text, workspace) : invalid(`${name} ${problem}`);
}

/** A resource that was checked when it was stored, perhaps by an older version, which took more: any text is one. */
export function storedResource(text: string, workspace: string): Resource {
  for (const scope of SERVER_WIDE)
    if (text.startsWith(scope)) return { text, scope, globs: compileAlternatives(text.slice(scope.length)) };
  if (text.startsWith(PATH)) {
    const globs = compileAlternatives(text.slice(PATH.length).normalize("NFC"));
    return { text, scope: pathScope(workspace), globs };
  }
  return { text, scope: `name ${workspace}`, globs: [nameGlob(text)] };
}

/** The path of one file or directory, as it is: no glob. INVALID_ARGUMENT with `name` before what is wrong with it. */
export function parsePath(path: string, workspace: string, name: string): Resource | Failure {
  const problem = pathProblem(path);
  if (problem !== null) return invalid(`${name} ${problem}`);
  return { text: path, scope: pathScope(workspace), globs: [literalPathGlob(path.normalize("NFC"))] };
}

/** One of Koor's own values, as it is written. */
export function valueResource(kind: "state" | "spec", key: string): Resource {
  return { text: `${kind}:${key}`, scope: `${kind}:`, globs: [literalPathGlob(key)] };
}

/** Whether two resources cannot be held at once by two holders. */
export function resourcesMeet(a: Resource, b: Resource): boolean {
  return a.scope === b.scope && a.globs.some((glob) => b.globs.some((other) => globsMeet(glob, other)));
}

/** The scope of a workspace's files. */
function pathScope(workspace: string): string {
  return `${PATH}${workspace}`;
}

function compileAlternatives(glob: string): readonly PathGlob[] {
  const alternatives = expandBraces(glob);
  if (alternatives instanceof BraceProblem) return [literalPathGlob(glob)];
  const known: KnownSegments = new Map();
  return alternatives.map((alternative) => compilePathGlob(alternative, known));
}

/** What is wrong with a resource, to be read after its name; null where nothing is. */
function resourceProblem(text: string): string | null {
  for (const scope of SERVER_WIDE) {
    if (!text.startsWith(scope)) continue;
    const glob = text.slice(scope.length);
    return glob === "" ? "names nothing" : alternativesProblem(glob, listProblem);
  }
  if (text.startsWith(PATH))
    return alternativesProblem(text.slice(PATH.length), (glob) => pathGlobProblem(glob, PLAIN_ESCAPABLE));
  return nameProblem(text);
}

/** What is wrong with any of the globs that one with braces stands for. */
function alternativesProblem(glob: string, problemOf: (glob: string) => string | null): string | null {
  const alternatives = expandBraces(glob);
  if (alternatives instanceof BraceProblem) return alternatives.problem;
  for (const alternative of alternatives) {
    const problem = problemOf(alternative);
    if (problem !== null) return problem;
  }
  return null;
}

function nameProblem(text: string): string | null {
  if (text.startsWith(NAME)) return text === NAME ? "names nothing" : null;
  const misspelled = MISSPELLED.exec(text);
  if (misspelled !== null) {
    const [prefix, state, spec, name] = misspelled;
    const meant = state ? "state:" : spec ? "spec:" : name ? NAME : PATH;
    return `has an unknown prefix: write ${meant}${text.slice(prefix.length)}`;
  }
  if (text.trim() !== text) return `must not begin or end with a blank: write ${text.trim()}`;
  if (!PATH_CHARACTER.test(text)) return null;
  const path = text.replaceAll("\\", "/").replace(/^(?:\.\/)+/, "");
  return `has no known prefix: write ${PATH}${path} for files, or ${NAME}${text} for a name`;
}

/** How many characters of its globs stand behind their literal beginnings: what comparing it with others grows with. */
export function countWildCharacters({ globs }: Resource): number {
  return globs.reduce((sum, { literal, size }) => (literal ? sum : sum + size.characters), 0);
}

/** How many globs without braces resources stand for together, the names that braces spell left out. */
export function countAlternatives(resources: readonly Resource[]): number {
  return resources.reduce((sum, { globs }) => sum + Math.min(globs.length, GLOB_ALTERNATIVES_MAX), 0);
}
