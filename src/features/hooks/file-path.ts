/**
 * Normalizes the paths of another machine, without access to its file system. The machine may run Windows even if this
 * server does not. A path is a Windows path if it begins with a drive letter or a share. Pure.
 */

const BACKSLASHES = /\\/g;
const DRIVE = /^[A-Za-z]:(?=[\\/]|$)/;
/**
 * Matches a drive letter. The path may be absolute (`C:\a`), or relative to the current directory of the drive (`C:a`).
 */
const ANY_DRIVE = /^[A-Za-z]:/;

/** The two ways to write paths. On Windows `\` separates the segments; elsewhere it is a character of a name. */
export type PathStyle = "posix" | "windows";

/** Returns the style of an absolute path; null if the path is relative. */
export function styleOf(path: string): PathStyle | null {
  if (DRIVE.test(path) || path.startsWith("\\\\")) return "windows";
  return path.startsWith("/") ? "posix" : null;
}

/** Returns whether a path is absolute in a given style. Such a path does not depend on the current directory. */
function isAbsolute(path: string, style: PathStyle): boolean {
  return path.startsWith("/") || (style === "windows" && (path.startsWith("\\") || ANY_DRIVE.test(path)));
}

/**
 * Returns the segments of an absolute path. `.`, `..` and empty segments are resolved. Returns null for a Windows path
 * that is relative to the current directory of a drive (`C:a`). The first segment of a Windows path is its drive in
 * lower case.
 * @param drive the drive of a path that begins with `\`, for example `c:`; "" if there is none
 */
export function segmentsOf(path: string, style: PathStyle, drive = ""): string[] | null {
  let text = path;
  if (style === "windows") {
    text = path.replace(BACKSLASHES, "/");
    if (DRIVE.test(text)) text = `${text.slice(0, 2).toLowerCase()}${text.slice(2)}`;
    else if (ANY_DRIVE.test(text)) return null;
    else if (drive !== "" && !text.startsWith("//")) text = `${drive}${text}`;
  }
  const segments: string[] = [];
  const kept = style === "windows" && DRIVE.test(text) ? 1 : 0;
  for (const [at, segment] of text.split("/").entries()) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") segments.push(style === "windows" && at > 0 ? windowsName(segment) : segment);
    else if (segments.length > kept) segments.pop();
  }
  return segments;
}

/**
 * Returns the name under which Windows stores a file or directory. Windows ignores blanks and dots at the end, and a
 * colon begins the name of a stream of the file.
 */
function windowsName(segment: string): string {
  const colon = segment.indexOf(":");
  let end = colon < 0 ? segment.length : colon;
  while (end > 0 && " .".includes(segment.charAt(end - 1))) end--;
  return end === 0 ? segment : segment.slice(0, end);
}

/**
 * Joins a directory and a relative path. An absolute path is returned unchanged. Segments such as `..` stay in the
 * result.
 */
export function joinPath(directory: string, path: string): string {
  const style = styleOf(directory);
  if (path === "" || path === ".") return directory;
  if (directory === "" || (style === null ? styleOf(path) !== null : isAbsolute(path, style))) return path;
  return `${directory}/${path}`;
}
