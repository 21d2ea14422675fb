/** Declares the routes of docs/http-api.md "LLM usage". Runs on the front. */
import { USAGE_ROWS_DEFAULT } from "../../../schemas/limits/usage.js";
import {
  USAGE_GROUP_DEFAULT,
  USAGE_REQUEST_TYPE_DEFAULT,
  UsageAnswer,
  UsageBody,
  UsageList,
  UsageListQuery,
  UsageSummary,
  UsageSummaryQuery,
  type UsageListRequest,
} from "../../../schemas/usage.js";
import type { Log } from "../../base/log.js";
import { Failure } from "../../base/result.js";
import { jsonReply, listReply } from "../../platform/front/reply.js";
import { authorOf, mayAll } from "../../platform/front/roles.js";
import { route, type Answer, type Request, type Route } from "../../platform/front/route.js";
import type { Reads } from "../../platform/threads/reads.js";
import type { Writer } from "../../platform/threads/writer.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import { hashRequest } from "../idempotency/hash.js";
import { recordUsage } from "./commands.js";
import { listUsage, summarizeUsage } from "./jobs.js";

export interface UsageRoutesOptions {
  /** Whether the server requires tokens. */
  readonly guarded: boolean;
  readonly writer: Writer;
  readonly reads: Reads;
  readonly leases: Pick<LeaseProjection, "of">;
  readonly log: Log;
}

export function usageRoutes(options: UsageRoutesOptions): Route[] {
  const { reads } = options;
  const tag = "llm";
  return [
    route({
      method: "POST",
      path: "/api/llm/usage",
      name: "usage.record",
      tag,
      summary: "Records the usage of one call of a language model.",
      body: { kind: "json", schema: UsageBody },
      answer: UsageAnswer,
      statuses: [409],
      audited: { by: recordUsage },
      handle: ({ json, caller, context }) => record(options, json, { caller, context }),
    }),
    route({
      method: "GET",
      path: "/api/llm/usage",
      name: "usage.list",
      tag,
      summary: "Lists recorded usage, newest first.",
      query: UsageListQuery,
      answer: UsageList,
      handle: ({ query, context }) => {
        const { from = null, to = null, before = null, limit = USAGE_ROWS_DEFAULT } = query;
        // Read the list on the front. Each filter has an index, so the job reads only the rows that it returns.
        return listReply(reads.stream(listUsage, { filter: filterOf(query), from, to, before, limit }, context, limit));
      },
    }),
    route({
      method: "GET",
      path: "/api/llm/usage/summary",
      name: "usage.summary",
      tag,
      summary: "Sums usage up by instance, project, model or session tag, and by hours or days.",
      query: UsageSummaryQuery,
      answer: UsageSummary,
      handle: ({ query, context }) => {
        const { group_by = USAGE_GROUP_DEFAULT, from = null, to = null, after = null, interval = null } = query;
        return listReply(reads.pool.stream(summarizeUsage, { group_by, from, to, after, interval }, context));
      },
    }),
  ];
}

async function record(
  { guarded, writer, leases, log }: UsageRoutesOptions,
  body: UsageBody,
  { caller, context }: Pick<Request, "caller" | "context">,
): Promise<Answer> {
  const { provider, model, project = "", request_id = null } = body;
  const { tokens_in = 0, tokens_out = 0, cost_usd = 0, request_type = USAGE_REQUEST_TYPE_DEFAULT } = body;
  const instanceId = authorOf(guarded, { caller, context }, body.instance_id);
  const usage = {
    provider,
    model,
    instance_id: instanceId,
    project,
    tokens_in,
    tokens_out,
    cost_usd,
    request_type,
    session_tag: body.session_tag ?? onlyTaskOf(leases, instanceId),
    owns: mayAll(guarded, caller),
    priced: body.cost_usd !== undefined,
    request_id,
    request_hash: hashRequest(UsageBody, body),
  };
  const reply = await writer.request(recordUsage, usage, context);
  if (reply instanceof Failure) return reply;
  if (reply.made) log.info("llm usage recorded", { id: reply.id, model, tokens_in, tokens_out });
  return jsonReply(`{"id":${reply.id},"recorded":true}`);
}

/** Returns the id of the task that an instance holds; "" if it holds none or several. */
function onlyTaskOf(leases: Pick<LeaseProjection, "of">, instance: string): string {
  const held: string[] = [];
  for (const { task, state } of leases.of(instance)) if (task !== null && state === "held") held.push(task);
  return held.length === 1 ? (held[0] ?? "") : "";
}

/** Returns the first filter of the request. An empty filter counts as missing. */
function filterOf({
  instance = "",
  project = "",
  session_tag = "",
}: {
  readonly instance?: string;
  readonly project?: string;
  readonly session_tag?: string;
}): UsageListRequest["filter"] {
  if (instance !== "") return { by: "instance_id", value: instance };
  if (project !== "") return { by: "project", value: project };
  return session_tag === "" ? null : { by: "session_tag", value: session_tag };
}
