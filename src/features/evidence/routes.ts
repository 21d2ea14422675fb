/** Declares the routes of docs/http-api.md "Evidence". front.ts handles the requests. Runs on the front. */
import { WorkspaceHeader } from "../../../schemas/common.js";
import { Evidence, EvidenceBody, EvidenceList, EvidenceQuery } from "../../../schemas/evidence.js";
import { route, type Route } from "../../platform/front/route.js";
import { recordEvidence } from "./commands.js";
import type { EvidenceFront } from "./front.js";

export function evidenceRoutes(evidence: EvidenceFront): Route[] {
  const tag = "evidence";
  return [
    route({
      method: "POST",
      path: "/api/evidence",
      name: "evidence.record",
      tag,
      summary: "Records that a command ran, how it ended and on which files.",
      headers: { "x-koor-workspace": WorkspaceHeader },
      body: { kind: "json", schema: EvidenceBody },
      answer: Evidence,
      statuses: [403, 404],
      forCi: true,
      audited: {
        by: recordEvidence,
        subject: (_params, json) => (typeof json?.task === "string" ? { task: json.task } : {}),
      },
      handle: (request) => evidence.record(request),
    }),
    route({
      method: "GET",
      path: "/api/evidence",
      name: "evidence.list",
      tag,
      summary: "Lists records of commands, newest first.",
      query: EvidenceQuery,
      answer: EvidenceList,
      forCi: true,
      handle: ({ query, context }) => evidence.list(query, context),
    }),
    route({
      method: "GET",
      path: "/api/evidence/{id}",
      name: "evidence.get",
      tag,
      summary: "Reads a record of a command, with the end of its output.",
      answer: Evidence,
      statuses: [404],
      forCi: true,
      handle: ({ params: [id] }) => evidence.get(id),
    }),
  ];
}
