/** Writes to the state store. Run in the writer; the versions themselves are versioned/commands.ts. */
import { DeleteReply, DeleteRequest, PutRequest, RollbackRequest, WriteReply } from "../../schemas/versioned.js";
import { unpackBytes } from "../base/bytes.js";
import { Failure } from "../base/result.js";
import { publisher, type Publisher } from "../events/publisher.js";
import { changes } from "../threads/changes.js";
import { SETTINGS } from "../threads/model.js";
import { writerMethod, type WriteCall } from "../threads/writer-method.js";
import { conditionWeight, rollbackDetail, versionDetail, versionedWriter } from "../versioned/commands.js";
import { STATE } from "../versioned/space.js";

export const TOPIC_UPDATED = "koor.state.updated";
export const TOPIC_DELETED = "koor.state.deleted";

export const stateWriter = versionedWriter(STATE);
const models = { state: stateWriter, settings: SETTINGS, events: publisher };
const changed = [changes("state", ({ key }: { readonly key: string }) => [key])];

function resource({ key = "" }: { readonly key?: string }): string {
  return key;
}

/** Tells of a change where the settings ask for it. */
function announce(
  { settings, events }: { readonly settings: { readonly state_events: boolean }; readonly events: Publisher },
  topic: string,
  of: { readonly key: string; readonly version: number; readonly hash: string },
  call: WriteCall,
): void {
  if (settings.state_events) events.publish({ topic, data: JSON.stringify(of), source: call.actor }, call);
}

export const putState = writerMethod({
  name: "state.put",
  request: PutRequest,
  reply: WriteReply,
  weight: ({ key, value, condition }) => key.length + value.length + conditionWeight(condition),
  audit: { action: "state.put", resource, detail: versionDetail },
  changes: changed,
  models,
  run: (opened, { key, value, content_type, condition }, call) => {
    const reply = opened.state.put(key, unpackBytes(value), content_type, condition, call.now_ms, call.actor);
    if (reply instanceof Failure) return reply;
    announce(opened, TOPIC_UPDATED, { key, version: reply.version, hash: reply.hash }, call);
    return reply;
  },
});

export const rollbackState = writerMethod({
  name: "state.rollback",
  request: RollbackRequest,
  reply: WriteReply,
  weight: ({ key, condition }) => key.length + conditionWeight(condition),
  audit: { action: "state.rollback", resource, detail: rollbackDetail },
  changes: changed,
  models,
  run: (opened, { key, version, condition }, call) => {
    const reply = opened.state.rollback(key, version, condition, call.now_ms, call.actor);
    if (reply instanceof Failure) return reply;
    announce(opened, TOPIC_UPDATED, { key, version: reply.version, hash: reply.hash }, call);
    return reply;
  },
});

export const deleteState = writerMethod({
  name: "state.delete",
  request: DeleteRequest,
  reply: DeleteReply,
  weight: ({ key, condition }) => key.length + conditionWeight(condition),
  audit: { action: "state.delete", resource, detail: versionDetail },
  changes: changed,
  models,
  run: (opened, { key, condition }, call) => {
    const reply = opened.state.delete(key, condition);
    if (reply instanceof Failure) return reply;
    announce(opened, TOPIC_DELETED, { key, version: reply.version, hash: reply.hash.toString("hex") }, call);
    return { version: reply.version };
  },
});
