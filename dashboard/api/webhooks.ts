/** The webhooks, as often as one of them is another, and their paths: for each view that shows some of them. */
import { getJson, send, sendOnce } from "./client.js";
import { apiPath, query } from "../base/path.js";
import type { Loader } from "./resource.js";
import type { DeadLetter, Webhook, WebhookDelivery } from "./types.js";

/** Deliveries tell of themselves up to ten times a second. */
const GAP_MS = 1_000;

export const webhooksLoader: Loader<readonly Webhook[]> = {
  key: "webhooks",
  kinds: ["webhook"],
  fetch: (signal) => getJson<Webhook[]>("/api/webhooks", signal),
};

/** The path of a webhook, or of what can be done with it. */
export function webhookPath(id: string, ...deed: readonly string[]): string {
  return apiPath("webhooks", id, ...deed);
}

/** The last tries of a webhook, the newest first. */
export function deliveriesLoader(id: string): Loader<readonly WebhookDelivery[]> {
  return {
    key: `deliveries of ${id}`,
    kinds: ["webhook"],
    gap_ms_min: GAP_MS,
    fetch: (signal) => getJson<WebhookDelivery[]>(webhookPath(id, "deliveries"), signal),
  };
}

/** The events that were set aside for a webhook, the oldest first. */
export function deadLettersLoader(id: string): Loader<readonly DeadLetter[]> {
  return {
    key: `dead letters of ${id}`,
    kinds: ["webhook"],
    gap_ms_min: GAP_MS,
    fetch: (signal) => getJson<DeadLetter[]>(webhookPath(id, "dead-letters"), signal),
  };
}

/**
 * Sets an event at the head of a queue aside; one that is not there any more was skipped or delivered before.
 * @throws ApiError where it is refused
 */
export function skipEvent(id: string, event_id: number): Promise<void> {
  return sendOnce(() => send("POST", webhookPath(id, "skip") + query({ event_id })));
}
