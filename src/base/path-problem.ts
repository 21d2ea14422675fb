/**
 * What is wrong with a path or a glob of paths as somebody wrote it: what cannot name a file of a workspace is refused
 * with what to write instead. Pure. Paths are relative to the workspace's root, with `/` between their segments.
 */
import { lineProblem } from "../../schemas/text.js";

/** Most paths and globs: nothing is wrong with them, and nobody has to look closer. */
const PLAIN = /^[\w*?@-][\w.*?@-]*(?:\/[\w*?@-][\w.*?@-]*)*$/;
/** A segment that names nothing: the first one is told of. */
const NO_SEGMENT = /(?:^|\/)(\.{0,2})(?:\/|$)/;
/** `/…`, `\\host\share`, `C:\…`, `~/…`: where a file lies on one machine. */
const ABSOLUTE = /^(?:\/|\\\\|[A-Za-z]:|~(?:[/\\]|$))/;
/** A resource, or a URL, where a path is due. */
const PREFIXED = /^(?:path|file):/i;
const OUTER_BLANK = /^\s|(?:^|[^\\])\s$/u;
const LIST_SEPARATORS = [",", ";", "|", " "] as const;

/** What is wrong with the path of one file or directory, to be read after its name; null where nothing is. */
export function pathProblem(path: string): string | null {
  if (PLAIN.test(path)) return null;
  return path.includes("\\") && !ABSOLUTE.test(path) ? "must not contain \\: write /" : shapeProblem(path);
}

/**
 * What is wrong with a glob without braces, to be read after its name; null where nothing is.
 * @param escapable the characters that `\` makes literal; before any other one it is a separator of Windows
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
 * What is wrong with a glob that is a list of globs in one text; null where it is one glob. A comma, or another
 * separator, that belongs to a name is escaped, or stands in a glob without wildcards.
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
    return `must be one glob: write {${parts.join(",")}} for several, and \\ before ${name} in a name`;
  }
  return null;
}

function shapeProblem(path: string): string | null {
  const hidden = lineProblem(path);
  if (hidden !== null) return hidden;
  if (ABSOLUTE.test(path)) {
    const hint = /^\/+([^/].*)$/su.exec(path)?.[1] ?? "it from the workspace's root, like src/a.ts";
    return `must be relative to the workspace: write ${hint}`;
  }
  const prefix = PREFIXED.exec(path)?.[0];
  if (prefix !== undefined) return `must not begin with ${prefix}: write ${path.slice(prefix.length)}`;
  if (path === ".") return 'must not be ".": write ** for the whole workspace';
  const wrong = NO_SEGMENT.exec(path);
  if (wrong === null) return null;
  if (wrong[1] !== "") {
    const plain = path.split("/").filter((segment) => segment !== ".");
    const hint = plain.includes("..") ? "it from the workspace's root" : plain.join("/");
    return `must not have a segment "." or "..": write ${hint}`;
  }
  if (path === "") return "must not have an empty segment: write ** for the whole workspace";
  const plain = path.replaceAll(/\/+/g, "/");
  return `must not have an empty segment: write ${plain.endsWith("/") ? `${plain}**` : plain}`;
}

/** Whether a `\` escapes nothing that a name could have: no path has a `\`, and no name begins with two stars. */
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
