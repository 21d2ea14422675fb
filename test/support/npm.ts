/** Runs npm in tests, without the network, and with its own cache and home. A registry on loopback may be given. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface NpmOptions {
  /** The folder in which npm runs. */
  readonly folder: string;
  /** An empty folder for npm's cache, its logs and the user's settings. */
  readonly home: string;
  /** The URL of a registry on loopback. Without it, npm contacts no registry. */
  readonly registry?: string;
}

/** Returns what npm writes to stdout. If npm fails, rejects with its messages. */
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
