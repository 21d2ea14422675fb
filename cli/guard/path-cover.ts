/**
 * Decides which files of a repository a lease's resource covers. The server decides the same (src/base/path-glob.ts),
 * and a test compares both. The server's code also compares globs with each other. git's paths have no wildcards, so
 * this module is simpler. Pure; runs in the CLI process.
 */
import { GLOB_ALTERNATIVES_MAX } from "../../schemas/limits/names.js";

const PATH = "path:";
/** The characters that lose their special meaning after a `\` in a resource. */
const ESCAPABLE = "*?\\{},;|! ";
const WILD = /[*?\\]/;

/** Returns the resource that covers exactly one file (`path:a.ts`). */
export function leaseResource(path: string): string {
  return PATH + path.replaceAll(/[*?\\{},;|! ]/g, (character) => `\\${character}`);
}

/**
 * Reads the alternatives of a brace group (`a,b}`), or of the whole glob if `depth` is 0. Returns null if the braces
 * are not balanced.
 */
function readAlternatives(glob: string, start: number, depth: number): { texts: string[]; next: number } | null {
  let texts = [""];
  let at = start;
  while (at < glob.length) {
    const character = glob[at] as string;
    if (depth > 0 && (character === "," || character === "}")) break;
    if (character === "}") return null;
    if (character !== "{") {
      const end = character === "\\" ? at + 2 : at + 1;
      const text = glob.slice(at, end);
      texts = texts.map((before) => before + text);
      at = end;
      continue;
    }
    const group: string[] = [];
    for (at += 1; ; at += 1) {
      const read = readAlternatives(glob, at, depth + 1);
      if (read === null || read.next >= glob.length) return null;
      group.push(...read.texts);
      at = read.next;
      if (glob[at] === "}") break;
    }
    if (texts.length * group.length > GLOB_ALTERNATIVES_MAX) return null;
    texts = texts.flatMap((before) => group.map((text) => before + text));
    at += 1;
  }
  return { texts, next: at };
}

/**
 * Expands braces: `a.{b,c}` becomes `a.b` and `a.c`. The glob with literal braces is the last result, because a file's
 * name may contain braces.
 */
function expandBraces(glob: string): string[] {
  if (!/[{}]/.test(glob)) return [glob];
  const read = readAlternatives(glob, 0, 0);
  const literal = glob.replaceAll(/\\.|[{},]/gsu, (part) => (part.startsWith("\\") ? part : `\\${part}`));
  return read === null ? [literal] : [...read.texts, literal];
}

/** A part of a segment's pattern: a literal character, `*` for any number of characters, or `?` for one character. */
type Token = { readonly text: string } | "*" | "?";
/** One segment of a glob, between two slashes: a string if it is literal, tokens if it has wildcards, null for `**`. */
type Segment = string | readonly Token[] | null;

function readSegment(text: string): Segment {
  if (text === "**") return null;
  const tokens: Token[] = [];
  const characters = Array.from(text);
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] as string;
    const next = characters[at + 1];
    if (character === "*" || character === "?") tokens.push(character);
    else if (character === "\\" && next !== undefined && ESCAPABLE.includes(next)) {
      tokens.push({ text: next });
      at += 1;
    } else tokens.push({ text: character });
  }
  const isLiteral = tokens.every((token) => typeof token === "object");
  return isLiteral ? tokens.map((token) => (typeof token === "object" ? token.text : "")).join("") : tokens;
}

/**
 * Matches one segment of a path. After a mismatch, the last `*` takes one more character. So the cost is at most the
 * product of both lengths.
 */
function matchesSegment(pattern: Segment, segment: string): boolean {
  if (pattern === null || typeof pattern === "string") return pattern === segment;
  const characters = Array.from(segment);
  let place = 0;
  let star = -1;
  let resumeAt = 0;
  for (let at = 0; at < characters.length; ) {
    const token = pattern[place];
    if (token === "*") {
      star = place;
      place += 1;
      resumeAt = at;
    } else if (token === "?" || (typeof token === "object" && token.text === characters[at])) {
      place += 1;
      at += 1;
    } else if (star >= 0) {
      place = star + 1;
      resumeAt += 1;
      at = resumeAt;
    } else return false;
  }
  return pattern.slice(place).every((token) => token === "*");
}

/** Adds the positions that are reached if a `**` matches no segment. */
function skipMany(pattern: readonly Segment[], places: Set<number>): void {
  // The loop also visits the positions that it adds to the Set.
  for (const place of places) if (pattern[place] === null) places.add(place + 1);
}

function matchesPath(pattern: readonly Segment[], path: readonly string[]): boolean {
  let places = new Set([0]);
  for (const segment of path) {
    skipMany(pattern, places);
    const next = new Set<number>();
    for (const place of places) {
      const token = pattern[place];
      if (token === null) next.add(place);
      else if (token !== undefined && matchesSegment(token, segment)) next.add(place + 1);
    }
    places = next;
  }
  skipMany(pattern, places);
  return places.has(pattern.length);
}

/** Decides whether a resource covers a file. A resource is compiled once, because many files are compared with it. */
export type Cover = (path: string) => boolean;

/** A glob without braces: one of the alternatives to which a resource expands. */
export interface FileGlob {
  /** The glob's path if it has no wildcards; undefined otherwise. The glob also covers everything below this path. */
  readonly literal: string | undefined;
  readonly covers: Cover;
}

function compileGlob(glob: string): FileGlob {
  const segments = glob.split("/").map((text) => (WILD.test(text) ? readSegment(text) : text));
  const isLiteral = segments.every((segment) => typeof segment === "string");
  if (!isLiteral)
    return { literal: undefined, covers: (path) => matchesPath(segments, path.normalize("NFC").split("/")) };
  const literal = segments.join("/");
  // The last comparison is for submodules: git's path is the submodule, and the glob names a file inside it.
  const covers: Cover = (path) => {
    const file = path.normalize("NFC");
    return file === literal || file.startsWith(`${literal}/`) || literal.startsWith(`${file}/`);
  };
  return { literal, covers };
}

/** Returns the globs of those resources that name files (`path:…`). */
export function fileGlobsOf(resources: readonly string[]): FileGlob[] {
  return resources
    .filter((resource) => resource.startsWith(PATH))
    .flatMap((resource) => expandBraces(resource.slice(PATH.length).normalize("NFC")).map(compileGlob));
}

/** Returns a function that decides whether a lease covers a file. Resources that do not name files cover none. */
export function coverOf(resources: readonly string[]): Cover {
  const globs = fileGlobsOf(resources);
  return (path) => globs.some(({ covers }) => covers(path));
}
