/** Records of kind `audit`, with their ids. */
import { COUNTED, rowKind, sparse, TEXT, TIME, WHOLE } from "./rows.js";

export const AUDIT_KIND = rowKind({
  name: "audit",
  table: "audit",
  columns: {
    id: COUNTED,
    at: ["timestamp", TIME],
    actor: TEXT,
    action: TEXT,
    resource: TEXT,
    detail: TEXT,
    outcome: TEXT,
    count: sparse(WHOLE),
  },
  order: "id",
  timed: "at",
});
