/** Section 9 of the wire contract: webhooks, and what the outbox's RPC methods exchange. */
import { Type, type Static } from "typebox";
import { NonNegative, Timestamp } from "./common.js";
import { WEBHOOK_ID_BYTES_MAX, WEBHOOK_PATTERNS_MAX, WEBHOOKS_MAX } from "./limits.js";

export const WebhookBody = Type.Object({
  id: Type.String({ minLength: 1, description: `At most ${WEBHOOK_ID_BYTES_MAX} bytes.` }),
  url: Type.String({ minLength: 1, description: "http or https." }),
  patterns: Type.Optional(
    Type.Array(Type.String(), {
      maxItems: WEBHOOK_PATTERNS_MAX,
      description: "Topic patterns; every topic by default.",
    }),
  ),
  secret: Type.Optional(Type.String({ description: "Signs the deliveries; never shown again." })),
});
export type WebhookBody = Static<typeof WebhookBody>;

export const Webhook = Type.Object({
  id: Type.String(),
  url: Type.String(),
  patterns: Type.Array(Type.String()),
  active: Type.Boolean(),
  created_at: Timestamp,
  fail_count: NonNegative,
  last_fired: Type.Optional(Timestamp),
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
/** A webhook as its answer's JSON text. */
export const WebhookTextReply = Type.Object({ text: Type.String() });
export type WebhookTextReply = Static<typeof WebhookTextReply>;

/**
 * How far a webhook's lane has come: what was delivered (all of its queue up to this event id), failures
 * in a row now, and when something was delivered last. `epoch` counts how often it was enabled: failures
 * that were counted before do not count after.
 */
export const WebhookProgress = Type.Object({
  webhook: Type.Integer({ minimum: 1 }),
  epoch: NonNegative,
  delivered: NonNegative,
  fail_count: NonNegative,
  fired_at: Type.Union([NonNegative, Type.Null()]),
});
export type WebhookProgress = Static<typeof WebhookProgress>;
export const WebhookProgressRequest = Type.Object({ lanes: Type.Array(WebhookProgress, { maxItems: WEBHOOKS_MAX }) });
export type WebhookProgressRequest = Static<typeof WebhookProgressRequest>;

/** What a commit did to the outbox, told to the front. */
export interface OutboxNotice {
  /** Webhooks, by row, that have more to deliver. */
  readonly queued: readonly number[];
  /** Webhooks, by row, that were made, enabled, disabled or deleted. */
  readonly changed: readonly number[];
  /** Deliveries that wait, of all webhooks. */
  readonly rows: number;
  /** Events that a webhook wanted and that found its queue full, since the last notice. */
  readonly dropped: number;
}
