/** Making, deleting and enabling webhooks, and taking in how far deliveries have come. Runs in the writer. */
import { WEBHOOKS_MAX } from "../../schemas/limits.js";
import type {
  WebhookCreateRequest,
  WebhookIdRequest,
  WebhookProgressRequest,
  WebhookTextReply,
} from "../../schemas/webhooks.js";
import { must } from "../base/assert.js";
import { Failure, invalid, notFound } from "../base/result.js";
import type { WriteContext } from "../store/write-context.js";
import { encodeWebhook } from "./encode.js";

export const TOPIC_DISABLED = "webhook.disabled";
const SOURCE = "webhooks";

function unknown(id: string): Failure {
  return notFound(`webhook not found: ${id}`);
}

export function createWebhook(context: WriteContext, request: WebhookCreateRequest): WebhookTextReply | Failure {
  const { outbox, now_ms } = context;
  if (outbox.table.byId(request.id) !== undefined)
    return new Failure("ALREADY_EXISTS", `webhook already exists: ${request.id}`);
  if (outbox.webhooks >= WEBHOOKS_MAX) return invalid(`there are ${WEBHOOKS_MAX} webhooks already: delete one first`);
  const refusal = outbox.refusePatterns(request.patterns);
  if (refusal !== null) return refusal;
  outbox.table.insert(request, now_ms);
  const webhook = must(outbox.table.byId(request.id), "it was stored");
  outbox.add(webhook);
  return { text: encodeWebhook(webhook) };
}

export function deleteWebhook({ outbox }: WriteContext, { id }: WebhookIdRequest): null | Failure {
  const webhook = outbox.table.byId(id);
  if (webhook === undefined) return unknown(id);
  outbox.remove(webhook.row);
  outbox.table.delete(webhook.row);
  return null;
}

export function enableWebhook({ outbox }: WriteContext, { id }: WebhookIdRequest): WebhookTextReply | Failure {
  const webhook = outbox.table.byId(id);
  if (webhook === undefined) return unknown(id);
  outbox.table.enable(webhook.row);
  outbox.enable(webhook.row);
  return { text: encodeWebhook(must(outbox.table.byId(id), "it was stored")) };
}

/** A webhook that failed too often is disabled first and then told of: it does not get the event of its own end. */
export function advanceWebhooks(context: WriteContext, { lanes }: WebhookProgressRequest): null {
  for (const lane of lanes) {
    const disabled = context.outbox.advance(lane);
    if (disabled === undefined) continue;
    const { id, url, fail_count } = disabled;
    context.publish(TOPIC_DISABLED, JSON.stringify({ id, url, fail_count }), SOURCE);
  }
  return null;
}
