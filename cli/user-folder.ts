/**
 * Finds the user's home folder, and the folder for the user's own files of Koor (such as `~/.config/koor`). Runs in the
 * CLI process.
 */
import { isAbsolute, join } from "node:path";

/** Returns the user's home folder; undefined if the environment does not name it. */
export function homeFolder(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string | undefined {
  const named = environment[platform === "win32" ? "USERPROFILE" : "HOME"];
  return named && isAbsolute(named) ? named : undefined;
}

/** Returns the folder for the user's own files of Koor; undefined if the environment names none. */
export function userFolder(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string | undefined {
  const named = platform === "win32" ? environment["APPDATA"] : environment["XDG_CONFIG_HOME"];
  // A relative path is ignored, because the XDG specification requires it.
  if (named && isAbsolute(named)) return join(named, "koor");
  const home = environment["HOME"] || undefined;
  return platform === "win32" || home === undefined ? undefined : join(home, ".config", "koor");
}
