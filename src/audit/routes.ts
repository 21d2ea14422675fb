/** Section 12 of the wire contract over HTTP. Runs on the front. */
import { AuditList, AuditQuery, AuditSummary, AuditSummaryQuery } from "../../schemas/audit.js";
import { AUDIT_ROWS_DEFAULT } from "../../schemas/limits.js";
import { Failure } from "../base/result.js";
import { readReply } from "../front/chunked-reply.js";
import { jsonReply, type Answer, type Request, type Route } from "../front/route-table.js";
import type { Reads } from "../rpc/reads.js";

export function auditRoutes(reads: Reads): Route[] {
  const tag = "audit";
  return [
    {
      method: "GET",
      path: "/api/audit",
      name: "audit.list",
      tag,
      summary: "Reads the audit log, newest first.",
      query: AuditQuery,
      answer: AuditList,
      handle: (request) => list(reads, request),
    },
    {
      method: "GET",
      path: "/api/audit/summary",
      name: "audit.summary",
      tag,
      summary: "Counts the audit log's entries.",
      query: AuditSummaryQuery,
      answer: AuditSummary,
      handle: (request) => summarize(reads, request),
    },
  ];
}

function list(reads: Reads, { query, context }: Request): Answer | Promise<Answer> {
  const text = (name: string): string | null => (query[name] as string | undefined) ?? null;
  const number = (name: string): number | null => (query[name] as number | undefined) ?? null;
  const limit = number("limit") ?? AUDIT_ROWS_DEFAULT;
  const request = { actor: text("actor"), action: text("action"), from: number("from"), to: number("to"), limit };
  // A filter may pass over any number of rows.
  const rows = request.actor === null && request.action === null ? limit : Number.POSITIVE_INFINITY;
  return readReply(reads.run("audit.list", request, context, rows));
}

async function summarize(reads: Reads, { query }: Request): Promise<Answer> {
  const number = (name: string): number | null => (query[name] as number | undefined) ?? null;
  const answer = await reads.pool.run("audit.summary", { from: number("from"), to: number("to") });
  return answer instanceof Failure ? answer : jsonReply(answer);
}
