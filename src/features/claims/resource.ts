/**
 * Parses and compares the resources that can be leased. `path:` names files and directories of a workspace. `state:`
 * and `spec:` name Koor's own values. The text after these prefixes is a glob. Any other name is literal. Pure.
 */
import { GLOB_ALTERNATIVES_MAX } from "../../../schemas/limits/names.js";
import { BraceProblem, expandBraces } from "../../base/brace-expansion.js";
import {
  compilePathGlob,
  globsMeet,
  type KnownSegments,
  literalPathGlob,
  nameGlob,
  type PathGlob,
} from "../../base/path-glob.js";
import { listProblem, pathGlobProblem, pathProblem } from "../../base/path-problem.js";
import { PATH_ESCAPABLE } from "../../base/path-segment.js";
import { type Failure, invalid } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";

export interface Resource {
  /** The resource as it was written. */
  readonly text: string;
  /** The namespace of the globs. Two resources with different scopes never overlap. */
  readonly scope: string;
  /** True if the resource names files (`path:`). Each checkout of the workspace has its own copy of a file. */
  readonly isFile: boolean;
  /** One glob, or several if the text has braces. The resource covers all that any of its globs covers. */
  readonly globs: readonly PathGlob[];
}

const PATH = "path:";
const NAME = "name:";
const NAME_SCOPE = "name ";
/** The prefixes of resources that belong to the whole server instead of to a workspace. */
const SERVER_WIDE = ["state:", "spec:"] as const;
/**
 * Matches a known prefix in another letter case, or a synonym of a prefix. The error message then suggests the right
 * prefix.
 */
const MISSPELLED =
  /^\s*(?:(states?|keys?)|(specs?)|(names?)|paths?|files?|dirs?|director(?:y|ies)|folders?|globs?)\s*:\s*/i;
/** Matches a character that a name without a prefix must not have, because it suggests a path, a glob or an address. */
const PATH_CHARACTER = /[/\\*]/;

/** Parses a resource. The message of an INVALID_ARGUMENT failure begins with `name`. */
export function parseResource(text: string, workspace: string, name: string): Resource | Failure {
  const problem = resourceProblem(text);
  return problem === null ? storedResource(text, workspace) : invalid(`${name} ${problem}`);
}

/**
 * Parses a resource that was checked when it was stored. It accepts any text, because an older version may have allowed
 * more.
 */
export function storedResource(text: string, workspace: string): Resource {
  for (const scope of SERVER_WIDE)
    if (text.startsWith(scope))
      return { text, scope, isFile: false, globs: compileAlternatives(text.slice(scope.length)) };
  if (text.startsWith(PATH)) {
    const globs = compileAlternatives(text.slice(PATH.length).normalize("NFC"));
    return { text, scope: pathScope(workspace), isFile: true, globs };
  }
  return { text, scope: `${NAME_SCOPE}${workspace}`, isFile: false, globs: [nameGlob(text)] };
}

/** Returns whether a resource is a name, which is not a glob and overlaps nothing but itself. */
export function isName({ scope }: Resource): boolean {
  return scope.startsWith(NAME_SCOPE);
}

/** Parses the literal path of one file or directory. The message of an INVALID_ARGUMENT failure begins with `name`. */
export function parsePath(path: string, workspace: string, name: string): Resource | Failure {
  const problem = pathProblem(path);
  if (problem !== null) return invalid(`${name} ${problem}`);
  const globs = [literalPathGlob(path.normalize("NFC"))];
  return { text: path, scope: pathScope(workspace), isFile: true, globs };
}

/** Returns the resource that stands for one value of state or one spec. */
export function valueResource(kind: "state" | "spec", key: string): Resource {
  return { text: `${kind}:${key}`, scope: `${kind}:`, isFile: false, globs: [literalPathGlob(key)] };
}

/** Returns whether two resources overlap. contention.ts says which claims of such resources exclude each other. */
export function resourcesMeet(a: Resource, b: Resource): boolean {
  return a.scope === b.scope && a.globs.some((glob) => b.globs.some((other) => globsMeet(glob, other)));
}

/** Returns the scope of a workspace's files. */
function pathScope(workspace: string): string {
  return `${PATH}${workspace}`;
}

function compileAlternatives(glob: string): readonly PathGlob[] {
  const alternatives = expandBraces(glob);
  if (alternatives instanceof BraceProblem) return [literalPathGlob(glob)];
  const known: KnownSegments = new Map();
  return alternatives.map((alternative) => compilePathGlob(alternative, known));
}

/**
 * Returns the problem of a resource text; null if the text is valid. The problem is the part of a message that follows
 * the name of the resource.
 */
function resourceProblem(text: string): string | null {
  for (const scope of SERVER_WIDE) {
    if (!text.startsWith(scope)) continue;
    const glob = text.slice(scope.length);
    return glob === "" ? "names nothing" : alternativesProblem(glob, listProblem);
  }
  if (text.startsWith(PATH))
    return alternativesProblem(text.slice(PATH.length), (glob) => pathGlobProblem(glob, PATH_ESCAPABLE));
  return nameProblem(text);
}

/**
 * Expands the braces of a text and checks each resulting glob. Returns the first problem, or null if all globs are
 * valid.
 */
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
    return `has an unknown prefix: write ${meant}${shorten(text.slice(prefix.length))}`;
  }
  if (text.trim() !== text) return `must not begin or end with a blank: write ${shorten(text.trim())}`;
  if (!PATH_CHARACTER.test(text)) return null;
  const path = text.replaceAll("\\", "/").replace(/^(?:\.\/)+/, "");
  return `has no known prefix: write ${PATH}${path} for files, or ${NAME}${text} for a name`;
}

/**
 * Counts the characters that follow the literal prefixes in the globs of a resource. More characters make a comparison
 * more expensive.
 */
export function countWildCharacters({ globs }: Resource): number {
  return globs.reduce((sum, { literal, size }) => (literal ? sum : sum + size.characters), 0);
}

/**
 * Returns the number of globs that resources have after their braces are expanded. If the text has braces, the text
 * itself, with literal braces, is one more glob. This extra glob is not counted, so that it cannot exceed the limit
 * GLOB_ALTERNATIVES_MAX.
 */
export function countAlternatives(resources: readonly Resource[]): number {
  return resources.reduce((sum, { globs }) => sum + Math.min(globs.length, GLOB_ALTERNATIVES_MAX), 0);
}
