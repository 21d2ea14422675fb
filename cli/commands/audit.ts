/** `audit`: who did what, and when. Runs in the command line's process. */
import type { CommandRow, Flag } from "../command-row.js";

const PERIOD: readonly Flag[] = [
  {
    name: "from",
    kind: "time",
    value: "TIME",
    about: "from this time on, e.g. 2026-02-09T14:30:00Z or 2h ago as 2h",
    query: "from",
  },
  { name: "to", kind: "time", value: "TIME", about: "up to this time", query: "to" },
];

export const AUDIT_COMMANDS: readonly CommandRow[] = [
  {
    words: ["audit"],
    about: "List what was done, newest first.",
    flags: [
      { name: "actor", kind: "text", value: "ID", about: "only what this instance did", query: "actor" },
      { name: "action", kind: "text", value: "ACTION", about: "only this action, e.g. state.put", query: "action" },
      ...PERIOD,
      { name: "limit", kind: "whole", value: "N", about: "at most so many entries, 50 by default", query: "limit" },
    ],
    method: "GET",
    path: "/api/audit",
  },
  {
    words: ["audit", "summary"],
    about: "Count what was done, by action and outcome.",
    flags: PERIOD,
    method: "GET",
    path: "/api/audit/summary",
  },
];
