/** Tells which paths of a repository a lease can name. The others need no check. Pure; runs in the CLI process. */
import { CHECK_PATH_BYTES_MAX } from "../../schemas/limits/leases.js";
import { isLongerThan, lineProblem } from "../../schemas/text.js";

/** Matches a path that the server takes for one of another place: `C:…`, `~/…`, `path:…`. */
const FROM_ELSEWHERE = /^(?:[A-Za-z]:|~(?:\/|$)|(?:path|file):)/i;

/** Returns whether the server accepts this path in a check. git's paths have neither empty segments nor `..`. */
export function isLeasable(path: string): boolean {
  if (path.includes("\\") || FROM_ELSEWHERE.test(path)) return false;
  return !isLongerThan(path, CHECK_PATH_BYTES_MAX) && lineProblem(path) === null;
}
