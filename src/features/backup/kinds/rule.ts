/**
 * The kind of records for rules, with the status of each rule. rules/rule.ts validates the rules of requests and of
 * snapshots.
 */
import { RULE_STATUSES } from "../../../../schemas/rules.js";
import { Failure } from "../../../base/result.js";
import { readRule, RESTORED } from "../../rules/rule.js";
import { JSON_VALUE, rowKind, TEXT, TIME } from "./rows.js";

const STATUSES: ReadonlySet<unknown> = new Set(RULE_STATUSES);

export const RULE_KIND = rowKind({
  name: "rule",
  table: "rule",
  columns: {
    project: TEXT,
    rule_id: TEXT,
    severity: TEXT,
    match_type: TEXT,
    pattern: TEXT,
    message: TEXT,
    stack: TEXT,
    applies_to: JSON_VALUE,
    source: TEXT,
    status: TEXT,
    proposed_by: TEXT,
    context: TEXT,
    created_at: TIME,
  },
  left_out: ["size"],
  complete: (members) => {
    if (!STATUSES.has(members["status"])) return `status must be one of ${RULE_STATUSES.join(", ")}`;
    const rule = readRule(members, RESTORED);
    return rule instanceof Failure ? rule.message : [rule.size];
  },
  // Each restored set of rules gets a random version. Workers cache compiled rules by version, so they do not use the
  // rules of an earlier set.
  derived: {
    tables: ["rule_set"],
    fill: `INSERT INTO rule_set
      SELECT project, abs(random() % 4503599627370496) FROM (SELECT DISTINCT project FROM rule)`,
  },
  order: "project, rule_id",
});
