/** Section 9 of the wire contract over HTTP. Runs on the front. */
import { WEBHOOK_ID_BYTES_MAX, WEBHOOK_SECRET_BYTES_MAX, WEBHOOK_TESTS_MAX } from "../../schemas/limits.js";
import {
  Webhook,
  WebhookBody,
  WebhookDeleted,
  WebhookList,
  WebhookTested,
  type WebhookCreateRequest,
} from "../../schemas/webhooks.js";
import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { hasControlCharacter, utf8Length } from "../base/path.js";
import { Failure, invalid, notFound } from "../base/result.js";
import { readReply } from "../front/chunked-reply.js";
import { jsonReply, type Answer, type Request, type Route } from "../front/route-table.js";
import { OutboundFailure, parseOutboundUrl, type OutboundPolicy } from "../outbound/url.js";
import type { RpcClient } from "../rpc/client.js";
import type { Reads } from "../rpc/reads.js";
import { encodeDelivery } from "./encode.js";
import { deliveryId } from "./request.js";
import type { Send } from "./send.js";

export interface WebhookRoutesOptions {
  readonly writer: RpcClient;
  readonly reads: Reads;
  readonly send: Send;
  readonly policy: OutboundPolicy;
  readonly clock: Clock;
  readonly log: Log;
}

export function webhookRoutes(options: WebhookRoutesOptions): Route[] {
  const webhooks = new WebhooksFront(options);
  const tag = "webhooks";
  const resource = ([id = ""]: readonly string[]): string => id;
  return [
    {
      method: "POST",
      path: "/api/webhooks",
      name: "webhook.create",
      tag,
      needs: "server",
      summary: "Registers a receiver of events.",
      body: { kind: "json", schema: WebhookBody },
      answer: Webhook,
      statuses: [409],
      audit: { action: "webhook.create", resource: (_params, json) => (json as WebhookBody | undefined)?.id ?? "" },
      handle: (request) => webhooks.create(request),
    },
    {
      method: "GET",
      path: "/api/webhooks",
      name: "webhook.list",
      tag,
      summary: "Lists the webhooks by id.",
      answer: WebhookList,
      handle: (request) => webhooks.list(request),
    },
    {
      method: "DELETE",
      path: "/api/webhooks/{id}",
      name: "webhook.delete",
      tag,
      needs: "server",
      summary: "Deletes a webhook with what waits for it.",
      answer: WebhookDeleted,
      statuses: [404],
      audit: { action: "webhook.delete", resource },
      handle: (request) => webhooks.delete(request),
    },
    {
      method: "POST",
      path: "/api/webhooks/{id}/test",
      name: "webhook.test",
      tag,
      needs: "server",
      summary: "Sends a test delivery now.",
      answer: WebhookTested,
      statuses: [404],
      handle: (request) => webhooks.test(request),
    },
    {
      method: "POST",
      path: "/api/webhooks/{id}/enable",
      name: "webhook.enable",
      tag,
      needs: "server",
      summary: "Turns a webhook on again and goes on with its queue.",
      answer: Webhook,
      statuses: [404],
      audit: { action: "webhook.enable", resource },
      handle: (request) => webhooks.enable(request),
    },
  ];
}

const TEST_TOPIC = "webhook.test";
const TEST_SOURCE = "webhooks";
/** No event has it. */
const TEST_EVENT_ID = 0;
const EVERY_TOPIC = "*";

class WebhooksFront {
  readonly #options: WebhookRoutesOptions;
  #tests = 0;
  #tests_made = 0;

  constructor(options: WebhookRoutesOptions) {
    this.#options = options;
  }

  async create({ json, context }: Request): Promise<Answer> {
    const { writer, policy, log } = this.#options;
    const webhook = newWebhook(json as WebhookBody, policy);
    if (webhook instanceof Failure) return webhook;
    const reply = await writer.request("webhook.create", webhook, context);
    if (reply instanceof Failure) return reply;
    log.info("webhook created", { id: webhook.id });
    return jsonReply(reply.text);
  }

  list({ context }: Request): Answer | Promise<Answer> {
    const { reads } = this.#options;
    return readReply(reads.run("webhook.list", {}, context, reads.context.webhooks.count));
  }

  async delete({ params: [id = ""], context }: Request): Promise<Answer> {
    const reply = await this.#options.writer.request("webhook.delete", { id }, context);
    if (reply instanceof Failure) return reply;
    this.#options.log.info("webhook deleted", { id });
    return jsonReply(JSON.stringify({ deleted: id }));
  }

  async enable({ params: [id = ""], context }: Request): Promise<Answer> {
    const reply = await this.#options.writer.request("webhook.enable", { id }, context);
    if (reply instanceof Failure) return reply;
    this.#options.log.info("webhook enabled", { id });
    return jsonReply(reply.text);
  }

  /** Past the queue, whether the webhook is active or not. */
  async test({ params: [id = ""] }: Request): Promise<Answer> {
    const { reads, send, clock } = this.#options;
    const webhook = reads.context.webhooks.byId(id);
    if (webhook === undefined) return notFound(`webhook not found: ${id}`);
    if (this.#tests >= WEBHOOK_TESTS_MAX)
      return new Failure("RESOURCE_EXHAUSTED", "too many test deliveries at once, try again");
    const now_ms = clock.now();
    const body = encodeDelivery({
      id: TEST_EVENT_ID,
      topic: TEST_TOPIC,
      data: JSON.stringify({ webhook: id }),
      source: TEST_SOURCE,
      created_at: now_ms,
    });
    this.#tests += 1;
    const { url, secret } = webhook;
    const outcome = await send({
      url,
      secret,
      id: deliveryId(id, `test ${now_ms} ${++this.#tests_made}`),
      body: Buffer.from(body),
    });
    this.#tests -= 1;
    if (outcome.kind !== "delivered") return invalid(`webhook test failed: ${outcome.reason}`);
    return jsonReply(JSON.stringify({ tested: id, status: "ok" }));
  }
}

/** What a body asks for; 400 where it cannot be. Patterns are looked at in the writer, which compiles them anyway. */
function newWebhook(
  { id, url, patterns = [], secret = "" }: WebhookBody,
  policy: OutboundPolicy,
): WebhookCreateRequest | Failure {
  if (utf8Length(id) > WEBHOOK_ID_BYTES_MAX) return invalid(`id is longer than ${WEBHOOK_ID_BYTES_MAX} bytes`);
  if (!id.isWellFormed() || hasControlCharacter(id))
    return invalid("id must be valid Unicode without control characters");
  const target = parseOutboundUrl(url, "url", policy);
  if (target instanceof OutboundFailure) return target;
  if (!url.isWellFormed()) return invalid("url must be valid Unicode");
  if (utf8Length(secret) > WEBHOOK_SECRET_BYTES_MAX)
    return invalid(`secret is longer than ${WEBHOOK_SECRET_BYTES_MAX} bytes`);
  if (!secret.isWellFormed()) return invalid("secret must be valid Unicode");
  return { id, url, patterns: patterns.length === 0 ? [EVERY_TOPIC] : patterns, secret };
}
