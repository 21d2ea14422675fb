/** Making, deleting and enabling webhooks, and taking in how far deliveries have come. Run in the writer. */
import * as Type from "typebox";
import { JsonText } from "../../schemas/json-text.js";
import { WEBHOOKS_MAX } from "../../schemas/limits.js";
import { Webhook, WebhookCreateRequest, WebhookIdRequest, WebhookProgressRequest } from "../../schemas/webhooks.js";
import { must } from "../base/assert.js";
import { Failure, invalid } from "../base/result.js";
import { publisher } from "../events/publisher.js";
import { weightOf } from "../rpc/method.js";
import { anyOfThem, changes, changesAny, named } from "../threads/changes.js";
import { noDetail, resourceId, writerMethod } from "../threads/writer-method.js";
import { disabledEvent } from "../outbox/disabled.js";
import { encodeWebhook } from "../outbox/encode.js";
import { noWebhook } from "./missing.js";
import { outboxModel } from "../outbox/outbox.js";

const models = { outbox: outboxModel };
const changed = [changes("webhook", ({ id }: { readonly id: string }) => [id], named(resourceId))];
/** Numbers of one receiver's progress. */
const PROGRESS_NUMBERS = 5;

/** Replies the webhook as clients see it. */
export const createWebhook = writerMethod({
  name: "webhook.create",
  request: WebhookCreateRequest,
  reply: JsonText(Webhook),
  weight: weightOf,
  audit: {
    action: "webhook.create",
    resource: resourceId,
    // Neither secret nor URL: many a receiver's URL is a secret itself.
    detail: ({ patterns, secret }) => JSON.stringify({ patterns, signed: secret !== "" }),
  },
  changes: changed,
  models,
  run: ({ outbox }, request, { now_ms }) => {
    if (outbox.table.byId(request.id) !== undefined)
      return new Failure("ALREADY_EXISTS", `webhook already exists: ${request.id}`);
    if (outbox.webhooks >= WEBHOOKS_MAX) return invalid(`there are ${WEBHOOKS_MAX} webhooks already: delete one first`);
    const refusal = outbox.refusePatterns(request.patterns);
    if (refusal !== null) return refusal;
    outbox.table.insert(request, now_ms);
    const webhook = must(outbox.table.byId(request.id), "it was stored");
    outbox.add(webhook);
    return encodeWebhook(webhook);
  },
});

export const deleteWebhook = writerMethod({
  name: "webhook.delete",
  request: WebhookIdRequest,
  reply: Type.Null(),
  weight: weightOf,
  audit: { action: "webhook.delete", resource: resourceId, detail: noDetail },
  changes: changed,
  models,
  run: ({ outbox }, { id }) => {
    const webhook = outbox.table.byId(id);
    if (webhook === undefined) return noWebhook(id);
    outbox.remove(webhook.row);
    outbox.table.delete(webhook.row);
    return null;
  },
});

/** Replies the webhook as clients see it. */
export const enableWebhook = writerMethod({
  name: "webhook.enable",
  request: WebhookIdRequest,
  reply: JsonText(Webhook),
  weight: weightOf,
  audit: { action: "webhook.enable", resource: resourceId, detail: noDetail },
  changes: changed,
  models,
  run: ({ outbox }, { id }) => {
    const webhook = outbox.table.byId(id);
    if (webhook === undefined) return noWebhook(id);
    outbox.table.enable(webhook.row);
    outbox.enable(webhook.row);
    return encodeWebhook(must(outbox.table.byId(id), "it was stored"));
  },
});

/** A webhook that failed too often is disabled first and then told of: it does not get the event of its own end. */
export const advanceWebhooks = writerMethod({
  name: "webhook.advance",
  request: WebhookProgressRequest,
  reply: Type.Null(),
  weight: ({ receivers }) => {
    let weight = receivers.length * PROGRESS_NUMBERS * Float64Array.BYTES_PER_ELEMENT;
    for (const { failure } of receivers) if (failure !== undefined) weight += weightOf(failure);
    return weight;
  },
  audit: null,
  in_cluster: "leader",
  changes: [changesAny("webhook", anyOfThem)],
  models: { outbox: outboxModel, events: publisher },
  run: ({ outbox, events }, { receivers }, call) => {
    for (const progress of receivers) {
      const disabled = outbox.advance(progress);
      if (disabled !== undefined) events.publish(disabledEvent(disabled), call);
    }
    return null;
  },
});
