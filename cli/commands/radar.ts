/**
 * Implements `radar …`, which shows conflicts between the changes of several checkouts before they are merged. The
 * modules are in cli/radar/, and each is loaded only by its command. Runs in the CLI process.
 */
import type { CommandRow, Flag } from "../command-row.js";

const WORKSPACE: Flag = {
  name: "workspace",
  kind: "text",
  value: "NAME",
  about: "the workspace; that of the folder by default",
  values: "workspace",
};

export const RADAR_COMMANDS: readonly CommandRow[] = [
  {
    words: ["radar"],
    about: "List the overlaps between the changes of the workspace's checkouts.",
    examples: ["radar", "radar --watch"],
    list: "overlaps",
    flags: [
      { name: "watch", kind: "switch", about: "print the list again after each change, until stopped" },
      { name: "checkout", kind: "text", value: "ID", about: "only overlaps of this checkout, as whoami names it" },
      WORKSPACE,
    ],
    endpoints: ["GET /api/radar", "GET /api/wait"],
    run: async (args, context) => await (await import("../radar/overlaps.js")).listOverlaps(args, context),
  },
  {
    words: ["radar", "report"],
    about: "Report the changes of this checkout, committed or not, and list its overlaps.",
    examples: ["radar report", "radar report --base release/2.0"],
    list: "overlaps",
    flags: [
      {
        name: "base",
        kind: "text",
        value: "REF",
        about: "the branch into which the changes will be merged; origin/HEAD, main or master by default",
      },
      WORKSPACE,
    ],
    endpoints: ["PUT /api/checkouts/{id}/changes"],
    run: async (args, context) => await (await import("../radar/report.js")).report(args, context),
  },
  {
    words: ["radar", "changes"],
    about: "Print the last report of a checkout: the files and lines that differ from its base.",
    examples: ["radar changes", "radar changes 5f2a90c41d7be386"],
    arguments: [{ name: "checkout", optional: true }],
    endpoints: ["GET /api/checkouts/{id}/changes"],
    run: async (args, context) => await (await import("../radar/overlaps.js")).printChanges(args, context),
  },
  {
    words: ["radar", "merge"],
    about:
      "Test the merge of two branches without changing anything, and list the files that conflict; exit 1 if any does.",
    examples: ["radar merge main feature/tax"],
    arguments: [{ name: "a" }, { name: "b" }],
    run: async (args, context) => await (await import("../radar/try-merge.js")).tryMerge(args, context),
  },
];
