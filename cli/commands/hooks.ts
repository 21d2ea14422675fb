/**
 * Implements `hooks …`, which shows the hook calls that the server has seen, and makes the reports that hooks start.
 * Runs in the CLI process.
 */
import type { CommandRow } from "../command-row.js";

export const HOOKS_COMMANDS: readonly CommandRow[] = [
  {
    words: ["hooks", "list"],
    about: "Show the clients' last hook events, which agents wait, and which edits were denied again and again.",
    examples: ["hooks list"],
    method: "GET",
    path: "/api/hooks",
  },
  {
    words: ["hooks", "report"],
    about: "Report a checkout's changes and a session's usage, as hooks start it in the background.",
    examples: ["hooks report"],
    endpoints: ["PUT /api/checkouts/{id}/changes", "POST /api/llm/usage"],
    run: async (_args, context) => await (await import("../transcripts/hook-report.js")).reportForHook(context),
  },
];
