/** The kind of records for rate limits. A record keeps its id. */
import { COUNTED, rowKind, TEXT, TIME } from "./rows.js";

export const RATE_LIMIT_KIND = rowKind({
  name: "rate_limit",
  table: "rate_limit",
  columns: {
    id: COUNTED,
    provider: TEXT,
    account: TEXT,
    until: TIME,
    reason: TEXT,
    reported_by: TEXT,
    reported_at: TIME,
  },
  order: "id",
});
