/** The jobs that read the audit log. They run in the pool; short reads run on the front. */
import { AuditList, AuditListRequest, AuditSummary, AuditSummaryRequest } from "../../../schemas/audit.js";
import { ListEnd } from "../../../schemas/common.js";
import { JsonText } from "../../../schemas/json-text.js";
import { cursor, encodeList } from "../../base/json-array.js";
import { formatTime } from "../../base/time.js";
import { DATABASE } from "../../platform/threads/model.js";
import { streamJob, unaryJob } from "../../platform/threads/pool-method.js";
import { countByTime, listEntries, summarizeEntries, type AuditRow, type TimeCounts } from "./table.js";

export const listAudit = streamJob({
  name: "audit.list",
  request: AuditListRequest,
  text: AuditList,
  reply: ListEnd,
  cost: "bounded",
  models: { db: DATABASE },
  *run({ db }, request) {
    return yield* encodeList(listEntries(db, request), {
      encode: encodeEntry,
      cursorOf: ({ id }) => cursor("before", id),
      limit: request.limit,
    });
  },
});

function encodeEntry({ id, at, actor, action, resource, detail, outcome, count }: AuditRow): string {
  const entry = { id, timestamp: formatTime(at), actor, action, resource, detail, outcome };
  return JSON.stringify(outcome === "error" ? { ...entry, count } : entry);
}

function encodeHistogram(counted: TimeCounts | null): object | null {
  if (counted === null) return null;
  const { fromMs, stepMs, success, error } = counted;
  return { from: formatTime(fromMs), step_ms: stepMs, success, error };
}

export const summarizeAudit = unaryJob({
  name: "audit.summary",
  request: AuditSummaryRequest,
  reply: JsonText(AuditSummary),
  cost: "bounded",
  models: { db: DATABASE },
  run: ({ db }, request) => {
    const summary = summarizeEntries(db, request);
    return JSON.stringify({
      total_entries: summary.total,
      action_counts: Object.fromEntries(summary.actions),
      outcome_counts: Object.fromEntries(summary.outcomes),
      unique_actors: summary.actors,
      unique_resources: summary.resources,
      ...(request.buckets === null ? {} : { histogram: encodeHistogram(countByTime(db, request, request.buckets)) }),
    });
  },
});
