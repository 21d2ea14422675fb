/** Writes to the specs. Run in the writer; the versions themselves are versioned/commands.ts. */
import type { DeleteReply, DeleteRequest, PutRequest, RollbackRequest, WriteReply } from "../../schemas/versioned.js";
import { Failure } from "../base/result.js";
import { unpackBytes } from "../base/bytes.js";
import type { WriteContext } from "../store/write-context.js";

export function putSpec(context: WriteContext, request: PutRequest): WriteReply | Failure {
  return context.specs.put(
    request.key,
    unpackBytes(request.value),
    request.content_type,
    request.condition,
    context.now_ms,
    context.actor,
  );
}

export function rollbackSpec(context: WriteContext, request: RollbackRequest): WriteReply | Failure {
  return context.specs.rollback(request.key, request.version, request.condition, context.now_ms, context.actor);
}

export function deleteSpec(context: WriteContext, request: DeleteRequest): DeleteReply | Failure {
  const reply = context.specs.delete(request.key, request.condition);
  return reply instanceof Failure ? reply : { version: reply.version };
}
