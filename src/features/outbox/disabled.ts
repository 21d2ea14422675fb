/** Builds the event that reports a disabled webhook. The writer's publisher and webhook methods use it. Pure. */
import type { NewEvent, ServerSource, ServerTopic } from "../../../schemas/events.js";
import { hostOf } from "./hidden-address.js";
import type { DisabledWebhook } from "./outbox.js";

export const TOPIC_DISABLED = "webhook.disabled" satisfies ServerTopic;
export const WEBHOOKS_SOURCE = "webhooks" satisfies ServerSource;

/**
 * Builds the event. If the webhook was disabled because its deliveries failed too often, the event has no `reason`.
 * @param guarded whether the server requires tokens. If true, the event contains only the host of the webhook's URL:
 * every instance can read the event, but instances must not learn the URL.
 */
export function disabledEvent({ id, url, fail_count, reason }: DisabledWebhook, guarded: boolean): NewEvent {
  const data = { id, url: guarded ? hostOf(url) : url, fail_count, ...(reason === null ? {} : { reason }) };
  return { topic: TOPIC_DISABLED, data: JSON.stringify(data), source: WEBHOOKS_SOURCE };
}
