/** Section 14 of the wire contract over HTTP. Runs on the front. */
import { LABEL_BYTES_MAX, USAGE_ROWS_DEFAULT } from "../../schemas/limits.js";
import {
  USAGE_GROUP_DEFAULT,
  USAGE_REQUEST_TYPE_DEFAULT,
  UsageAnswer,
  UsageBody,
  UsageList,
  UsageListQuery,
  UsageSummary,
  UsageSummaryQuery,
  type UsageGroup,
  type UsageListRequest,
  type UsageRecordRequest,
} from "../../schemas/usage.js";
import type { Log } from "../base/log.js";
import { utf8Length } from "../base/path.js";
import { Failure, invalid } from "../base/result.js";
import { readReply } from "../front/chunked-reply.js";
import { jsonReply, type Answer, type Request, type Route } from "../front/route-table.js";
import type { RpcClient } from "../rpc/client.js";
import type { Reads } from "../rpc/reads.js";

export interface UsageRoutesOptions {
  readonly writer: RpcClient;
  readonly reads: Reads;
  readonly log: Log;
}

export function usageRoutes(options: UsageRoutesOptions): Route[] {
  const { reads } = options;
  const tag = "llm";
  return [
    {
      method: "POST",
      path: "/api/llm/usage",
      name: "usage.record",
      tag,
      summary: "Records what one call of a language model used.",
      body: { kind: "json", schema: UsageBody },
      answer: UsageAnswer,
      audit: { action: "llm.usage", resource: () => "" },
      handle: (request) => record(options, request),
    },
    {
      method: "GET",
      path: "/api/llm/usage",
      name: "usage.list",
      tag,
      summary: "Lists recorded usage, newest first.",
      query: UsageListQuery,
      answer: UsageList,
      handle: (request) => list(reads, request),
    },
    {
      method: "GET",
      path: "/api/llm/usage/summary",
      name: "usage.summary",
      tag,
      summary: "Sums usage up by instance, project, model or session tag.",
      query: UsageSummaryQuery,
      answer: UsageSummary,
      handle: (request) => summarize(reads, request),
    },
  ];
}

const LABELS = ["provider", "model", "instance_id", "project", "request_type", "session_tag"] as const;

async function record({ writer, log }: UsageRoutesOptions, { json, context }: Request): Promise<Answer> {
  const body = json as UsageBody;
  const usage: UsageRecordRequest = {
    provider: body.provider,
    model: body.model,
    instance_id: body.instance_id ?? context.actor,
    project: body.project ?? "",
    tokens_in: body.tokens_in ?? 0,
    tokens_out: body.tokens_out ?? 0,
    cost_usd: body.cost_usd ?? 0,
    request_type: body.request_type ?? USAGE_REQUEST_TYPE_DEFAULT,
    session_tag: body.session_tag ?? "",
  };
  for (const name of LABELS) {
    if (utf8Length(usage[name]) > LABEL_BYTES_MAX) return invalid(`${name} is longer than ${LABEL_BYTES_MAX} bytes`);
    if (!usage[name].isWellFormed()) return invalid(`${name} must be valid Unicode`);
  }
  const reply = await writer.request("usage.record", usage, context);
  if (reply instanceof Failure) return reply;
  log.info("llm usage recorded", {
    id: reply.id,
    model: usage.model,
    tokens_in: usage.tokens_in,
    tokens_out: usage.tokens_out,
  });
  return jsonReply(`{"id":${reply.id},"recorded":true}`);
}

/** One filter is applied, the first that is given; an empty one counts as not given. */
function filterOf({ query }: Request): UsageListRequest["filter"] {
  const names = [
    ["instance", "instance_id"],
    ["project", "project"],
    ["session_tag", "session_tag"],
  ] as const;
  for (const [name, by] of names) {
    const value = query[name];
    if (typeof value === "string" && value !== "") return { by, value };
  }
  return null;
}

function list(reads: Reads, request: Request): Answer | Promise<Answer> {
  const number = (name: string): number | null => (request.query[name] as number | undefined) ?? null;
  const limit = number("limit") ?? USAGE_ROWS_DEFAULT;
  // Each filter has its index, so the read looks at the rows that it answers and no more.
  return readReply(
    reads.run(
      "usage.list",
      { filter: filterOf(request), from: number("from"), to: number("to"), limit },
      request.context,
      limit,
    ),
  );
}

async function summarize(reads: Reads, { query }: Request): Promise<Answer> {
  const number = (name: string): number | null => (query[name] as number | undefined) ?? null;
  const group_by = (query["group_by"] as UsageGroup | undefined) ?? USAGE_GROUP_DEFAULT;
  const answer = await reads.pool.run("usage.summary", { group_by, from: number("from"), to: number("to") });
  return answer instanceof Failure ? answer : jsonReply(answer);
}
