/** Installs the guard of commits for `init --guard`. Runs in the CLI process. */
import { refused, type CliFailure } from "../failure.js";

/** Returns why the guard cannot be installed in a working tree; undefined if it was installed. */
export function installGuard(_root: string): CliFailure | undefined {
  return refused("the guard is not available in this version: leave --guard out");
}
