/** Implements `status`, which shows whether the server is up. Runs in the CLI process. */
import type { CommandRow } from "../command-row.js";

export const STATUS_COMMANDS: readonly CommandRow[] = [
  {
    words: ["status"],
    about: "Show whether the server is healthy, and its uptime.",
    method: "GET",
    path: "/health",
    aboutServer: true,
  },
];
