/** Implements `audit`, which reads the audit log: actions with their actors and times. Runs in the CLI process. */
import { AUDIT_ROWS_DEFAULT } from "../../schemas/limits/audit.js";
import type { CommandRow, Flag } from "../command-row.js";
import { PERIOD_FLAGS } from "../period-flags.js";

const FILTER_FLAGS: readonly Flag[] = [
  {
    name: "actor",
    kind: "text",
    value: "ID",
    about: "only actions of this instance",
    query: "actor",
    values: "instance",
  },
  { name: "action", kind: "text", value: "ACTION", about: "only this action, e.g. state.put", query: "action" },
  ...PERIOD_FLAGS,
];

export const AUDIT_COMMANDS: readonly CommandRow[] = [
  {
    words: ["audit"],
    about: "List the audit log, newest first.",
    examples: ["audit --limit 20", "audit --action state.put --from 1h"],
    list: "audit",
    flags: [
      ...FILTER_FLAGS,
      { name: "limit", kind: "whole", value: "N", about: "at most N entries, 50 by default", query: "limit" },
    ],
    method: "GET",
    path: "/api/audit",
    parts: { rowsDefault: AUDIT_ROWS_DEFAULT },
  },
  {
    words: ["audit", "summary"],
    about: "Count the audit log's entries by action and outcome, and over time.",
    examples: ["audit summary --from 24h", "audit summary --action lease.break --buckets 24"],
    flags: [
      ...FILTER_FLAGS,
      { name: "buckets", kind: "whole", value: "N", about: "count over time, in at most N buckets", query: "buckets" },
    ],
    method: "GET",
    path: "/api/audit/summary",
  },
];
