/**
 * Implements `hooks …`. One command lists the hook calls that the server has received. Another one sends the reports
 * that hooks start in the background. Runs in the CLI process.
 */
import type { CommandRow } from "../command-row.js";

export const HOOKS_COMMANDS: readonly CommandRow[] = [
  {
    words: ["hooks", "list"],
    about: "Show the clients' last hook events, the agents that wait, and the edits that were denied repeatedly.",
    examples: ["hooks list"],
    method: "GET",
    path: "/api/hooks",
  },
  {
    words: ["hooks", "report"],
    about: "Report a checkout's changes and a session's usage; hooks run this in the background.",
    examples: ["hooks report"],
    endpoints: ["PUT /api/checkouts/{id}/changes", "POST /api/llm/usage"],
    run: async (_args, context) => await (await import("../transcripts/hook-report.js")).reportForHook(context),
  },
];
