/** Implements `changes`, which prints changes on the server as they happen. Runs in the CLI process. */
import type { CommandRow } from "../command-row.js";
import { CliFailure } from "../failure.js";

export const CHANGES_COMMANDS: readonly CommandRow[] = [
  {
    words: ["changes"],
    about: "Print each change of stored data as it happens, one on a line, until stopped.",
    examples: ["changes", "changes --kinds state,lease"],
    flags: [{ name: "kinds", kind: "text", value: "A,B", about: "only changes of these kinds, e.g. state,lease" }],
    endpoints: ["GET /api/changes"],
    run: async (args, context) => {
      const settings = context.settings();
      if (settings instanceof CliFailure) return settings;
      // The module is loaded only by this command.
      const { followChanges } = await import("../change-feed.js");
      return await followChanges(settings, args.text("kinds"));
    },
  },
];
