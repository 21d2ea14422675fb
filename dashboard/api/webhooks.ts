/** The webhooks, as often as one of them is another, and their paths: for each view that shows some of them. */
import { getJson } from "./client.js";
import { apiPath } from "../base/path.js";
import type { Loader } from "./resource.js";
import type { Webhook } from "./types.js";

export const webhooksLoader: Loader<readonly Webhook[]> = {
  key: "webhooks",
  kinds: ["webhook"],
  fetch: (signal) => getJson<Webhook[]>("/api/webhooks", signal),
};

/** The path of a webhook, or of what can be done with it. */
export function webhookPath(id: string, ...deed: readonly string[]): string {
  return apiPath("webhooks", id, ...deed);
}
