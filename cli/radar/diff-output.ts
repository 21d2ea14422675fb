/**
 * Parses the output of `git diff-index --raw -p -z -U0`. It says which files differ from a base, and which lines of the
 * base's files. Texts are latin1 strings with one character for each byte, because paths in git need not be UTF-8.
 * Pure; runs in the CLI process.
 */

/**
 * A range of lines in the old version of a file, counted from 1. Text that was inserted after line n has the empty
 * range `[n + 1, n]`.
 */
export type LineRange = readonly [from: number, to: number];

/** A file that differs between an old side (the base) and a new side (the index or the working tree). */
export interface FileDiff {
  /** The path in git's bytes, with one character for each byte. */
  readonly path: string;
  /** The file's mode in the base as git prints it, for example "100644". NO_FILE if the base has no such file. */
  readonly oldMode: string;
  readonly newMode: string;
  /** Whether the new content comes from the working tree. git's raw output then has no object id for it. */
  readonly isFromTree: boolean;
  /** The object id of the new content. Undefined if the file was deleted, or if git did not report the id. */
  blob: string | undefined;
  /** The changed lines of the old content; undefined if git did not compare the lines. */
  ranges: LineRange[] | undefined;
}

/** The mode that git prints if a side has no file. */
export const NO_FILE = "000000";
export const FILE = "100644";
export const SYMBOLIC_LINK = "120000";
export const SUBMODULE = "160000";

/** git's status of a file that has an unresolved merge conflict. The index has several versions of such a file. */
const UNMERGED = "U";
const RAW_LINE = /^:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])/;
/**
 * Matches the four kinds of patch lines that this module needs. It never matches a line of content, because those begin
 * with `+`, `-` or a backslash. A line ends only at a line feed, because content may contain carriage returns.
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

/** Quotes a path as git does in a patch header, if `core.quotePath` is on. */
function quotePath(prefix: string, path: string): string {
  const quoted = path.replace(/[^\x20-\x7e]|["\\]/g, (byte) => {
    return NAMED_ESCAPES[byte] ?? `\\${byte.charCodeAt(0).toString(8).padStart(3, "0")}`;
  });
  return quoted === path ? prefix + path : `"${prefix}${quoted}"`;
}

function headerOf(path: string): string {
  return `diff --git ${quotePath("a/", path)} ${quotePath("b/", path)}`;
}

/** Whether an object id is all zeros. git prints zeros if it does not know the id, or if there is no object. */
function isNoObject(id: string): boolean {
  return /^0+$/.test(id);
}

/**
 * Converts the old part of a hunk header (`
 * -start,count`) to a range of lines.
 */
function rangeOf(start: number, count: number): LineRange {
  return count === 0 ? [start + 1, start] : [start, start + count - 1];
}

/**
 * Reads the raw lines, one or more for each file. Returns the files, the unmerged paths, and the position of the first
 * patch. An unmerged file may have several raw lines.
 */
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

/** Reads the patches, and adds the changed lines to the files. Returns the paths of files that have a patch. */
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

/** Options that give `diff-index` the format that this module parses, even if the user has configured another one. */
export const RAW_OPTIONS = [
  "--raw",
  "-z",
  "--no-renames",
  "--no-relative",
  "--full-index",
  "--no-color",
  // Changes inside of a submodule are ignored. To find them, git would have to run in the submodule, whose
  // configuration may name programs.
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
 * Parses the output of `diff-index`. A file without a patch is left out, because only its times differ. An unmerged
 * file counts with its content in the working tree; it has no ranges if it does not exist there.
 * @param hasPatches whether the output contains patches
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
