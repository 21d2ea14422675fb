/** Writes to the state store. Runs in the writer; the versions themselves are versioned/commands.ts. */
import type { DeleteReply, DeleteRequest, PutRequest, RollbackRequest, WriteReply } from "../../schemas/versioned.js";
import { Failure } from "../base/result.js";
import { unpackBytes } from "../base/bytes.js";
import type { WriteContext } from "../store/write-context.js";

export const TOPIC_UPDATED = "koor.state.updated";
export const TOPIC_DELETED = "koor.state.deleted";

export function putState(context: WriteContext, request: PutRequest): WriteReply | Failure {
  const reply = context.state.put(
    request.key,
    unpackBytes(request.value),
    request.content_type,
    request.condition,
    context.now_ms,
    context.actor,
  );
  if (!(reply instanceof Failure)) announce(context, TOPIC_UPDATED, request.key, reply.version, reply.hash);
  return reply;
}

export function rollbackState(context: WriteContext, request: RollbackRequest): WriteReply | Failure {
  const reply = context.state.rollback(request.key, request.version, request.condition, context.now_ms, context.actor);
  if (!(reply instanceof Failure)) announce(context, TOPIC_UPDATED, request.key, reply.version, reply.hash);
  return reply;
}

export function deleteState(context: WriteContext, request: DeleteRequest): DeleteReply | Failure {
  const reply = context.state.delete(request.key, request.condition);
  if (reply instanceof Failure) return reply;
  announce(context, TOPIC_DELETED, request.key, reply.version, reply.hash.toString("hex"));
  return { version: reply.version };
}

function announce(context: WriteContext, topic: string, key: string, version: number, hash: string): void {
  if (!context.settings.state_events) return;
  context.publish(topic, JSON.stringify({ key, version, hash }), context.actor);
}
