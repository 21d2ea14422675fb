/** Recording usage: the row and its event in one transaction. Runs in the writer. */
import type { UsageRecordReply, UsageRecordRequest } from "../../schemas/usage.js";
import type { WriteContext } from "../store/write-context.js";
import { encodeUsage } from "./encode.js";

export const TOPIC_RECORDED = "llm.usage.recorded";

export function recordUsage(context: WriteContext, request: UsageRecordRequest): UsageRecordReply {
  const row = context.usage.append(request, context.now_ms);
  context.publish(TOPIC_RECORDED, encodeUsage(row), context.actor);
  return { id: row.id };
}
