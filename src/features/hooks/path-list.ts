/**
 * A list of path globs, for example of ignored paths. The globs have the syntax of leases. A glob without wildcards
 * also covers all paths below its own.
 *
 * The overlap test of leases cannot be used here. It treats a path as a directory that may contain any file, so the
 * path `build` would overlap the glob `build/out/**`. Pure.
 */
import {
  HOOK_GLOB_CHARACTERS_A_STEP,
  HOOK_GLOB_CHARACTERS_MAX,
  HOOK_GLOBS_MAX,
} from "../../../schemas/limits/hooks.js";
import { BraceProblem, expandBraces } from "../../base/brace-expansion.js";
import { compilePathGlob, type KnownSegments } from "../../base/path-glob.js";
import { pathGlobProblem } from "../../base/path-problem.js";
import { PATH_ESCAPABLE } from "../../base/path-segment.js";
import { matchSegments, type SegmentMatcher } from "../../base/segment-sequence.js";

type CompiledGlob = readonly (SegmentMatcher | null)[];

export class PathList {
  readonly #globs: readonly CompiledGlob[];
  readonly #segments: number;
  readonly #characters: number;

  private constructor(globs: readonly CompiledGlob[], characters: number) {
    this.#globs = globs;
    this.#segments = globs.reduce((sum, { length }) => sum + length, 0);
    this.#characters = characters;
  }

  /** Compiles globs. Ignores malformed globs, and all globs from the first one that exceeds a limit of the list. */
  static of(texts: readonly string[]): PathList {
    const globs: CompiledGlob[] = [];
    const known: KnownSegments = new Map();
    let characters = 0;
    let compiled = 0;
    for (const text of texts) {
      const alternatives = alternativesOf(text);
      characters += alternatives.reduce((sum, { length }) => sum + length, 0);
      if (globs.length + alternatives.length > HOOK_GLOBS_MAX || characters > HOOK_GLOB_CHARACTERS_MAX) break;
      for (const alternative of alternatives) globs.push(compile(alternative, known));
      compiled = characters;
    }
    return new PathList(globs, compiled);
  }

  /** Returns the maximum number of steps that `covers` takes. */
  stepsFor(segments: readonly string[]): number {
    const characters = segments.reduce((sum, { length }) => sum + length, 0);
    return segments.length * this.#segments + Math.ceil((characters * this.#characters) / HOOK_GLOB_CHARACTERS_A_STEP);
  }

  /** Returns whether one of the globs covers a path. The path is given as its segments. */
  covers(segments: readonly string[]): boolean {
    return this.#globs.some((glob) => matchSegments(glob, segments, 0));
  }
}

/** Expands the braces of a text to globs. Returns none if the text is malformed. `./a/` is accepted in place of `a`. */
function alternativesOf(text: string): readonly string[] {
  const glob = text.startsWith("./") ? text.slice(2) : text;
  const alternatives = expandBraces(glob.endsWith("/") && !glob.endsWith("\\/") ? glob.slice(0, -1) : glob);
  if (alternatives instanceof BraceProblem) return [];
  const globs = alternatives.map((one) =>
    pathGlobProblem(one, PATH_ESCAPABLE) === null ? one : escapeSeparators(one),
  );
  return globs.some((one) => pathGlobProblem(one, PATH_ESCAPABLE) !== null) ? [] : globs;
}

/**
 * Escapes the characters that would separate globs in a resource (such as `,`). An entry of this list is a single glob,
 * so in it these characters belong to a name.
 */
function escapeSeparators(glob: string): string {
  return glob.replaceAll(/\\.|[,;| ]/gsu, (part) => (part.startsWith("\\") ? part : `\\${part}`));
}

function compile(text: string, known: KnownSegments): CompiledGlob {
  const { segments, literal } = compilePathGlob(text.normalize("NFC"), known);
  const matchers = segments.map((segment) =>
    typeof segment === "string" ? { matches: (other: string): boolean => other === segment } : segment,
  );
  return literal ? [...matchers, null] : matchers;
}
