/**
 * The jobs that list webhooks, their delivery logs and their dead letters. A short list is read on the front, and a
 * longer one in the worker pool.
 */
import * as Type from "typebox";
import { ListEnd } from "../../../schemas/common.js";
import { DeadLetterList, WebhookDeliveryList, WebhookList } from "../../../schemas/webhooks.js";
import { cursor, encodeArray, encodeList } from "../../base/json-array.js";
import { deadLetterReader } from "../outbox/dead-letters.js";
import { deliveryLogReader } from "../outbox/delivery-log.js";
import { encodeDeadLetter, encodeLoggedDelivery, encodeWebhook, encodeWebhookForInstance } from "../outbox/encode.js";
import { webhookReader } from "../outbox/table.js";
import { streamJob } from "../../platform/threads/pool-method.js";

export const listWebhooks = streamJob({
  name: "webhook.list",
  request: Type.Object({ after: Type.String(), forInstance: Type.Boolean() }),
  text: WebhookList,
  reply: ListEnd,
  cost: "bounded",
  models: { webhooks: webhookReader },
  *run({ webhooks }, { after, forInstance }) {
    return yield* encodeList(webhooks.statuses(after), {
      encode: forInstance ? encodeWebhookForInstance : encodeWebhook,
      cursorOf: ({ id }) => cursor("after", id),
    });
  },
});

/** Lists the latest delivery attempts of a webhook, the newest first. */
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

/** Lists the dead letters of a webhook, the oldest first. */
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
