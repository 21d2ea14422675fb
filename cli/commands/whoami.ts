/**
 * Implements `whoami`, which shows the instance, the workspace and the server of commands in this folder. Runs in the
 * CLI process.
 */
import type { CommandRow } from "../command-row.js";

export const WHOAMI_COMMANDS: readonly CommandRow[] = [
  {
    words: ["whoami"],
    about: "Show the workspace, checkout, instance and server of commands here, and where each was found.",
    examples: ["whoami"],
    flags: [
      {
        name: "workspace",
        kind: "text",
        value: "NAME",
        about: "this workspace instead of the folder's, as --workspace of other commands",
        values: "workspace",
      },
    ],
    endpoints: ["GET /api/instances/{id}"],
    run: async (args, context) => {
      // The module is loaded only by this command.
      const { whoami } = await import("../whoami.js");
      return await whoami(args, context);
    },
  },
];
