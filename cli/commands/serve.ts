/**
 * Implements `serve`, which runs the server. Its module is loaded at run time from next to the bundle, so that no other
 * command pays for it. Runs the server's front in this process.
 */
import type { CommandRow } from "../command-row.js";

interface ServerModule {
  readonly runServer: (argv: string[]) => Promise<void>;
}

/** Passes all arguments to the server, which has its own flags, help and exit codes. */
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
