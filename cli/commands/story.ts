/**
 * Implements `at`, which reads state, leases or tasks as they were at an earlier time. Also implements `story`, which
 * prints a report of a period in Markdown. Only these commands load the modules in cli/story/. Runs in the CLI process.
 */
import type { CommandRow, Flag } from "../command-row.js";
import { PERIOD_FLAGS } from "../period-flags.js";

const WORKSPACE: Flag = {
  name: "workspace",
  kind: "text",
  value: "NAME",
  about: "only events of this workspace",
  values: "workspace",
};

export const STORY_COMMANDS: readonly CommandRow[] = [
  {
    words: ["at"],
    about: "Read state, leases or tasks as they were at a time in the past.",
    examples: ["at 2h leases", "at 2026-02-09T14:30:00Z state plans/build", "at 30m tasks --state claimed"],
    arguments: [
      { name: "time" },
      { name: "what", shown: "state|leases|tasks", values: ["state", "leases", "tasks"] },
      { name: "key", optional: true, values: "state" },
    ],
    flags: [
      { ...WORKSPACE, about: "only leases or tasks of this workspace" },
      {
        name: "state",
        kind: "text",
        value: "STATE",
        about: "only leases or tasks in this state, or all; leases: held by default",
      },
      { name: "prefix", kind: "text", value: "TEXT", about: "only keys that begin with it", values: "state" },
      { name: "after", kind: "text", value: "ID", about: "only entries after this key, lease or task" },
      { name: "limit", kind: "whole", value: "N", about: "at most N entries" },
    ],
    endpoints: [
      "GET /api/at/{time}/state",
      "GET /api/at/{time}/state/{key...}",
      "GET /api/at/{time}/leases",
      "GET /api/at/{time}/tasks",
    ],
    run: async (args, context) => await (await import("../story/at.js")).readPast(args, context),
  },
  {
    words: ["story"],
    about: "Print the story of a period as Markdown: its tasks, files and agents; the last 24 hours by default.",
    examples: ["story --from 8h", "story --from 2026-02-09T08:00:00Z --to 2026-02-09T18:00:00Z --workspace orders-api"],
    flags: [...PERIOD_FLAGS.map(({ query: _query, ...flag }) => flag), WORKSPACE],
    endpoints: ["GET /api/events/history", "GET /api/instances", "GET /api/audit"],
    run: async (args, context) => await (await import("../story/story.js")).printStory(args, context),
  },
];
