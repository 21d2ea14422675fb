/** Writes the audit rows of rejected calls. Runs in the writer. */
import * as Type from "typebox";
import { AuditCountRequest, AuditRefusalReply, AuditRefusalRequest } from "../../../schemas/audit.js";
import { changes, reportAny, reportByName } from "../../platform/threads/changes.js";
import { writerMethod } from "../../platform/threads/writer-method.js";
import { auditTrail } from "./table.js";

const models = { audit: auditTrail };

export const refuseCall = writerMethod({
  name: "audit.refuse",
  request: AuditRefusalRequest,
  reply: AuditRefusalReply,
  weight: ({ action, resource, detail }) => action.length + resource.length + detail.length,
  audit: null,
  changes: [
    changes(
      "audit",
      reportByName(({ resource }: AuditRefusalRequest) => resource),
    ),
  ],
  models,
  run: ({ audit }, { action, resource, detail }, { nowMs, actor }) => ({
    id: audit.append(nowMs, actor, action, resource, detail, "error"),
    at: nowMs,
  }),
});

/** Stores the current counts of rows. A call that is repeated with the same counts changes nothing. */
export const countRefusals = writerMethod({
  name: "audit.count",
  request: AuditCountRequest,
  reply: Type.Null(),
  weight: ({ rows }) => rows.length * 3 * Float64Array.BYTES_PER_ELEMENT,
  audit: null,
  changes: [changes("audit", reportAny)],
  models,
  run: ({ audit }, { rows }) => {
    for (const { id, at, count } of rows) audit.setCount(id, at, count);
    return null;
  },
});
