/** Implements `top`, a live screen that shows what the agents are doing. Runs in the CLI process. */
import type { CommandRow } from "../command-row.js";

export const TOP_COMMANDS: readonly CommandRow[] = [
  {
    words: ["top"],
    about: "Show agents, leases with their queues, tasks, events and refusals on a live screen.",
    examples: ["top", "top --once --view leases"],
    flags: [
      { name: "once", kind: "switch", about: "print one frame as text, also without a terminal" },
      {
        name: "view",
        kind: "text",
        value: "agents|leases|tasks|events|refusals",
        about: "the view to begin with, agents by default",
      },
    ],
    run: async (args, context) => {
      // The module is loaded only by this command.
      const { top } = await import("../top/top.js");
      return await top(args, context);
    },
  },
];
