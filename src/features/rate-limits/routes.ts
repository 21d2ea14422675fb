/** Declares the routes of docs/http-api.md "Rate limits". Runs on the front. */
import {
  RateLimit,
  RateLimitBody,
  RateLimitDeleted,
  RateLimitId,
  RateLimitList,
  type ReportLimitRequest,
} from "../../../schemas/rate-limits.js";
import { RATE_LIMIT_S_MAX } from "../../../schemas/limits/rate-limits.js";
import { SECOND_MS } from "../../../shared/duration.js";
import type { Clock } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import { Failure, invalid } from "../../base/result.js";
import { jsonReply } from "../../platform/front/reply.js";
import { mayAll } from "../../platform/front/roles.js";
import { route, type Route } from "../../platform/front/route.js";
import type { Writer } from "../../platform/threads/writer.js";
import type { Directory } from "../instances/directory.js";
import { refuseAccount } from "../instances/front-account.js";
import { accountOf } from "../instances/lineage.js";
import { removeRateLimit, reportRateLimit } from "./commands.js";
import type { RateLimitProjection } from "./projection.js";
import { showLimit } from "./rate-limit.js";

export interface RateLimitRoutesOptions {
  /** Whether the server requires tokens. */
  readonly guarded: boolean;
  readonly writer: Writer;
  readonly limits: RateLimitProjection;
  readonly directory: Pick<Directory, "get">;
  readonly clock: Clock;
  readonly log: Log;
}

export function rateLimitRoutes({ guarded, writer, limits, directory, clock, log }: RateLimitRoutesOptions): Route[] {
  const tag = "llm";
  const path = "/api/llm/limits";
  return [
    route({
      method: "POST",
      path,
      name: "rate_limit.report",
      tag,
      summary: "Reports that a provider limits the rate of an account.",
      body: { kind: "json", schema: RateLimitBody },
      answer: RateLimit,
      statuses: [403, 429],
      audited: { by: reportRateLimit },
      handle: async ({ json, caller, context }) => {
        const { account = accountOf(directory.get(context.actor), (id) => directory.get(id)) } = json;
        if (account === null) return invalid("account is required: the caller's is not known");
        const refused = refuseAccount(guarded, caller, account, directory);
        if (refused !== null) return refused;
        const until = untilOf(json, clock.now());
        if (until instanceof Failure) return until;
        const { provider, reason = "" } = json;
        const request: ReportLimitRequest = { provider, account, until, reason, reported_by: context.actor };
        const text = await writer.request(reportRateLimit, request, context);
        if (text instanceof Failure) return text;
        log.info("rate limit reported", { provider, account });
        return jsonReply(text);
      },
    }),
    route({
      method: "GET",
      path,
      name: "rate_limit.list",
      tag,
      summary: "Lists the current rate limits of accounts.",
      answer: RateLimitList,
      handle: () => jsonReply(JSON.stringify({ limits: limits.inForce(clock.now()).map(showLimit) })),
    }),
    route({
      method: "DELETE",
      path: `${path}/{id}`,
      params: { id: RateLimitId },
      name: "rate_limit.remove",
      tag,
      summary: "Ends a rate limit early.",
      answer: RateLimitDeleted,
      statuses: [403, 404],
      audited: { by: removeRateLimit, subject: ([id]) => ({ id: Number(id) }) },
      handle: async ({ params: [text], caller, context }) => {
        const id = Number(text);
        const by = mayAll(guarded, caller) ? null : caller.actor;
        const reply = await writer.request(removeRateLimit, { id, by }, context);
        return reply instanceof Failure ? reply : jsonReply(JSON.stringify({ deleted: id }));
      },
    }),
  ];
}

/** Returns the end of a reported rate limit, in ms. */
function untilOf({ until, retry_after_s }: RateLimitBody, nowMs: number): number | Failure {
  if ((until === undefined) === (retry_after_s === undefined)) return invalid("give either until or retry_after_s");
  const untilMs = until === undefined ? nowMs + (retry_after_s ?? 0) * SECOND_MS : Date.parse(until);
  if (untilMs <= nowMs) return invalid("until must be in the future");
  if (untilMs > nowMs + RATE_LIMIT_S_MAX * SECOND_MS)
    return invalid(`until must be at most ${RATE_LIMIT_S_MAX} seconds ahead`);
  return untilMs;
}
