/** Implements `status`, which shows whether the server is up. Runs in the CLI process. */
import type { CommandRow } from "../command-row.js";

export const STATUS_COMMANDS: readonly CommandRow[] = [
  {
    words: ["status"],
    about: "Show whether the server is healthy, and its uptime.",
    examples: ["status", "status --server http://localhost:9801"],
    method: "GET",
    path: "/health",
    aboutServer: true,
  },
];
