/**
 * Loads the server's program for commands that need a part of it. It is a file next to this bundle, so that no other
 * command loads it. Runs in the CLI process.
 */
import type { ServeSettings } from "../schemas/config.js";
import type { DataDirState } from "../schemas/data-dir.js";

export interface ServerProgram {
  /** Starts the server, which has flags, help and exit codes of its own. */
  readonly runServer: (argv: string[]) => Promise<void>;
  /** Reads the settings with which the server would start, or says in a line why it would refuse them. */
  readonly readServeSettings: (
    argv: readonly string[],
    environment: NodeJS.ProcessEnv,
  ) => ServeSettings | { readonly refusal: string };
  /** Inspects a data directory, and leaves nothing there. */
  readonly inspectDataDir: (dataDir: string) => Promise<DataDirState>;
}

export async function loadServerProgram(): Promise<ServerProgram> {
  return (await import(new URL("../src/main.js", import.meta.url).href)) as ServerProgram;
}
