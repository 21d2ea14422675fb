/** Decides which paths of a repository a lease can name. No other path needs a check. Pure; runs in the CLI process. */
import { CHECK_PATH_BYTES_MAX } from "../../schemas/limits/leases.js";
import { isLongerThan, lineProblem } from "../../schemas/text.js";

/** Matches a path that the server would not take for a path in the repository, such as `C:a`, `~/a` or `path:a`. */
const FROM_ELSEWHERE = /^(?:[A-Za-z]:|~(?:\/|$)|(?:path|file):)/i;

/** Whether the server accepts this path in a check. A path of git never has empty segments or `..`. */
export function isLeasable(path: string): boolean {
  if (path.includes("\\") || FROM_ELSEWHERE.test(path)) return false;
  return !isLongerThan(path, CHECK_PATH_BYTES_MAX) && lineProblem(path) === null;
}
