/** Reads of the audit log. Run in the pool, or on the front where they are short. */
import type { AuditListRequest, AuditSummaryRequest } from "../../schemas/audit.js";
import { encodeArray } from "../base/json-array.js";
import { formatTime } from "../base/time.js";
import type { ReadContext } from "../store/read-context.js";
import { listAudit, summarizeAudit, type AuditRow } from "./table.js";

export function listAuditEntries(context: ReadContext, request: AuditListRequest): Iterable<string> {
  return encodeArray(listAudit(context.db, request).map(encodeEntry));
}

function encodeEntry({ id, at, actor, action, resource, detail, outcome }: AuditRow): string {
  return JSON.stringify({ id, timestamp: formatTime(at), actor, action, resource, detail, outcome });
}

export function auditSummary(context: ReadContext, request: AuditSummaryRequest): string {
  const summary = summarizeAudit(context.db, request);
  return JSON.stringify({
    total_entries: summary.total,
    action_counts: Object.fromEntries(summary.actions),
    outcome_counts: Object.fromEntries(summary.outcomes),
    unique_actors: summary.actors,
    unique_resources: summary.resources,
  });
}
