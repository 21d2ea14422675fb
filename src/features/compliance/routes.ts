/** Declares the routes of docs/http-api.md "Compliance". compliance/monitor.ts runs the checks. Runs on the front. */
import { ComplianceCheck, ComplianceHistory, ComplianceQuery } from "../../../schemas/compliance.js";
import { COMPLIANCE_ROWS_DEFAULT } from "../../../schemas/limits/compliance.js";
import { listReply } from "../../platform/front/reply.js";
import { route, type Route } from "../../platform/front/route.js";
import type { Reads } from "../../platform/threads/reads.js";
import { checkNow } from "./front.js";
import { complianceHistory } from "./jobs.js";
import type { ComplianceMonitor } from "./monitor.js";

export interface ComplianceRoutesOptions {
  readonly monitor: ComplianceMonitor;
  readonly reads: Reads;
}

export function complianceRoutes({ monitor, reads }: ComplianceRoutesOptions): Route[] {
  const tag = "compliance";
  return [
    route({
      method: "POST",
      path: "/api/compliance/run",
      name: "compliance.run",
      tag,
      needs: "server",
      summary: "Checks each active instance against its project's contracts now.",
      answer: ComplianceCheck,
      statuses: [507],
      handle: () => checkNow(monitor),
    }),
    route({
      method: "GET",
      path: "/api/compliance/history",
      name: "compliance.history",
      tag,
      summary: "Reads the results of compliance checks, newest first.",
      query: ComplianceQuery,
      answer: ComplianceHistory,
      handle: ({ query: { instance_id = "", before = null, limit = COMPLIANCE_ROWS_DEFAULT }, context }) => {
        const request = { instance_id: instance_id === "" ? null : instance_id, before, limit };
        return listReply(reads.stream(complianceHistory, request, context, limit));
      },
    }),
  ];
}
