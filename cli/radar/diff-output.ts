/**
 * Parses the output of `git diff-index --raw -p -z -U0`: which files differ, and in which lines of the old side. Texts
 * are latin1 strings with one character for each byte, because paths in git need not be UTF-8. Pure; runs in the CLI
 * process.
 */

/**
 * A range of lines in the old file, counted from 1. A text that was inserted after line n has the range `[n + 1, n]`.
 */
export type LineRange = readonly [from: number, to: number];

/** A file that differs between the two sides. */
export interface FileDiff {
  /** The path as git stores it, with one character for each byte. */
  readonly path: string;
  /** The mode of the old file, in git's digits; "000000" if that side has no file. */
  readonly oldMode: string;
  readonly newMode: string;
  /** Whether the new side is the working tree. Then git's output has no object id for it. */
  readonly isFromTree: boolean;
  /** The object id of the new content; undefined if the new side has no file, or if git did not report the id. */
  blob: string | undefined;
  /** The changed lines of the old file; undefined if the file was not compared line by line. */
  ranges: LineRange[] | undefined;
}

/** The mode that git reports for a side without a file. */
export const NO_FILE = "000000";
export const FILE = "100644";
export const SYMBOLIC_LINK = "120000";
export const SUBMODULE = "160000";

/** The status of an unmerged file. The index has several versions of such a file. */
const UNMERGED = "U";
const RAW_LINE = /^:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])/;
/**
 * Matches the lines of a patch that this module needs. It cannot match lines of content, because these begin with `+`,
 * `-` or a backslash. Only a line feed ends a line, because a carriage return may be inside of a line.
 */
const PATCH_LINE =
  /[\0\n](?:(diff --git [^\n]*)|index [0-9a-f]+\.\.([0-9a-f]+)|@@ -(\d+)(?:,(\d+))? |(Binary files )[^\n]* differ(?=\n))/g;
const NAMED_ESCAPES: Readonly<Record<string, string>> = {
  "\u0007": "\\a",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\v": "\\v",
  "\f": "\\f",
  "\r": "\\r",
  '"': '\\"',
  "\\": "\\\\",
};

/** Quotes a path as git does in the header of a patch if `core.quotePath` is on. */
function quotePath(prefix: string, path: string): string {
  const quoted = path.replace(/[^\x20-\x7e]|["\\]/g, (byte) => {
    return NAMED_ESCAPES[byte] ?? `\\${byte.charCodeAt(0).toString(8).padStart(3, "0")}`;
  });
  return quoted === path ? prefix + path : `"${prefix}${quoted}"`;
}

function headerOf(path: string): string {
  return `diff --git ${quotePath("a/", path)} ${quotePath("b/", path)}`;
}

/** Whether an object id is all zeros. git then does not know the object, or there is none. */
function isNoObject(id: string): boolean {
  return /^0+$/.test(id);
}

/** Returns the range of a hunk on the old side. */
function rangeOf(start: number, count: number): LineRange {
  return count === 0 ? [start + 1, start] : [start, start + count - 1];
}

/** Reads the raw lines, and returns the position after them. An unmerged file has several raw lines. */
function readRaw(text: string): { readonly files: Map<string, FileDiff>; readonly unmerged: Set<string>; at: number } {
  const files = new Map<string, FileDiff>();
  const unmerged = new Set<string>();
  let at = 0;
  while (text[at] === ":") {
    const end = text.indexOf("\0", at);
    const pathEnd = text.indexOf("\0", end + 1);
    const [, oldMode = "", newMode = "", , newId = "", status] = RAW_LINE.exec(text.slice(at, end)) ?? [];
    const path = text.slice(end + 1, pathEnd);
    at = pathEnd + 1;
    if (status === UNMERGED) unmerged.add(path);
    else {
      const isFromTree = newMode !== NO_FILE && isNoObject(newId);
      const blob = isNoObject(newId) ? undefined : newId;
      files.set(path, { path, oldMode, newMode, isFromTree, blob, ranges: undefined });
    }
  }
  return { files, unmerged, at };
}

/** Adds the line ranges in the patches to the files. Returns the paths that have a patch. */
function readPatches(text: string, at: number, files: ReadonlyMap<string, FileDiff>): ReadonlySet<string> {
  const byHeader = new Map([...files.values()].map((file) => [headerOf(file.path), file]));
  const patched = new Set<string>();
  let file: FileDiff | undefined;
  PATCH_LINE.lastIndex = at;
  for (const [, header, id, start, count, binary] of text.matchAll(PATCH_LINE)) {
    if (header !== undefined) {
      file = byHeader.get(header);
      if (file !== undefined) patched.add(file.path);
    } else if (file === undefined) continue;
    else if (id !== undefined) file.blob = isNoObject(id) ? file.blob : id;
    else if (binary !== undefined) file.ranges = undefined;
    else (file.ranges ??= []).push(rangeOf(Number(start), Number(count ?? "1")));
  }
  return patched;
}

/**
 * The options with which `diff-index` prints the format that this module parses, whatever the user's configuration
 * says.
 */
export const RAW_OPTIONS = [
  "--raw",
  "-z",
  "--no-renames",
  "--no-relative",
  "--full-index",
  "--no-color",
  // Changes inside of a submodule are ignored. To find them, git would run in the submodule, whose configuration may
  // name programs.
  "--ignore-submodules=dirty",
] as const;
export const PATCH_OPTIONS = [
  "-p",
  "-U0",
  "--inter-hunk-context=0",
  "--no-ext-diff",
  "--no-textconv",
  "--src-prefix=a/",
  "--dst-prefix=b/",
] as const;

/**
 * Parses the output of `diff-index`. A file of which only the times differ has no patch, and is left out. For an
 * unmerged file, the working tree is compared. If the file does not exist there, it has no ranges.
 * @param hasPatches whether the output also has patches
 */
export function parseDiff(output: Buffer, hasPatches: boolean): FileDiff[] {
  const text = output.toString("latin1");
  const { files, unmerged, at } = readRaw(text);
  const patched = hasPatches ? readPatches(text, at, files) : undefined;
  for (const path of unmerged)
    if (!files.has(path))
      files.set(path, { path, oldMode: FILE, newMode: FILE, isFromTree: true, blob: undefined, ranges: undefined });
  return [...files.values()].filter(({ path }) => patched === undefined || patched.has(path) || unmerged.has(path));
}
