/** Implements `serve`, which runs the server. The main thread of this process becomes the server's front thread. */
import type { CommandRow } from "../command-row.js";
import { loadServerProgram } from "../server-program.js";

/** Starts the server with all arguments. The server parses them itself, and has its own help and exit codes. */
export async function startServer(argv: readonly string[]): Promise<void> {
  const { runServer } = await loadServerProgram();
  await runServer([...argv]);
}

export const SERVE_COMMANDS: readonly CommandRow[] = [
  {
    words: ["serve"],
    about: "Start the server; serve --help shows its flags.",
    examples: ["serve", "serve --bind 0.0.0.0:9800"],
    run: async () => {
      await startServer([]);
      return 0;
    },
  },
];
