/** Records LLM usage. The row and its event are stored in one transaction. Runs in the writer. */
import type { ServerTopic } from "../../../schemas/events.js";
import { UsageRecordReply, UsageRecordRequest } from "../../../schemas/usage.js";
import { publisher } from "../events/publisher.js";
import { weightOf } from "../../platform/rpc/method.js";
import { changes, changesByModel, reportByName } from "../../platform/threads/changes.js";
import { writerMethod } from "../../platform/threads/writer-method.js";
import { encodeUsage } from "./encode.js";
import { usageAppender } from "./table.js";

export const TOPIC_RECORDED = "llm.usage.recorded" satisfies ServerTopic;

export const recordUsage = writerMethod({
  name: "usage.record",
  request: UsageRecordRequest,
  reply: UsageRecordReply,
  weight: weightOf,
  audit: {
    action: "llm.usage",
    resource: (_request, reply) => (reply === null ? "" : String(reply.id)),
    detail: ({ provider, model, tokens_in, tokens_out, cost_usd }) =>
      JSON.stringify({ provider, model, tokens_in, tokens_out, cost_usd }),
  },
  changes: [
    changes(
      "usage",
      reportByName(
        ({ project }: UsageRecordRequest) => project,
        ({ id }: UsageRecordReply) => id,
      ),
    ),
    changesByModel("event"),
  ],
  models: { usage: usageAppender, events: publisher },
  run: ({ usage, events }, request, call) => {
    const row = usage.append(request, call.nowMs);
    events.publish({ topic: TOPIC_RECORDED, data: encodeUsage(row), source: call.actor }, call);
    return { id: row.id };
  },
});
