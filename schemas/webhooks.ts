/** Defines the shapes of docs/http-api.md "Webhooks" and of the outbox's RPC methods. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { NonNegative, Timestamp } from "./common.js";
import { TopicPattern } from "./events.js";
import {
  WEBHOOK_DEAD_LETTERS_MAX,
  WEBHOOK_ERROR_CHARS_MAX,
  WEBHOOK_ID_BYTES_MAX,
  WEBHOOK_LOG_ROWS,
  WEBHOOK_PATTERNS_MAX,
  WEBHOOK_QUEUE_ROWS_MAX,
  WEBHOOK_SECRET_BYTES_MAX,
  WEBHOOKS_MAX,
} from "./limits/webhooks.js";
import { Name, Text } from "./text.js";
import { HttpUrl } from "./url.js";

/** The topic of a test delivery. Its event id is 0. */
export const WEBHOOK_TEST_TOPIC = "webhook.test";

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
    Text({ charactersMax: WEBHOOK_SECRET_BYTES_MAX, description: "Signs the deliveries; never shown again." }),
  ),
});
export type WebhookBody = Static<typeof WebhookBody>;

const LastError = Type.String({
  maxLength: WEBHOOK_ERROR_CHARS_MAX,
  description: "Why a delivery failed last, or why the webhook was turned off.",
});

/** The event at the head of a webhook's queue. It is shown only if an attempt to deliver it has failed. */
const FailingEvent = Type.Object({
  event_id: Type.Integer({ minimum: 1 }),
  since: Timestamp,
  tries: NonNegative,
  next_try_at: Type.Optional(Timestamp),
});

export const Webhook = Type.Object({
  id: Type.String(),
  url: Type.String({ description: "An instance sees only the host, because an address may be a secret." }),
  patterns: Type.Array(Type.String()),
  active: Type.Boolean(),
  created_at: Timestamp,
  fail_count: NonNegative,
  last_fired: Type.Optional(Timestamp),
  last_error: Type.Optional(LastError),
  last_failure_at: Type.Optional(Timestamp),
  pending: Type.Integer({ minimum: 0, description: `Events that wait for it; at most ${WEBHOOK_QUEUE_ROWS_MAX}.` }),
  dropped: Type.Integer({ minimum: 0, description: "Events that were lost because its queue or list was full." }),
  dead_letters: Type.Integer({ minimum: 0, description: "Events that were set aside." }),
  failing: Type.Optional(FailingEvent),
});
export const WebhookList = Type.Array(Webhook);
export const WebhookDeleted = Type.Object({ deleted: Type.String() });
export const WebhookTested = Type.Object({ tested: Type.String(), status: Type.Literal("ok") });

/** Selects the webhooks after an id. */
export const WebhookListQuery = Type.Object({
  after: Type.Optional(Type.String({ description: "Only webhooks whose id comes after this one." })),
});
export const WebhookSkipQuery = Type.Object({
  event_id: Type.Optional(
    Type.Integer({ minimum: 1, description: "Only if this event is the one being tried; otherwise 409." }),
  ),
});
export type WebhookSkipQuery = Static<typeof WebhookSkipQuery>;
const EventId = Type.Integer({ minimum: 1 });
export const WebhookSkipped = Type.Object({ id: Type.String(), skipped: EventId });
export const WebhookResent = Type.Object({ id: Type.String(), sent: EventId });
export const WebhookDiscarded = Type.Object({ id: Type.String(), discarded: EventId });

/** One attempt to deliver an event. `attempt` is its number, counted from 1 for each event. */
export const WebhookDelivery = Type.Object({
  at: Timestamp,
  event_id: EventId,
  attempt: Type.Integer({ minimum: 1 }),
  outcome: Type.Enum(["delivered", "failed"]),
  status: Type.Optional(
    Type.Integer({ description: "The status of the receiver's answer; absent if there was none." }),
  ),
  duration_ms: NonNegative,
  error: Type.Optional(LastError),
});
export const WebhookDeliveryList = Type.Array(WebhookDelivery, { maxItems: WEBHOOK_LOG_ROWS });

/** A dead letter: an event that has left the webhook's queue without being delivered. */
export const DeadLetter = Type.Object({
  event_id: EventId,
  topic: Type.String(),
  bytes: NonNegative,
  set_aside_at: Timestamp,
  attempts: NonNegative,
  error: LastError,
});
export const DeadLetterList = Type.Array(DeadLetter, { maxItems: WEBHOOK_DEAD_LETTERS_MAX });
/** The body of the HTTP request that delivers an event to a webhook. */
export const DeliveryBody = Type.Object({
  topic: Type.String(),
  data: Type.Unknown(),
  source: Type.String(),
  event_id: EventId,
  created_at: Timestamp,
});

export const WebhookCreateRequest = Type.Object({
  id: Type.String(),
  url: Type.String(),
  patterns: Type.Array(Type.String()),
  secret: Type.String(),
});
export type WebhookCreateRequest = Static<typeof WebhookCreateRequest>;
export const WebhookIdRequest = Type.Object({ id: Type.String() });
export type WebhookIdRequest = Static<typeof WebhookIdRequest>;

/** A failed delivery: its time in ms and its error. */
export const WebhookFailure = Type.Object({ at_ms: NonNegative, error: LastError });
export type WebhookFailure = Static<typeof WebhookFailure>;

/** The state of the event at the head of a webhook's queue. `next_ms` is the time of the next attempt to deliver it. */
export const WebhookHead = Type.Object({
  event: EventId,
  since_ms: NonNegative,
  tries: NonNegative,
  spent: NonNegative,
  next_ms: NonNegative,
});
export type WebhookHead = Static<typeof WebhookHead>;

/** An event that has become a dead letter, with the error of the last attempt. */
export const SetAside = Type.Object({ event: EventId, at_ms: NonNegative, attempts: NonNegative, error: LastError });
export type SetAside = Static<typeof SetAside>;

/** A stored delivery attempt. `error` is null if the event was delivered. */
export const LoggedDelivery = Type.Object({
  at_ms: NonNegative,
  event: EventId,
  attempt: Type.Integer({ minimum: 1 }),
  status: Type.Union([Type.Integer(), Type.Null()]),
  duration_ms: NonNegative,
  error: Type.Union([LastError, Type.Null()]),
});
export type LoggedDelivery = Static<typeof LoggedDelivery>;

/**
 * The progress of the deliveries to a webhook since the previous report.
 *
 * Every event of the queue up to `delivered` was delivered or is in `set_aside`. `epoch` is the number of times that
 * the webhook was enabled. Failures from an earlier epoch do not count. `fail_count` is the number of consecutive
 * failures. `fired_at` is the time of the last delivery.
 *
 * `head` is the state of the event at the head of the queue. `log` has the attempts since the previous report, and
 * `failure` is the last failed attempt.
 */
export const WebhookProgress = Type.Object({
  webhook: Type.Integer({ minimum: 1 }),
  epoch: NonNegative,
  delivered: NonNegative,
  fail_count: NonNegative,
  fired_at: Type.Union([NonNegative, Type.Null()]),
  head: Type.Union([WebhookHead, Type.Null()]),
  log: Type.Array(LoggedDelivery),
  set_aside: Type.Array(SetAside),
  failure: Type.Optional(WebhookFailure),
});
export type WebhookProgress = Static<typeof WebhookProgress>;
/** The report of the progress of several webhooks. `guarded` says whether the server requires tokens. */
export const WebhookProgressRequest = Type.Object({
  receivers: Type.Array(WebhookProgress, { maxItems: WEBHOOKS_MAX }),
  guarded: Type.Boolean(),
});
export type WebhookProgressRequest = Static<typeof WebhookProgressRequest>;

/** Skips the event with this id. If `event` is null, skips the event at the head of the queue. */
export const WebhookSkipRequest = Type.Object({ id: Type.String(), event: Type.Union([EventId, Type.Null()]) });
/** Stores the result of another attempt to deliver a dead letter. */
export const WebhookResendRequest = Type.Object({ id: Type.String(), event: EventId, delivery: LoggedDelivery });
export const WebhookDiscardRequest = Type.Object({ id: Type.String(), event: EventId });

const Rows = Type.Array(Type.Integer({ minimum: 1 }));

/** The push message with the changes of the outbox in a commit. */
export const OutboxPush = Type.Object({
  /** The rows of the webhooks that have more events to deliver. */
  queued: Rows,
  /** The rows of the webhooks that were created, enabled, disabled or deleted. */
  changed: Rows,
  /** The webhooks in `changed` that were disabled because a chain of deliveries was too long. */
  chained: Type.Array(Type.Object({ id: Type.String(), fail_count: NonNegative, reason: Type.String() })),
  /** The number of waiting deliveries of all webhooks together. */
  rows: NonNegative,
  /**
   * The number of events that were dropped since the last push message, because the queue of a matching webhook was
   * full.
   */
  dropped: NonNegative,
});
export type OutboxPush = Static<typeof OutboxPush>;
