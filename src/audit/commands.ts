/** The rows of calls that were refused before they reached their own method. Runs in the writer. */
import * as Type from "typebox";
import { AuditRefusalRequest } from "../../schemas/audit.js";
import { changesAny, named } from "../threads/changes.js";
import { writerMethod } from "../threads/writer-method.js";
import { auditTrail } from "./table.js";

export const refuseCall = writerMethod({
  name: "audit.refuse",
  request: AuditRefusalRequest,
  reply: Type.Null(),
  weight: ({ action, resource, detail }) => action.length + resource.length + detail.length,
  audit: null,
  changes: [
    changesAny(
      "audit",
      named(({ resource }: AuditRefusalRequest) => resource),
    ),
  ],
  models: { audit: auditTrail },
  run: ({ audit }, { action, resource, detail }, { now_ms, actor }) => {
    audit.append(now_ms, actor, action, resource, detail, "error");
    return null;
  },
});
