/** docs/http-api.md "Webhooks": webhooks, and what the outbox's RPC methods exchange. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { NonNegative, Timestamp } from "./common.js";
import { TopicPattern } from "./events.js";
import {
  WEBHOOK_ERROR_CHARS_MAX,
  WEBHOOK_ID_BYTES_MAX,
  WEBHOOK_PATTERNS_MAX,
  WEBHOOK_SECRET_BYTES_MAX,
  WEBHOOKS_MAX,
} from "./limits.js";
import { Name, Text } from "./text.js";
import { HttpUrl } from "./url.js";

export const WebhookBody = Type.Object({
  id: Name(WEBHOOK_ID_BYTES_MAX, `At most ${WEBHOOK_ID_BYTES_MAX} bytes.`),
  url: HttpUrl("http or https."),
  patterns: Type.Optional(
    Type.Array(TopicPattern, {
      maxItems: WEBHOOK_PATTERNS_MAX,
      description: "Topic patterns; every topic by default.",
    }),
  ),
  secret: Type.Optional(
    Text({ bytes_max: WEBHOOK_SECRET_BYTES_MAX, description: "Signs the deliveries; never shown again." }),
  ),
});
export type WebhookBody = Static<typeof WebhookBody>;

const LastError = Type.String({
  maxLength: WEBHOOK_ERROR_CHARS_MAX,
  description: "Why a delivery failed last, or what it was turned off for.",
});

export const Webhook = Type.Object({
  id: Type.String(),
  url: Type.String(),
  patterns: Type.Array(Type.String()),
  active: Type.Boolean(),
  created_at: Timestamp,
  fail_count: NonNegative,
  last_fired: Type.Optional(Timestamp),
  last_error: Type.Optional(LastError),
  last_failure_at: Type.Optional(Timestamp),
});
export const WebhookList = Type.Array(Webhook);
export const WebhookDeleted = Type.Object({ deleted: Type.String() });
export const WebhookTested = Type.Object({ tested: Type.String(), status: Type.Literal("ok") });

export const WebhookCreateRequest = Type.Object({
  id: Type.String(),
  url: Type.String(),
  patterns: Type.Array(Type.String()),
  secret: Type.String(),
});
export type WebhookCreateRequest = Static<typeof WebhookCreateRequest>;
export const WebhookIdRequest = Type.Object({ id: Type.String() });
export type WebhookIdRequest = Static<typeof WebhookIdRequest>;

/** A failed delivery: when, in ms, and why. */
export const WebhookFailure = Type.Object({ at_ms: NonNegative, error: LastError });
export type WebhookFailure = Static<typeof WebhookFailure>;

/**
 * How far deliveries to a webhook have come: what was delivered (all of its queue up to this event id), failures
 * in a row now, when something was delivered last, and the last failure, where there was one since the last word.
 * `epoch` counts how often it was enabled: failures that were counted before do not count after.
 */
export const WebhookProgress = Type.Object({
  webhook: Type.Integer({ minimum: 1 }),
  epoch: NonNegative,
  delivered: NonNegative,
  fail_count: NonNegative,
  fired_at: Type.Union([NonNegative, Type.Null()]),
  failure: Type.Optional(WebhookFailure),
});
export type WebhookProgress = Static<typeof WebhookProgress>;
export const WebhookProgressRequest = Type.Object({
  receivers: Type.Array(WebhookProgress, { maxItems: WEBHOOKS_MAX }),
});
export type WebhookProgressRequest = Static<typeof WebhookProgressRequest>;

const Rows = Type.Array(Type.Integer({ minimum: 1 }));

/** What a commit did to the outbox, told to the front. */
export const OutboxNotice = Type.Object({
  /** Webhooks, by row, that have more to deliver. */
  queued: Rows,
  /** Webhooks, by row, that were made, enabled, disabled or deleted. */
  changed: Rows,
  /** Of them, those that were disabled because a chain of deliveries was too long. */
  chained: Type.Array(Type.Object({ id: Type.String(), fail_count: NonNegative, reason: Type.String() })),
  /** Deliveries that wait, of all webhooks. */
  rows: NonNegative,
  /** Events that a webhook wanted and that found its queue full, since the last notice. */
  dropped: NonNegative,
});
export type OutboxNotice = Static<typeof OutboxNotice>;
