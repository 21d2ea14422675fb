/**
 * Implements `status`, which shows whether the server is up. Also implements `openapi` and `asyncapi`, which print
 * descriptions of the server's API. Runs in the CLI process.
 */
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
  {
    words: ["openapi"],
    about: "Print the OpenAPI description of the server's API.",
    examples: ["openapi"],
    method: "GET",
    path: "/openapi.json",
  },
  {
    words: ["asyncapi"],
    about: "Print the AsyncAPI description of the server's events, changes and webhooks.",
    examples: ["asyncapi"],
    method: "GET",
    path: "/asyncapi.json",
  },
];
