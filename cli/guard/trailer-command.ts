/** Makes the git command that adds fences to a commit message, as trailers. Pure; runs in the CLI process. */
import { TRAILER } from "./commit-paths.js";

/**
 * Returns the arguments of a git command that adds trailers (`Koor-Fence: 17`), except those that the message already
 * has. git reads the message from stdin, or from a file that the caller appends. git must run outside of a repository,
 * because a repository's configuration may name programs for trailers.
 */
export function trailerCommand(fences: readonly (number | string)[]): string[] {
  const options = ["--no-divider", "--where", "end", "--if-exists", "addIfDifferent", "--if-missing", "add"];
  const trailers = fences.flatMap((fence) => ["--trailer", `${TRAILER}: ${fence}`]);
  return ["-c", "trailer.separators=:", "interpret-trailers", ...options, ...trailers];
}
