/**
 * Records LLM usage. The row, its event and the changed sums of budgets are stored in one transaction. Runs in the
 * writer.
 */
import type { ServerTopic } from "../../../schemas/events.js";
import { UsageRecordReply, UsageRecordRequest } from "../../../schemas/usage.js";
import { Failure } from "../../base/result.js";
import { budgetRegistry } from "../budgets/registry.js";
import { idempotencyRecords } from "../idempotency/records.js";
import { publisher } from "../events/publisher.js";
import { weightOf } from "../../platform/rpc/method.js";
import { changes, changesByModel, reportByName } from "../../platform/threads/changes.js";
import { writerMethod } from "../../platform/threads/writer-method.js";
import { taskParties } from "../evidence/task-parties.js";
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
    writesRow: ({ made }) => made,
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
    changesByModel("budget"),
  ],
  models: {
    usage: usageAppender,
    events: publisher,
    budgets: budgetRegistry,
    parties: taskParties,
    requests: idempotencyRecords,
  },
  run: ({ usage, events, budgets, parties, requests }, request, call) => {
    const { request_id: requestId = null, request_hash: hash = "", cost_usd: cost, owns = true } = request;
    const known = requests.find("usage", call.actor, requestId, call.nowMs, hash);
    if (known instanceof Failure) return known;
    if (known !== undefined) return { id: Number(known), made: false };
    const row = usage.append(request, call.nowMs);
    requests.store("usage", call.actor, requestId, String(row.id), call.nowMs, hash);
    events.publish({ topic: TOPIC_RECORDED, data: encodeUsage(row), source: call.actor }, call);
    // An agent may give its report any tag. But the report counts towards the budgets of a task only if the task is the
    // agent's own.
    const { session_tag: tag } = row;
    const task = owns || (budgets.countsTasks && parties.isParty(tag, row.instance_id)) ? tag : "";
    const report = { instance: row.instance_id, task, tokens: row.tokens_in + row.tokens_out };
    budgets.charge({ ...report, cost: (request.priced ?? cost > 0) ? cost : null }, call);
    return { id: row.id, made: true };
  },
});
