/** The lists of webhooks, and of one webhook. Run on the front where they are short, else in the pool. */
import * as Type from "typebox";
import { DeadLetterList, WebhookDeliveryList, WebhookList } from "../../schemas/webhooks.js";
import { encodeArray } from "../base/json-array.js";
import { deadLetterReader } from "../outbox/dead-letters.js";
import { deliveryLogReader } from "../outbox/delivery-log.js";
import { encodeDeadLetter, encodeLoggedDelivery, encodeWebhook, encodeWebhookForInstance } from "../outbox/encode.js";
import { webhookReader } from "../outbox/table.js";
import { streamJob } from "../threads/pool-method.js";

export const listWebhooks = streamJob({
  name: "webhook.list",
  request: Type.Object({ for_instance: Type.Boolean() }),
  text: WebhookList,
  reply: Type.Null(),
  cost: "bounded",
  models: { webhooks: webhookReader },
  *run({ webhooks }, { for_instance }) {
    yield* encodeArray(webhooks.standings().map(for_instance ? encodeWebhookForInstance : encodeWebhook));
    return null;
  },
});

/** The last tries of a webhook, the newest first. */
export const listDeliveries = streamJob({
  name: "webhook.deliveries",
  request: Type.Object({ webhook: Type.Integer() }),
  text: WebhookDeliveryList,
  reply: Type.Null(),
  cost: "bounded",
  models: { log: deliveryLogReader },
  *run({ log }, { webhook }) {
    yield* encodeArray(log.all(webhook).map(encodeLoggedDelivery));
    return null;
  },
});

/** The events that were set aside for a webhook, the oldest first. */
export const listDeadLetters = streamJob({
  name: "webhook.dead_letters",
  request: Type.Object({ webhook: Type.Integer() }),
  text: DeadLetterList,
  reply: Type.Null(),
  cost: "bounded",
  models: { letters: deadLetterReader },
  *run({ letters }, { webhook }) {
    yield* encodeArray(letters.all(webhook).map(encodeDeadLetter));
    return null;
  },
});
