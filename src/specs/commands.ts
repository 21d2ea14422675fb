/** Writes to the specs. Run in the writer; the versions themselves are versioned/commands.ts. */
import { specName } from "../../schemas/specs.js";
import { DeleteReply, DeleteRequest, PutRequest, RollbackRequest, WriteReply } from "../../schemas/versioned.js";
import { unpackBytes } from "../base/bytes.js";
import { Failure } from "../base/result.js";
import { changes } from "../threads/changes.js";
import { writerMethod } from "../threads/writer-method.js";
import { conditionWeight, rollbackDetail, versionDetail, versionedWriter } from "../versioned/commands.js";
import { SPECS } from "../versioned/space.js";

export const specWriter = versionedWriter(SPECS);
const models = { specs: specWriter };
const changed = [changes("spec", ({ key }: { readonly key: string }) => [key])];

function resource({ key = "" }: { readonly key?: string }): string {
  return specName(key);
}

export const putSpec = writerMethod({
  name: "spec.put",
  request: PutRequest,
  reply: WriteReply,
  weight: ({ key, value, condition }) => key.length + value.length + conditionWeight(condition),
  audit: { action: "spec.put", resource, detail: versionDetail },
  changes: changed,
  models,
  run: ({ specs }, { key, value, content_type, condition }, { now_ms, actor }) =>
    specs.put(key, unpackBytes(value), content_type, condition, now_ms, actor),
});

export const rollbackSpec = writerMethod({
  name: "spec.rollback",
  request: RollbackRequest,
  reply: WriteReply,
  weight: ({ key, condition }) => key.length + conditionWeight(condition),
  audit: { action: "spec.rollback", resource, detail: rollbackDetail },
  changes: changed,
  models,
  run: ({ specs }, { key, version, condition }, { now_ms, actor }) =>
    specs.rollback(key, version, condition, now_ms, actor),
});

export const deleteSpec = writerMethod({
  name: "spec.delete",
  request: DeleteRequest,
  reply: DeleteReply,
  weight: ({ key, condition }) => key.length + conditionWeight(condition),
  audit: { action: "spec.delete", resource, detail: versionDetail },
  changes: changed,
  models,
  run: ({ specs }, { key, condition }) => {
    const reply = specs.delete(key, condition);
    return reply instanceof Failure ? reply : { version: reply.version };
  },
});
