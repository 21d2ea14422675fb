/**
 * Runs npm in tests: without the network, and with a cache and a home of its own. A registry may be given, which has to
 * be on loopback.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface NpmOptions {
  /** The folder in which npm runs. */
  readonly folder: string;
  /** An empty folder, for npm's cache, its logs and the user's settings. */
  readonly home: string;
  /** The address of a registry on loopback. Without one npm asks none. */
  readonly registry?: string;
}

/** Returns what npm writes to stdout. Rejects with its messages where it fails. */
export async function runNpm(parameters: readonly string[], { folder, home, registry }: NpmOptions): Promise<string> {
  const { stdout } = await run("npm", [...parameters, "--no-audit", "--no-fund", "--no-update-notifier"], {
    cwd: folder,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: home,
      npm_config_cache: `${home}/cache`,
      ...(registry === undefined ? { npm_config_offline: "true" } : { npm_config_registry: registry }),
    },
  });
  return stdout;
}
