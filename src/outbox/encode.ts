/** What leaves: a webhook as clients see it, and the body of a delivery. Pure. */
import { formatTime } from "../base/time.js";
import type { LoggedDelivery } from "../../schemas/webhooks.js";
import type { DeadLetterRow } from "./dead-letters.js";
import { hostOf, withoutLocation } from "./hidden-address.js";
import type { WebhookStatus } from "./table.js";

/** What the body of a delivery is made of: `data` is JSON text, `created_at` in ms. */
export interface DeliveredEvent {
  readonly id: number;
  readonly topic: string;
  readonly data: string;
  readonly source: string;
  readonly created_at: number;
}

/** The webhook as an instance sees it: of the address its host alone. */
export function encodeWebhookForInstance(webhook: WebhookStatus): string {
  const { url, last_error } = webhook;
  return encodeWebhook({
    ...webhook,
    url: hostOf(url),
    last_error: last_error === null ? null : withoutLocation(last_error),
  });
}

/** The secret is not in it. */
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

/** Of a webhook that is off nothing is tried again. */
function encodeFailing({ active, head, head_event, head_since, head_tries, next_try_at }: WebhookStatus): string {
  if (head_event === null || head_event !== head) return "";
  const next = active === 1 && next_try_at !== null ? `,"next_try_at":"${formatTime(next_try_at)}"` : "";
  return (
    `,"failing":{"event_id":${head_event},"since":"${formatTime(head_since ?? 0)}",` +
    `"tries":${head_tries ?? 0}${next}}`
  );
}

/** A try of the log. */
export function encodeLoggedDelivery({ at_ms, event, attempt, status, duration_ms, error }: LoggedDelivery): string {
  return (
    `{"at":"${formatTime(at_ms)}","event_id":${event},"attempt":${attempt}` +
    `,"outcome":"${error === null ? "delivered" : "failed"}"${status === null ? "" : `,"status":${status}`}` +
    `,"duration_ms":${duration_ms}${error === null ? "" : `,"error":${JSON.stringify(error)}`}}`
  );
}

/** The topic that a body begins with, as JSON. */
const TOPIC = /^\{"topic":("(?:[^"\\]|\\.)*")/;

/** An event that was set aside. */
export function encodeDeadLetter({ event, beginning, bytes, at, attempts, error }: DeadLetterRow): string {
  return (
    `{"event_id":${event},"topic":${TOPIC.exec(beginning)?.[1] ?? '""'},"bytes":${bytes},"set_aside_at":"${formatTime(at)}"` +
    `,"attempts":${attempts},"error":${JSON.stringify(error)}}`
  );
}

/** The publisher's digits are kept: `data` is text and stays it. */
export function encodeDelivery({ id, topic, data, source, created_at }: DeliveredEvent): string {
  return (
    `{"topic":${JSON.stringify(topic)},"data":${data},"source":${JSON.stringify(source)}` +
    `,"event_id":${id},"created_at":"${formatTime(created_at)}"}`
  );
}
