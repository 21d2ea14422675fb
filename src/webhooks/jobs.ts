/** The list of webhooks. Runs on the front where it is short, else in the pool. */
import { encodeArray } from "../base/json-array.js";
import type { ReadContext } from "../store/read-context.js";
import { encodeWebhook } from "./encode.js";

export function listWebhooks({ webhooks }: ReadContext): Iterable<string> {
  return encodeArray(webhooks.all().map(encodeWebhook));
}
