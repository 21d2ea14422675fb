/**
 * Parses what `git diff-index --raw -p -z -U0` prints: which files differ, and which lines of the old side. Texts are
 * latin1 strings, one character for each byte, because git's paths need not be UTF-8. Pure; runs in the CLI process.
 */

/** Lines of the old file, counted from 1. A text that was inserted after line n is `[n + 1, n]`. */
export type LineRange = readonly [from: number, to: number];

/** A file that differs. */
export interface FileDiff {
  /** The path as git stores it, one character for each byte. */
  readonly path: string;
  /** The mode of the file in git's digits; "000000" if that side has no file. */
  readonly oldMode: string;
  readonly newMode: string;
  /** Whether the new side was read from the working tree, so that git's raw line has no object id of it. */
  readonly isFromTree: boolean;
  /** The object id of the new content; undefined if the new side has no file, or git does not say it. */
  blob: string | undefined;
  /** The lines of the old file that were changed; undefined if the file was not compared by lines. */
  ranges: LineRange[] | undefined;
}

/** The mode of a side without a file. */
export const NO_FILE = "000000";
export const FILE = "100644";
export const SYMBOLIC_LINK = "120000";
export const SUBMODULE = "160000";

/** A file that git is merging: the index has several versions of it. */
const UNMERGED = "U";
const RAW_LINE = /^:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])/;
/**
 * Matches the lines of a patch that matter. Lines of content begin with `+`, `-` or a backslash. Only a line feed ends
 * a line: a carriage return may stand inside of one.
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

/** Writes a path as git writes it in the header of a patch, with `core.quotePath` on. */
function quotePath(prefix: string, path: string): string {
  const quoted = path.replace(/[^\x20-\x7e]|["\\]/g, (byte) => {
    return NAMED_ESCAPES[byte] ?? `\\${byte.charCodeAt(0).toString(8).padStart(3, "0")}`;
  });
  return quoted === path ? prefix + path : `"${prefix}${quoted}"`;
}

function headerOf(path: string): string {
  return `diff --git ${quotePath("a/", path)} ${quotePath("b/", path)}`;
}

/** Whether an object id says that git does not know the object, or that there is none. */
function isNoObject(id: string): boolean {
  return /^0+$/.test(id);
}

/** Returns the lines of a hunk's old side. */
function rangeOf(start: number, count: number): LineRange {
  return count === 0 ? [start + 1, start] : [start, start + count - 1];
}

/** Reads the raw lines, and returns the position after them. A file that git is merging has several. */
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

/** Adds what the patches say to the files. Returns the paths that have a patch. */
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

/** The options with which `diff-index` prints what this module parses. The user's configuration does not change it. */
export const RAW_OPTIONS = [
  "--raw",
  "-z",
  "--no-renames",
  "--no-relative",
  "--full-index",
  "--no-color",
  // The state of a submodule's own files would be asked of its repository, whose configuration may name programs.
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
 * Parses the output of `diff-index`. A file whose times alone differ has no patch, and is left out. A file that git is
 * merging is compared as it stands in the working tree; without a file there it has no ranges.
 * @param hasPatches whether the output has patches, too
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
