/** The kind of records for commands that ran. A record keeps its id, because the marks of edits refer to it. */
import { SEEN_BY } from "../../../../schemas/evidence.js";
import { COUNTED, later, nullable, NUMBER, rowKind, TEXT, TIME, WHOLE } from "./rows.js";
import type { SnapshotRecord } from "../kind.js";

/** Checks the members of a record. Code that reads evidence from the database relies on these checks. */
function problemOf({ seen_by: seenBy }: SnapshotRecord["members"]): string | readonly [] {
  return SEEN_BY.some((known) => known === seenBy) ? [] : `seen_by must be one of ${SEEN_BY.join(", ")}`;
}

export const EVIDENCE_KIND = rowKind({
  name: "evidence",
  table: "evidence",
  columns: {
    id: COUNTED,
    at: TIME,
    workspace: TEXT,
    task: nullable(TEXT),
    instance_id: nullable(TEXT),
    name: TEXT,
    seen_by: TEXT,
    client: TEXT,
    command: TEXT,
    exit_code: nullable(NUMBER),
    duration_ms: nullable(WHOLE),
    tree_before: nullable(TEXT),
    tree_after: nullable(TEXT),
    head: nullable(TEXT),
    checkout: nullable(TEXT),
    tail: nullable(TEXT),
    registrant: later(nullable(TEXT)),
  },
  complete: problemOf,
  order: "id",
  timed: "at",
});
