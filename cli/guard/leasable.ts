/**
 * Decides which paths of a repository a lease can name. The other paths need no check. Pure; runs in the CLI process.
 */
import { CHECK_PATH_BYTES_MAX } from "../../schemas/limits/leases.js";
import { isLongerThan, lineProblem } from "../../schemas/text.js";

/** Matches a path that the server would not read as a path in the repository: `C:…`, `~/…`, `path:…`. */
const FROM_ELSEWHERE = /^(?:[A-Za-z]:|~(?:\/|$)|(?:path|file):)/i;

/**
 * Returns whether the server accepts this path in a check. The path comes from git, so it has no empty segments and no
 * `..`.
 */
export function isLeasable(path: string): boolean {
  if (path.includes("\\") || FROM_ELSEWHERE.test(path)) return false;
  return !isLongerThan(path, CHECK_PATH_BYTES_MAX) && lineProblem(path) === null;
}
