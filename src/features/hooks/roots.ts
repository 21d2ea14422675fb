/**
 * Locates paths in the workspace. Agents write paths in several ways: absolute, relative to the current directory, and
 * through symbolic links. So a working tree may have several roots: its path as it was typed, and the path to which the
 * operating system resolves it. A file has the same path in the workspace under each root. Pure.
 */
import { HOOK_GLOB_STEPS_MAX, HOOK_PATH_CHARACTERS_MAX } from "../../../schemas/limits/hooks.js";
import { replaceHidden } from "../../../schemas/visible-text.js";
import { pathGlobProblem } from "../../base/path-problem.js";
import { PATH_ESCAPABLE } from "../../base/path-segment.js";
import { joinPath, type PathStyle, segmentsOf, styleOf } from "./file-path.js";
import type { PathList } from "./path-list.js";

/** Says which paths of a working tree are checked, and how. */
export interface PathRules {
  /** The absolute paths of the working tree. Texts that are no absolute paths are ignored. */
  readonly roots: readonly string[];
  readonly ignored: PathList;
  /** The paths that are leased for the whole repository. */
  readonly repoScope: PathList;
}

/** A path in the workspace. */
export interface LocatedPath {
  /** The path relative to the root, with `/` between its segments; "" for the root itself. */
  readonly path: string;
  /** The resource of a lease that covers exactly this path, or the whole workspace if the path is the root. */
  readonly resource: string;
  readonly scope: "checkout" | "repo";
}

interface Root {
  readonly style: PathStyle;
  readonly segments: readonly string[];
  /** The drive of a Windows root, for example `c:`; "" if there is none. */
  readonly drive: string;
}

const WHOLE_WORKSPACE = "path:**";

export class WorkspaceRoots {
  /** The roots, the longest first, so that a root inside another root takes precedence. */
  readonly #roots: readonly Root[];
  readonly #first: string;
  readonly #rules: PathRules;
  /** The remaining budget of steps for comparing paths with globs. */
  #stepsLeft = HOOK_GLOB_STEPS_MAX;

  constructor(rules: PathRules) {
    this.#rules = rules;
    this.#first = rules.roots[0] ?? "";
    this.#roots = rules.roots
      .flatMap((root) => readRoot(root) ?? [])
      .sort((a, b) => b.segments.length - a.segments.length);
  }

  /**
   * Converts a path to a path in the workspace. Returns null if the path is outside of every root, or ignored.
   * @param path the path as the agent wrote it
   * @param directory the directory from which a relative path starts; "" means the first root
   */
  locate(path: string, directory: string): LocatedPath | null {
    if (path === "" || path.includes("\0") || path.startsWith("~/")) return null;
    const whole = joinPath(styleOf(directory) === null ? joinPath(this.#first, directory) : directory, path);
    if (whole.length > 2 * HOOK_PATH_CHARACTERS_MAX) return null;
    for (const root of this.#roots) {
      const style = styleOf(whole);
      if (style === "windows" && root.style === "posix") continue;
      const segments = segmentsOf(whole, root.style, root.drive);
      if (segments === null || !startsWith(segments, root.segments)) continue;
      return this.#placed(segments.slice(root.segments.length));
    }
    return null;
  }

  /** True if the budget of steps ran out, so that some paths were not compared with the globs. */
  get isSpent(): boolean {
    return this.#stepsLeft < 0;
  }

  /** Returns the depth of the root that contains an absolute directory, in segments; null if no root contains it. */
  depthOf(directory: string): number | null {
    const style = styleOf(directory);
    for (const root of this.#roots) {
      if (style === null || (style === "windows" && root.style === "posix")) continue;
      const segments = segmentsOf(directory, root.style, root.drive);
      if (segments !== null && startsWith(segments, root.segments)) return root.segments.length;
    }
    return null;
  }

  #placed(segments: readonly string[]): LocatedPath | null {
    const normal = segments.map((segment) => segment.normalize("NFC"));
    const { ignored, repoScope } = this.#rules;
    this.#stepsLeft -= ignored.stepsFor(normal) + repoScope.stepsFor(normal);
    if (this.isSpent || ignored.covers(normal)) return null;
    const path = segments.join("/");
    return {
      path,
      resource: path === "" ? WHOLE_WORKSPACE : `path:${escapePath(path)}`,
      scope: repoScope.covers(normal) ? "repo" : "checkout",
    };
  }
}

function readRoot(text: string): Root | undefined {
  const style = styleOf(text);
  if (style === null || text.length > HOOK_PATH_CHARACTERS_MAX || text.includes("\0")) return undefined;
  const segments = segmentsOf(text.normalize("NFC"), style);
  if (segments === null) return undefined;
  const first = segments[0] ?? "";
  return { style, segments, drive: style === "windows" && first.endsWith(":") ? first : "" };
}

function startsWith(path: readonly string[], root: readonly string[]): boolean {
  return path.length >= root.length && root.every((segment, at) => path[at]?.normalize("NFC") === segment);
}

/**
 * Escapes a file's path to a glob that matches only this path. Wildcards and braces are always escaped. Separators such
 * as `,` are escaped only if the parser of resources would otherwise reject the path as a list of paths.
 *
 * Some names have characters that no resource may have, such as `\` or a tab. For them, the glob has a `?` in place of
 * each such character. It then also matches names that differ only in these characters, but never misses the path.
 */
export function escapePath(path: string): string {
  const escaped = path.replaceAll(/[*?\\{}]/g, "\\$&");
  if (pathGlobProblem(escaped, PATH_ESCAPABLE) === null) return escaped;
  const spelled = path.replaceAll(SPECIAL, "\\$&");
  return pathGlobProblem(spelled, PATH_ESCAPABLE) === null ? spelled : maskPath(path);
}

/** Matches the characters that have a meaning in a resource. */
const SPECIAL = /[*?\\{},;|! ]/g;
/** Matches a start that a resource must not have: a drive (`c:`), a prefix (`path:`) or a home directory (`~/`). */
const RESERVED = /^(?:([A-Za-z]|path|file):|~(?=[/\\]|$))/i;
/** Matches a blank at an end of the path that `\` cannot make literal. */
const OUTER_BLANK = /^[^\S ]|[^\S ]$/gu;

function maskPath(path: string): string {
  return replaceHidden(path, () => "\\")
    .replaceAll(SPECIAL, (special) => (special === "\\" ? "?" : `\\${special}`))
    .replaceAll(OUTER_BLANK, "?")
    .replace(RESERVED, "$1?");
}
