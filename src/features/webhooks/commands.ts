/**
 * The writer methods for webhooks. They create, delete and enable a webhook, skip or resend a single event, and store
 * delivery progress. They run in the writer thread.
 */
import * as Type from "typebox";
import { JsonText } from "../../../schemas/json-text.js";
import { WEBHOOK_PATTERNS_CHARACTERS_MAX, WEBHOOKS_MAX } from "../../../schemas/limits/webhooks.js";
import {
  Webhook,
  type LoggedDelivery,
  WebhookCreateRequest,
  WebhookDiscardRequest,
  WebhookIdRequest,
  WebhookProgressRequest,
  WebhookResendRequest,
  WebhookSkipRequest,
} from "../../../schemas/webhooks.js";
import { must } from "../../base/assert.js";
import { Failure, invalid } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";
import { publisher } from "../events/publisher.js";
import { weightOf } from "../../platform/rpc/method.js";
import { changes, reportAny, reportByName } from "../../platform/threads/changes.js";
import { noDetail, resourceId, writerMethod } from "../../platform/threads/writer-method.js";
import { disabledEvent } from "../outbox/disabled.js";
import { encodeWebhook } from "../outbox/encode.js";
import { noDeadLetter, noWebhook } from "./missing.js";
import { outboxModel } from "../outbox/outbox.js";

const models = { outbox: outboxModel };
const changed = [changes("webhook", reportByName(resourceId))];
/** The number of numeric fields in the progress of one receiver. The weight of a call depends on it. */
const PROGRESS_NUMBERS = 10;
/** The number of numeric fields in one row of the delivery log. The weight of a call depends on it. */
const LOG_NUMBERS = 5;

/** Returns the audit `detail` for a call about one event of a webhook. */
function eventDetail({ event, delivery }: { readonly event: number; readonly delivery?: LoggedDelivery }): string {
  return JSON.stringify({ event_id: event, ...(delivery === undefined ? {} : { delivered: delivery.error === null }) });
}

/** Creates a webhook. Returns it as clients see it. */
export const createWebhook = writerMethod({
  name: "webhook.create",
  request: WebhookCreateRequest,
  reply: JsonText(Webhook),
  weight: weightOf,
  audit: {
    action: "webhook.create",
    resource: resourceId,
    // Leave out the secret and the URL. The URL of many receivers is itself a secret.
    detail: ({ patterns, secret }) => JSON.stringify({ patterns, signed: secret !== "" }),
  },
  changes: changed,
  models,
  run: ({ outbox }, request, { nowMs }) => {
    if (outbox.table.byId(request.id) !== undefined)
      return new Failure("ALREADY_EXISTS", `webhook already exists: ${shorten(request.id)}`);
    if (outbox.webhooks >= WEBHOOKS_MAX) return invalid(`there are ${WEBHOOKS_MAX} webhooks already: delete one first`);
    const refusal = outbox.refusePatterns(request.patterns);
    if (refusal !== null) return refusal;
    const characters = JSON.stringify(request.patterns).length + outbox.table.patternCharacters;
    if (characters > WEBHOOK_PATTERNS_CHARACTERS_MAX)
      return invalid(`the patterns of webhooks have ${WEBHOOK_PATTERNS_CHARACTERS_MAX} characters: delete one first`);
    const costly = outbox.refuseSteps(request.patterns);
    if (costly !== null) return costly;
    outbox.table.insert(request, nowMs);
    const webhook = must(outbox.table.status(request.id), "it was stored");
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

/** Enables a webhook. Returns it as clients see it. */
export const enableWebhook = writerMethod({
  name: "webhook.enable",
  request: WebhookIdRequest,
  reply: Type.Object({ webhook: JsonText(Webhook), changed: Type.Boolean() }),
  weight: weightOf,
  audit: {
    action: "webhook.enable",
    resource: resourceId,
    writesRow: (reply) => reply.changed,
    detail: noDetail,
  },
  changes: changed,
  models,
  run: ({ outbox }, { id }) => {
    const webhook = outbox.table.byId(id);
    if (webhook === undefined) return noWebhook(id);
    const { active, fail_count, head_event } = webhook;
    const isChanged = active !== 1 || fail_count > 0 || head_event !== null;
    if (isChanged) {
      outbox.table.enable(webhook.row);
      outbox.enable(webhook.row);
    }
    return { webhook: encodeWebhook(must(outbox.table.status(id), "it was stored")), changed: isChanged };
  },
});

/** Moves the next event of a webhook's queue to the dead letters. Returns the id of the event. */
export const skipEvent = writerMethod({
  name: "webhook.skip",
  request: WebhookSkipRequest,
  reply: Type.Integer(),
  weight: weightOf,
  audit: { action: "webhook.skip", resource: resourceId, detail: (_request, event) => eventDetail({ event }) },
  changes: changed,
  models,
  run: ({ outbox }, { id, event }, { nowMs }) => {
    const webhook = outbox.table.byId(id);
    return webhook === undefined ? noWebhook(id) : outbox.skip(webhook.row, event, nowMs);
  },
});

/** Stores the result of another attempt to send a dead letter. If the attempt succeeded, the dead letter is deleted. */
export const resendEvent = writerMethod({
  name: "webhook.resend",
  request: WebhookResendRequest,
  reply: Type.Null(),
  weight: weightOf,
  audit: { action: "webhook.resend", resource: resourceId, detail: eventDetail },
  changes: changed,
  models,
  run: ({ outbox: { table, letters, log } }, { id, event, delivery }) => {
    const webhook = table.byId(id);
    if (webhook === undefined) return noWebhook(id);
    log.add(webhook.row, [delivery]);
    if (delivery.error === null) letters.delete(webhook.row, event);
    else letters.setTried(webhook.row, event, delivery.attempt, delivery.error);
    return null;
  },
});

export const discardEvent = writerMethod({
  name: "webhook.discard",
  request: WebhookDiscardRequest,
  reply: Type.Null(),
  weight: weightOf,
  audit: { action: "webhook.discard", resource: resourceId, detail: eventDetail },
  changes: changed,
  models,
  run: ({ outbox }, { id, event }) => {
    const webhook = outbox.table.byId(id);
    if (webhook === undefined) return noWebhook(id);
    return outbox.letters.delete(webhook.row, event) ? null : noDeadLetter(id, event);
  },
});

/**
 * Stores delivery progress. A webhook with too many failures is disabled first. The event about this is published after
 * that, so the disabled webhook does not receive it.
 */
export const advanceWebhooks = writerMethod({
  name: "webhook.advance",
  request: WebhookProgressRequest,
  reply: Type.Null(),
  weight: ({ receivers }) => {
    let numbers = 0;
    let weight = 0;
    for (const { failure, log, set_aside } of receivers) {
      numbers += PROGRESS_NUMBERS + log.length * LOG_NUMBERS;
      for (const { error } of log) weight += error?.length ?? 0;
      if (failure !== undefined) weight += weightOf(failure);
      if (set_aside.length > 0) weight += weightOf(set_aside);
    }
    return weight + numbers * Float64Array.BYTES_PER_ELEMENT;
  },
  audit: null,
  inCluster: "leader",
  changes: [changes("webhook", reportAny)],
  models: { outbox: outboxModel, events: publisher },
  run: ({ outbox, events }, { receivers, guarded }, call) => {
    for (const progress of receivers) {
      const disabled = outbox.advance(progress);
      if (disabled !== undefined) events.publish(disabledEvent(disabled, guarded), call);
    }
    return null;
  },
});
