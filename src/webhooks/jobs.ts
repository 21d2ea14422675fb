/** The list of webhooks. Runs on the front where it is short, else in the pool. */
import * as Type from "typebox";
import { WebhookList } from "../../schemas/webhooks.js";
import { encodeArray } from "../base/json-array.js";
import { streamJob } from "../threads/pool-method.js";
import { encodeWebhook } from "../outbox/encode.js";
import { webhookReader } from "../outbox/table.js";

export const listWebhooks = streamJob({
  name: "webhook.list",
  request: Type.Object({}),
  text: WebhookList,
  reply: Type.Null(),
  cost: "bounded",
  models: { webhooks: webhookReader },
  *run({ webhooks }) {
    yield* encodeArray(webhooks.all().map(encodeWebhook));
    return null;
  },
});
