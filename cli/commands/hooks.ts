/** Implements `hooks list`, which shows what the server has seen of clients' hooks. Runs in the CLI process. */
import type { CommandRow } from "../command-row.js";

export const HOOKS_COMMANDS: readonly CommandRow[] = [
  {
    words: ["hooks", "list"],
    about: "Show the clients' last hook events, which agents wait, and which edits were denied again and again.",
    examples: ["hooks list"],
    method: "GET",
    path: "/api/hooks",
  },
];
