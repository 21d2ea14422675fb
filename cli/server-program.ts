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

/**
 * The member of `process` with which deploy/bin/koor.js offers its own `import`. If code that was compiled earlier
 * imports a file by itself, Node prints a warning about an experimental feature.
 */
const IMPORT = Symbol.for("koor.import");

type ImportFile = (url: string) => Promise<unknown>;

export async function loadServerProgram(): Promise<ServerProgram> {
  const { href } = new URL("../src/main.js", import.meta.url);
  const importFile = (process as { readonly [IMPORT]?: ImportFile })[IMPORT];
  return (await (importFile === undefined ? import(href) : importFile(href))) as ServerProgram;
}
