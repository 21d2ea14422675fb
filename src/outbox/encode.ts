/** What leaves: a webhook as clients see it, and the body of a delivery. Pure. */
import { formatTime } from "../base/time.js";
import type { WebhookRow } from "./table.js";

/** What the body of a delivery is made of: `data` is JSON text, `created_at` in ms. */
export interface DeliveredEvent {
  readonly id: number;
  readonly topic: string;
  readonly data: string;
  readonly source: string;
  readonly created_at: number;
}

/** The secret is not in it. */
export function encodeWebhook(webhook: WebhookRow): string {
  const { id, url, patterns, active, created_at, fail_count, last_fired, last_error, last_failure_at } = webhook;
  const fired = last_fired === null ? "" : `,"last_fired":"${formatTime(last_fired)}"`;
  const error = last_error === null ? "" : `,"last_error":${JSON.stringify(last_error)}`;
  const failed = last_failure_at === null ? "" : `,"last_failure_at":"${formatTime(last_failure_at)}"`;
  return (
    `{"id":${JSON.stringify(id)},"url":${JSON.stringify(url)},"patterns":${patterns},"active":${active === 1}` +
    `,"created_at":"${formatTime(created_at)}","fail_count":${fail_count}${fired}${error}${failed}}`
  );
}

/** The publisher's digits are kept: `data` is text and stays it. */
export function encodeDelivery({ id, topic, data, source, created_at }: DeliveredEvent): string {
  return (
    `{"topic":${JSON.stringify(topic)},"data":${data},"source":${JSON.stringify(source)}` +
    `,"event_id":${id},"created_at":"${formatTime(created_at)}"}`
  );
}
