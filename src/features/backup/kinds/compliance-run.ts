/** Records of kind `compliance_run`, with their ids. */
import { COUNTED, JSON_VALUE, rowKind, TEXT, TIME } from "./rows.js";

export const COMPLIANCE_RUN_KIND = rowKind({
  name: "compliance_run",
  table: "compliance_run",
  columns: {
    id: COUNTED,
    run_at: TIME,
    instance: ["instance_id", TEXT],
    project: TEXT,
    contract: TEXT,
    violations: JSON_VALUE,
  },
  complete: ({ violations }) => (Array.isArray(violations) ? [] : "violations must be an array"),
  order: "id",
  timed: "run_at",
});
