/**
 * What can be done with webhooks: changes go to the writer, a test delivery leaves at once, past every queue.
 * Runs on the front.
 */
import { WEBHOOK_TESTS_MAX } from "../../schemas/limits.js";
import type { WebhookBody, WebhookCreateRequest } from "../../schemas/webhooks.js";
import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { Failure, invalid } from "../base/result.js";
import { jsonReply, readReply } from "../front/reply.js";
import type { Answer } from "../front/route.js";
import { OutboundFailure, parseOutboundUrl, type OutboundPolicy } from "../outbound/url.js";
import type { CallContext } from "../rpc/frames.js";
import type { Reads } from "../threads/reads.js";
import type { Writer } from "../threads/writer.js";
import { createWebhook, deleteWebhook, enableWebhook } from "./commands.js";
import { WEBHOOKS_SOURCE } from "../outbox/disabled.js";
import { encodeDelivery } from "../outbox/encode.js";
import { listWebhooks } from "./jobs.js";
import { noWebhook } from "./missing.js";
import { deliveryId } from "./request.js";
import type { Send } from "./send.js";
import { webhookReader, type WebhookReader } from "../outbox/table.js";

export interface WebhooksOptions {
  readonly writer: Writer;
  readonly reads: Reads;
  readonly send: Send;
  readonly policy: OutboundPolicy;
  readonly clock: Clock;
  readonly log: Log;
}

const TEST_TOPIC = "webhook.test";
/** No event has it. */
const TEST_EVENT_ID = 0;
const EVERY_TOPIC = "*";

export class WebhooksFront {
  readonly #options: WebhooksOptions;
  readonly #reader: WebhookReader;
  #tests = 0;
  #tests_made = 0;

  constructor(options: WebhooksOptions) {
    this.#options = options;
    this.#reader = options.reads.model(webhookReader);
  }

  async create(body: WebhookBody, context: CallContext): Promise<Answer> {
    const { writer, policy, log } = this.#options;
    const webhook = newWebhook(body, policy);
    if (webhook instanceof Failure) return webhook;
    const text = await writer.request(createWebhook, webhook, context);
    if (text instanceof Failure) return text;
    log.info("webhook created", { id: webhook.id });
    return jsonReply(text);
  }

  list(context: CallContext): Answer | Promise<Answer> {
    return readReply(this.#options.reads.stream(listWebhooks, {}, context, this.#reader.count));
  }

  async delete(id: string, context: CallContext): Promise<Answer> {
    const { writer, log } = this.#options;
    const refusal = await writer.request(deleteWebhook, { id }, context);
    if (refusal !== null) return refusal;
    log.info("webhook deleted", { id });
    return jsonReply(JSON.stringify({ deleted: id }));
  }

  async enable(id: string, context: CallContext): Promise<Answer> {
    const { writer, log } = this.#options;
    const text = await writer.request(enableWebhook, { id }, context);
    if (text instanceof Failure) return text;
    log.info("webhook enabled", { id });
    return jsonReply(text);
  }

  /** Past the queue, whether the webhook is active or not. */
  async test(id: string): Promise<Answer> {
    const { send, clock } = this.#options;
    const webhook = this.#reader.byId(id);
    if (webhook === undefined) return noWebhook(id);
    if (this.#tests >= WEBHOOK_TESTS_MAX)
      return new Failure("RESOURCE_EXHAUSTED", "too many test deliveries at once, try again");
    const now_ms = clock.now();
    const body = encodeDelivery({
      id: TEST_EVENT_ID,
      topic: TEST_TOPIC,
      data: JSON.stringify({ webhook: id }),
      source: WEBHOOKS_SOURCE,
      created_at: now_ms,
    });
    this.#tests += 1;
    const { url, secret } = webhook;
    const outcome = await send({
      url,
      secret,
      id: deliveryId(id, `test ${now_ms} ${++this.#tests_made}`),
      hops: 0,
      body: Buffer.from(body),
    });
    this.#tests -= 1;
    if (outcome.kind !== "delivered") return invalid(`webhook test failed: ${outcome.reason}`);
    return jsonReply(JSON.stringify({ tested: id, status: "ok" }));
  }
}

/** What a body asks for; 400 where its URL may not be called. The writer looks at the patterns: it compiles them. */
function newWebhook(
  { id, url, patterns = [], secret = "" }: WebhookBody,
  policy: OutboundPolicy,
): WebhookCreateRequest | Failure {
  const target = parseOutboundUrl(url, "url", policy);
  if (target instanceof OutboundFailure) return target;
  return { id, url, patterns: patterns.length === 0 ? [EVERY_TOPIC] : patterns, secret };
}
