/** The event of a webhook that was disabled. Pure; the publisher and the webhooks' commands use it, in the writer. */
import type { NewEvent, ServerSource, ServerTopic } from "../../schemas/events.js";
import { hostOf } from "./hidden-address.js";
import type { DisabledWebhook } from "./outbox.js";

export const TOPIC_DISABLED = "webhook.disabled" satisfies ServerTopic;
export const WEBHOOKS_SOURCE = "webhooks" satisfies ServerSource;

/**
 * Where deliveries failed too often there is no `reason`.
 * @param guarded whether the server asks for tokens: every instance reads the event, and none is to read an address
 */
export function disabledEvent({ id, url, fail_count, reason }: DisabledWebhook, guarded: boolean): NewEvent {
  const data = { id, url: guarded ? hostOf(url) : url, fail_count, ...(reason === null ? {} : { reason }) };
  return { topic: TOPIC_DISABLED, data: JSON.stringify(data), source: WEBHOOKS_SOURCE };
}
