/** Implements `compliance …`, which shows whether instances have kept to their contracts. Runs in the CLI process. */
import { COMPLIANCE_ROWS_DEFAULT } from "../../schemas/limits/compliance.js";
import type { CommandRow } from "../command-row.js";

export const COMPLIANCE_COMMANDS: readonly CommandRow[] = [
  {
    words: ["compliance", "history"],
    about: "List the results of the checks, newest first.",
    examples: ["compliance history --limit 20"],
    list: "compliance runs",
    flags: [
      {
        name: "instance_id",
        kind: "text",
        value: "ID",
        about: "only results of this instance",
        query: "instance_id",
        values: "instance",
      },
      { name: "limit", kind: "whole", value: "N", about: "at most N results, 50 by default", query: "limit" },
    ],
    method: "GET",
    path: "/api/compliance/history",
    parts: { rowsDefault: COMPLIANCE_ROWS_DEFAULT },
  },
  {
    words: ["compliance", "run"],
    about: "Check each active instance against its project's contracts now.",
    examples: ["compliance run"],
    list: "compliance check",
    method: "POST",
    path: "/api/compliance/run",
  },
];
