/**
 * Loads webhooks, and returns their API paths, for every view that shows webhooks. They are loaded again whenever a
 * webhook changes.
 */
import { getJson, send, sendOnce } from "./client.js";
import { apiPath, query } from "../base/path.js";
import type { Loader } from "./resource.js";
import type { DeadLetter, Webhook, WebhookDelivery } from "./types.js";

/** The minimum time between reloads, in ms. Reloads are limited because deliveries cause up to ten changes a second. */
const GAP_MS = 1_000;

export const webhooksLoader: Loader<readonly Webhook[]> = {
  key: "webhooks",
  kinds: ["webhook"],
  fetch: (signal) => getJson<Webhook[]>("/api/webhooks", signal),
};

/** Returns the API path of a webhook, or of an action on it. */
export function webhookPath(id: string, ...action: readonly string[]): string {
  return apiPath("webhooks", id, ...action);
}

/** Loads the latest delivery attempts of a webhook, newest first. */
export function deliveriesLoader(id: string): Loader<readonly WebhookDelivery[]> {
  return {
    key: `deliveries of ${id}`,
    kinds: ["webhook"],
    gapMsMin: GAP_MS,
    fetch: (signal) => getJson<WebhookDelivery[]>(webhookPath(id, "deliveries"), signal),
  };
}

/** Loads the dead letters of a webhook, oldest first. */
export function deadLettersLoader(id: string): Loader<readonly DeadLetter[]> {
  return {
    key: `dead letters of ${id}`,
    kinds: ["webhook"],
    gapMsMin: GAP_MS,
    fetch: (signal) => getJson<DeadLetter[]>(webhookPath(id, "dead-letters"), signal),
  };
}

/**
 * Moves the event at the head of a webhook's queue to the webhook's dead letters. It is not an error if the event has
 * already been skipped or delivered.
 * @throws ApiError if the request fails
 */
export function skipEvent(id: string, eventId: number): Promise<void> {
  return sendOnce(() => send("POST", webhookPath(id, "skip") + query({ event_id: eventId })));
}
