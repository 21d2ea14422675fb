/**
 * Checks a path, or a glob of paths, that a client wrote. Rejects a text that cannot name a file of a workspace, with a
 * message that says what to write instead. Paths are relative to the workspace's root, with `/` between their segments.
 * Pure.
 */
import { lineProblem } from "../../schemas/text.js";
import { shorten } from "../../shared/shorten.js";

/** Matches most valid paths and globs, so that they need no further check. */
const PLAIN = /^[\w*?@-][\w.*?@-]*(?:\/[\w*?@-][\w.*?@-]*)*$/;
/** Matches an empty segment, `.` or `..`, which cannot name a file. The message quotes the first match. */
const NO_SEGMENT = /(?:^|\/)(\.{0,2})(?:\/|$)/;
/** Matches `/…`, `\\host\share`, `C:\…` and `~/…`, which are valid on one machine only. */
const ABSOLUTE = /^(?:\/|\\\\|[A-Za-z]:|~(?:[/\\]|$))/;
/** Matches a resource (`path:…`) or a URL (`file:…`) that was sent as a path. */
const PREFIXED = /^(?:path|file):/i;
const OUTER_BLANK = /^\s|(?:^|[^\\])\s$/u;
const LIST_SEPARATORS = [",", ";", "|", " "] as const;

/**
 * Checks the path of one file or directory. Returns the problem as a predicate for an error message; null if the path
 * is valid.
 */
export function pathProblem(path: string): string | null {
  if (PLAIN.test(path)) return null;
  return path.includes("\\") && !ABSOLUTE.test(path) ? "must not contain \\: write /" : shapeProblem(path);
}

/**
 * Checks a glob without braces. Returns the problem as a predicate for an error message (`must not begin with …`); null
 * if the glob is valid.
 * @param escapable the characters that `\` makes literal. A `\` before any other character counts as a Windows path
 *   separator
 */
export function pathGlobProblem(glob: string, escapable: string): string | null {
  if (PLAIN.test(glob)) return null;
  const problem = shapeProblem(glob);
  if (problem !== null) return problem;
  if (glob.startsWith("!")) return "must not begin with !, which negates nothing: write \\! for one in a name";
  if (OUTER_BLANK.test(glob)) return "must not begin or end with a blank: write \\ before one in a name";
  if (hasSeparatorOfWindows(glob, escapable)) return "has a \\ that escapes nothing: write /";
  return listProblem(glob);
}

/**
 * Checks whether a text looks like a list of several globs. Returns the problem; null if the text is one glob. A
 * separator that is escaped does not make a list.
 */
export function listProblem(glob: string): string | null {
  for (const separator of LIST_SEPARATORS) {
    if (!glob.includes(separator)) continue;
    const parts = splitUnescaped(glob, separator);
    if (parts.length < 2) continue;
    const isListed = parts.every((part) => /[*?]/.test(part) || (separator === "," && /[./]/.test(part)));
    const mixes = separator === "," && /[*?]/.test(glob);
    if (!isListed && !mixes) continue;
    const name = separator === " " ? "a blank" : separator;
    return `must be one glob: write {${shorten(parts.join(","))}} for several, and \\ before ${name} in a name`;
  }
  return null;
}

function shapeProblem(path: string): string | null {
  const hidden = lineProblem(path);
  if (hidden !== null) return hidden;
  if (ABSOLUTE.test(path)) {
    const hint = /^\/+([^/].*)$/su.exec(path)?.[1] ?? "it from the workspace's root, like src/a.ts";
    return `must be relative to the workspace: write ${shorten(hint)}`;
  }
  const prefix = PREFIXED.exec(path)?.[0];
  if (prefix !== undefined) return `must not begin with ${prefix}: write ${shorten(path.slice(prefix.length))}`;
  if (path === ".") return 'must not be ".": write ** for the whole workspace';
  const wrong = NO_SEGMENT.exec(path);
  if (wrong === null) return null;
  if (wrong[1] !== "") {
    const plain = path.split("/").filter((segment) => segment !== ".");
    const hint = plain.includes("..") ? "it from the workspace's root" : plain.join("/");
    return `must not have a segment "." or "..": write ${shorten(hint)}`;
  }
  if (path === "") return "must not have an empty segment: write ** for the whole workspace";
  const plain = path.replaceAll(/\/+/g, "/");
  return `must not have an empty segment: write ${shorten(plain.endsWith("/") ? `${plain}**` : plain)}`;
}

/**
 * Returns whether a `\` of the glob must be a Windows path separator. It is one if it escapes no character that a name
 * may contain, or if `**` follows it, because no name begins with two stars.
 */
function hasSeparatorOfWindows(glob: string, escapable: string): boolean {
  if (glob.includes("\\**")) return true;
  const escapes = glob.matchAll(/\\(.?)/gsu);
  return [...escapes].some(([, escaped]) => !escaped || escaped === "\\" || !escapable.includes(escaped));
}

function splitUnescaped(text: string, separator: string): string[] {
  const parts = [""];
  for (const [part] of text.matchAll(/\\.|./gsu)) {
    if (part === separator) parts.push("");
    else parts[parts.length - 1] += part;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}
