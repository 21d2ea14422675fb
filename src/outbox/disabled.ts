/** The event of a webhook that was disabled. Pure; the publisher and the webhooks' commands use it, in the writer. */
import type { NewEvent, ServerSource, ServerTopic } from "../../schemas/events.js";
import type { DisabledWebhook } from "./outbox.js";

export const TOPIC_DISABLED = "webhook.disabled" satisfies ServerTopic;
export const WEBHOOKS_SOURCE = "webhooks" satisfies ServerSource;

/** Where deliveries failed too often there is no `reason`. */
export function disabledEvent({ id, url, fail_count, reason }: DisabledWebhook): NewEvent {
  const data = { id, url, fail_count, ...(reason === null ? {} : { reason }) };
  return { topic: TOPIC_DISABLED, data: JSON.stringify(data), source: WEBHOOKS_SOURCE };
}
