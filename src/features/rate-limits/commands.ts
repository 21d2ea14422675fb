/** Declares the writer methods of rate limits. Runs in the writer thread. */
import * as Type from "typebox";
import { JsonText } from "../../../schemas/json-text.js";
import { EndLimitsReply, RateLimit, RemoveLimitRequest, ReportLimitRequest } from "../../../schemas/rate-limits.js";
import { Failure } from "../../base/result.js";
import { weightOf } from "../../platform/rpc/method.js";
import { changesByModel } from "../../platform/threads/changes.js";
import { noDetail, writerMethod } from "../../platform/threads/writer-method.js";
import { showLimit } from "./rate-limit.js";
import { rateLimitRegistry } from "./registry.js";

const common = {
  weight: weightOf,
  changes: [changesByModel("rate_limit"), changesByModel("event")],
  models: { limits: rateLimitRegistry },
} as const;

/** Stores a reported rate limit. Returns it as clients see it. */
export const reportRateLimit = writerMethod({
  ...common,
  name: "rate_limit.report",
  request: ReportLimitRequest,
  reply: JsonText(RateLimit),
  audit: {
    action: "rate_limit.report",
    resource: ({ account = "" }) => account,
    detail: ({ provider, until, reason }) => JSON.stringify({ provider, until, reason }),
  },
  run: ({ limits }, request, call) => {
    const row = limits.report(request, call);
    return row instanceof Failure ? row : JSON.stringify(showLimit(row));
  },
});

export const removeRateLimit = writerMethod({
  ...common,
  name: "rate_limit.remove",
  request: RemoveLimitRequest,
  reply: Type.Null(),
  audit: { action: "rate_limit.remove", resource: ({ id = 0 }) => String(id), detail: noDetail },
  run: ({ limits }, request, call) => limits.remove(request, call),
});

/** Removes the rate limits that have ended. The claims that wait because of them then continue. */
export const endRateLimits = writerMethod({
  ...common,
  name: "rate_limit.end",
  request: Type.Object({}),
  reply: EndLimitsReply,
  weight: () => 0,
  audit: null,
  inCluster: "leader",
  run: ({ limits }, _request, call) => ({ ids: limits.end(call) }),
});
