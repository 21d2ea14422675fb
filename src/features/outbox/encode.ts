/** Encodes webhooks and the bodies of deliveries as JSON. Pure. */
import { formatTime } from "../../base/time.js";
import type { LoggedDelivery } from "../../../schemas/webhooks.js";
import type { DeadLetterRow } from "./dead-letters.js";
import { hostOf, withoutLocation } from "./hidden-address.js";
import type { WebhookStatus } from "./table.js";

/** The event from which a delivery's body is encoded. `data` is JSON text, and `created_at` is in ms. */
export interface DeliveredEvent {
  readonly id: number;
  readonly topic: string;
  readonly data: string;
  readonly source: string;
  readonly created_at: number;
}

/** Encodes a webhook for an instance. An instance may see the host of the webhook's URL, but not the URL. */
export function encodeWebhookForInstance(webhook: WebhookStatus): string {
  const { url, last_error } = webhook;
  return encodeWebhook({
    ...webhook,
    url: hostOf(url),
    last_error: last_error === null ? null : withoutLocation(last_error),
  });
}

/** Encodes a webhook without its secret. */
export function encodeWebhook(webhook: WebhookStatus): string {
  const { id, url, patterns, active, created_at, fail_count, last_fired, last_error, last_failure_at } = webhook;
  const fired = last_fired === null ? "" : `,"last_fired":"${formatTime(last_fired)}"`;
  const error = last_error === null ? "" : `,"last_error":${JSON.stringify(last_error)}`;
  const failed = last_failure_at === null ? "" : `,"last_failure_at":"${formatTime(last_failure_at)}"`;
  const counts = `,"pending":${webhook.pending},"dropped":${webhook.dropped ?? 0},"dead_letters":${webhook.dead_letters}`;
  return (
    `{"id":${JSON.stringify(id)},"url":${JSON.stringify(url)},"patterns":${patterns},"active":${active === 1}` +
    `,"created_at":"${formatTime(created_at)}","fail_count":${fail_count}${fired}${error}${failed}` +
    `${counts}${encodeFailing(webhook)}}`
  );
}

/**
 * Encodes the member `failing`, which describes the failures of the webhook's next event. Returns "" if the delivery of
 * that event has not failed. If the webhook is disabled, the member has no time of the next attempt.
 */
function encodeFailing({ active, head, head_event, head_since, head_tries, next_try_at }: WebhookStatus): string {
  if (head_event === null || head_event !== head) return "";
  const next = active === 1 && next_try_at !== null ? `,"next_try_at":"${formatTime(next_try_at)}"` : "";
  return (
    `,"failing":{"event_id":${head_event},"since":"${formatTime(head_since ?? 0)}",` +
    `"tries":${head_tries ?? 0}${next}}`
  );
}

/** Encodes an attempt of the delivery log. */
export function encodeLoggedDelivery({ at_ms, event, attempt, status, duration_ms, error }: LoggedDelivery): string {
  return (
    `{"at":"${formatTime(at_ms)}","event_id":${event},"attempt":${attempt}` +
    `,"outcome":"${error === null ? "delivered" : "failed"}"${status === null ? "" : `,"status":${status}`}` +
    `,"duration_ms":${duration_ms}${error === null ? "" : `,"error":${JSON.stringify(error)}`}}`
  );
}

/** Matches the topic at the beginning of a JSON body. */
const TOPIC = /^\{"topic":("(?:[^"\\]|\\.)*")/;

/** Encodes a dead letter. */
export function encodeDeadLetter({ event, beginning, bytes, at, attempts, error }: DeadLetterRow): string {
  return (
    `{"event_id":${event},"topic":${TOPIC.exec(beginning)?.[1] ?? '""'},"bytes":${bytes},"set_aside_at":"${formatTime(at)}"` +
    `,"attempts":${attempts},"error":${JSON.stringify(error)}}`
  );
}

/**
 * Encodes the body of a delivery. `data` is inserted as text, so that its numbers keep the digits that the publisher
 * wrote (1.0 stays 1.0).
 */
export function encodeDelivery({ id, topic, data, source, created_at }: DeliveredEvent): string {
  return (
    `{"topic":${JSON.stringify(topic)},"data":${data},"source":${JSON.stringify(source)}` +
    `,"event_id":${id},"created_at":"${formatTime(created_at)}"}`
  );
}
