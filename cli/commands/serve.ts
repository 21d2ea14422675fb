/**
 * Implements `serve`, which runs the server. The server's module is imported at run time from a file next to this
 * bundle, so that no other command loads it. The server's front thread is this process's main thread.
 */
import type { CommandRow } from "../command-row.js";

interface ServerModule {
  readonly runServer: (argv: string[]) => Promise<void>;
}

/** Passes all arguments to the server, which has flags, help and exit codes of its own. */
export async function startServer(argv: readonly string[]): Promise<void> {
  const { runServer } = (await import(new URL("../src/main.js", import.meta.url).href)) as ServerModule;
  await runServer([...argv]);
}

export const SERVE_COMMANDS: readonly CommandRow[] = [
  {
    words: ["serve"],
    about: "Start the server; serve --help shows its flags.",
    run: async () => {
      await startServer([]);
      return 0;
    },
  },
];
