/**
 * Loads the server's program, which some commands need. It is a separate file next to this bundle, so that other
 * commands do not load it. Runs in the CLI process.
 */
import type { ServeSettings } from "../schemas/config.js";
import type { DataDirState } from "../schemas/data-dir.js";

export interface ServerProgram {
  /** Starts the server. The server has its own flags, help and exit codes. */
  readonly runServer: (argv: string[]) => Promise<void>;
  /**
   * Reads the settings with which the server would start. Returns one line with the reason if the server would refuse
   * to start.
   */
  readonly readServeSettings: (
    argv: readonly string[],
    environment: NodeJS.ProcessEnv,
  ) => ServeSettings | { readonly refusal: string };
  /** Inspects a data directory without changing it. */
  readonly inspectDataDir: (dataDir: string) => Promise<DataDirState>;
}

/** Imports an ES module. Only defined if deploy/bin/koor.js runs this bundle from compiled code. */
declare const importModule: ((url: string) => Promise<unknown>) | undefined;

export async function loadServerProgram(): Promise<ServerProgram> {
  const url = new URL("../src/main.js", import.meta.url).href;
  const program = typeof importModule === "function" ? importModule(url) : import(url);
  return (await program) as ServerProgram;
}
