/** Defines the shapes of docs/http-api.md "Rate limits" and of the RPC methods for rate limits. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { Timestamp } from "./common.js";
import { ACCOUNT_CHARACTERS_MAX, RATE_LIMIT_REASON_CHARACTERS_MAX, RATE_LIMIT_S_MAX } from "./limits/rate-limits.js";
import { Name, Text } from "./text.js";

export const RateLimitBody = Type.Object({
  provider: Name(ACCOUNT_CHARACTERS_MAX),
  account: Type.Optional(Name(ACCOUNT_CHARACTERS_MAX, "The caller's own by default.")),
  until: Type.Optional(Timestamp),
  retry_after_s: Type.Optional(Type.Integer({ minimum: 1, maximum: RATE_LIMIT_S_MAX })),
  reason: Type.Optional(Text({ charactersMax: RATE_LIMIT_REASON_CHARACTERS_MAX, line: true })),
});
export type RateLimitBody = Static<typeof RateLimitBody>;

export const RateLimitId = Text({
  charactersMax: 15,
  required: true,
  pattern: { source: "^[1-9][0-9]{0,14}$", says: "must be the id of a rate limit" },
});

export const RateLimit = Type.Object({
  id: Type.Integer({ minimum: 1 }),
  provider: Type.String(),
  account: Type.String(),
  until: Timestamp,
  reason: Type.String(),
  reported_by: Type.String({ description: "The id of an instance; empty if no instance reported it." }),
  reported_at: Timestamp,
});
export type RateLimit = Static<typeof RateLimit>;
export const RateLimitList = Type.Object({ limits: Type.Array(RateLimit) });
export const RateLimitDeleted = Type.Object({ deleted: Type.Integer() });

/** A rate limit because of which a claim gets no task. */
export const HeldByLimit = Type.Object({
  limit: Type.Integer({ minimum: 1 }),
  provider: Type.String(),
  account: Type.String(),
  ends_at: Timestamp,
});
export type HeldByLimit = Static<typeof HeldByLimit>;

/** Stores a rate limit. `until`, the end of the rate limit, is in ms. */
export const ReportLimitRequest = Type.Object({
  provider: Type.String(),
  account: Type.String(),
  until: Type.Integer(),
  reason: Type.String(),
  reported_by: Type.String(),
});
export type ReportLimitRequest = Static<typeof ReportLimitRequest>;
/**
 * Removes a rate limit. `by` is the id of an instance, which may remove only the rate limits that it has reported. If
 * `by` is null, the caller may remove any rate limit.
 */
export const RemoveLimitRequest = Type.Object({ id: Type.Integer(), by: Type.Union([Type.String(), Type.Null()]) });
export type RemoveLimitRequest = Static<typeof RemoveLimitRequest>;
export const EndLimitsReply = Type.Object({ ids: Type.Array(Type.Integer()) });
