/** The kind of records for LLM usage. A record is one report about the use of a language model. It keeps its id. */
import { COUNTED, NUMBER, rowKind, TEXT, TIME, WHOLE } from "./rows.js";

export const USAGE_KIND = rowKind({
  name: "usage",
  table: "llm_usage",
  columns: {
    id: COUNTED,
    created_at: TIME,
    instance_id: TEXT,
    project: TEXT,
    session_tag: TEXT,
    provider: TEXT,
    model: TEXT,
    request_type: TEXT,
    tokens_in: WHOLE,
    tokens_out: WHOLE,
    cost_usd: NUMBER,
  },
  order: "id",
  timed: "created_at",
});
