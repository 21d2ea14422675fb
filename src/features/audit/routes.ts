/** Declares the routes of docs/http-api.md "Audit". Runs on the front. */
import { AuditList, AuditQuery, AuditSummary, AuditSummaryQuery } from "../../../schemas/audit.js";
import { AUDIT_ROWS_DEFAULT } from "../../../schemas/limits/audit.js";
import { laterReply, listReply } from "../../platform/front/reply.js";
import { route, type Answer, type Route } from "../../platform/front/route.js";
import { callerOf } from "../../platform/rpc/frames.js";
import type { Reads } from "../../platform/threads/reads.js";
import { listAudit, summarizeAudit } from "./jobs.js";
import type { RefusalLog } from "./refusal-log.js";

/**
 * Returns the routes of the audit log.
 * @param refusals stores the counts in memory before the log is read
 */
export function auditRoutes(reads: Reads, refusals: Pick<RefusalLog, "settle">): Route[] {
  const tag = "audit";
  return [
    route({
      method: "GET",
      path: "/api/audit",
      name: "audit.list",
      tag,
      summary: "Reads the audit log, newest first.",
      query: AuditQuery,
      answer: AuditList,
      forCi: true,
      handle: ({ query, context }) => {
        const {
          actor = null,
          action = null,
          from = null,
          to = null,
          before = null,
          limit = AUDIT_ROWS_DEFAULT,
        } = query;
        // A query with a filter may read any number of rows that do not match, so its cost does not depend on its
        // limit.
        const rows = actor === null && action === null ? limit : Number.POSITIVE_INFINITY;
        const read = (): Answer | Promise<Answer> =>
          listReply(reads.stream(listAudit, { actor, action, from, to, before, limit }, context, rows));
        const settling = refusals.settle();
        return settling === null ? read() : settling.then(read);
      },
    }),
    route({
      method: "GET",
      path: "/api/audit/summary",
      name: "audit.summary",
      tag,
      summary: "Counts the audit log's entries, with `buckets` also over time.",
      query: AuditSummaryQuery,
      answer: AuditSummary,
      handle: ({ query: { actor = null, action = null, from = null, to = null, buckets = null }, context }) => {
        const request = { actor, action, from, to, buckets };
        return laterReply(reads.pool.run(summarizeAudit, request, { caller: callerOf(context) }));
      },
    }),
  ];
}
