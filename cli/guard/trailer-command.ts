/** The command with which git adds the fences of leases to a message. Pure; runs in the CLI process. */
import { TRAILER } from "./commit-paths.js";

/**
 * Returns the words of a command that adds trailers that the message does not have yet. The message comes from stdin if
 * the caller adds no file. git must get no repository, because the configuration of one may name programs for trailers.
 */
export function trailerCommand(fences: readonly (number | string)[]): string[] {
  const options = ["--no-divider", "--where", "end", "--if-exists", "addIfDifferent", "--if-missing", "add"];
  const trailers = fences.flatMap((fence) => ["--trailer", `${TRAILER}: ${fence}`]);
  return ["-c", "trailer.separators=:", "interpret-trailers", ...options, ...trailers];
}
