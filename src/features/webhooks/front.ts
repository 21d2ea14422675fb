/**
 * Handles the requests about webhooks. Changes go to the writer. A test delivery is sent at once, not through the
 * queue. Runs on the front.
 */
import { FRONT_READ_ROWS_MAX } from "../../../schemas/limits/answers.js";
import { WEBHOOK_LOG_ROWS, WEBHOOK_TESTS_MAX } from "../../../schemas/limits/webhooks.js";
import {
  type LoggedDelivery,
  WEBHOOK_TEST_TOPIC,
  type WebhookBody,
  type WebhookCreateRequest,
} from "../../../schemas/webhooks.js";
import type { Clock } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import { Failure, invalid } from "../../base/result.js";
import { jsonReply, listReply, readReply } from "../../platform/front/reply.js";
import { mayAll } from "../../platform/front/roles.js";
import type { Answer, Request } from "../../platform/front/route.js";
import { OutboundFailure, parseOutboundUrl, type OutboundPolicy } from "../../platform/outbound/url.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Reads } from "../../platform/threads/reads.js";
import type { Writer } from "../../platform/threads/writer.js";
import { deadLetterReader, type DeadLetterReader } from "../outbox/dead-letters.js";
import { createWebhook, deleteWebhook, discardEvent, enableWebhook, resendEvent, skipEvent } from "./commands.js";
import { WEBHOOKS_SOURCE } from "../outbox/disabled.js";
import { encodeDelivery } from "../outbox/encode.js";
import { listDeadLetters, listDeliveries, listWebhooks } from "./jobs.js";
import { noDeadLetter, noWebhook } from "./missing.js";
import { deliveryId } from "./request.js";
import { errorText, type Delivery, type Outcome, type Send } from "./send.js";
import { webhookReader, type WebhookReader } from "../outbox/table.js";

export interface WebhooksOptions {
  /** Whether the server requires tokens. */
  readonly guarded: boolean;
  readonly writer: Writer;
  readonly reads: Reads;
  readonly send: Send;
  /** The number of queued deliveries of all webhooks. */
  readonly queued: () => number;
  readonly policy: OutboundPolicy;
  readonly clock: Clock;
  readonly log: Log;
}

/** The event id of a test delivery. No stored event has this id. */
const TEST_EVENT_ID = 0;
const EVERY_TOPIC = "*";
/** Counting this number of queued rows takes about as long as reading one webhook. */
const COUNTED_ROWS = 100;

export class WebhooksFront {
  readonly #options: WebhooksOptions;
  readonly #reader: WebhookReader;
  readonly #letters: DeadLetterReader;
  /** The number of requests in flight that are sent for a waiting client. */
  #tests = 0;
  #testsMade = 0;

  constructor(options: WebhooksOptions) {
    this.#options = options;
    this.#reader = options.reads.model(webhookReader);
    this.#letters = options.reads.model(deadLetterReader);
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

  list(after: string, { caller, context }: Pick<Request, "caller" | "context">): Answer | Promise<Answer> {
    const { guarded, reads, queued } = this.#options;
    const forInstance = !mayAll(guarded, caller);
    const rows = this.#reader.count + queued() / COUNTED_ROWS;
    return listReply(reads.stream(listWebhooks, { after, forInstance }, context, rows));
  }

  /** Lists the latest attempts of a webhook. */
  deliveries(id: string, context: CallContext): Answer | Promise<Answer> {
    const webhook = this.#reader.byId(id)?.row;
    if (webhook === undefined) return noWebhook(id);
    return readReply(this.#options.reads.stream(listDeliveries, { webhook }, context, WEBHOOK_LOG_ROWS));
  }

  /** Lists the dead letters of a webhook without their bodies, which may be long. */
  deadLetters(id: string, context: CallContext): Answer | Promise<Answer> {
    const webhook = this.#reader.byId(id)?.row;
    if (webhook === undefined) return noWebhook(id);
    return readReply(this.#options.reads.stream(listDeadLetters, { webhook }, context, FRONT_READ_ROWS_MAX));
  }

  /** Returns the body of a dead letter, as it would be delivered. */
  deadLetter(id: string, eventText: string): Answer {
    const letter = this.#letter(id, eventText);
    return letter instanceof Failure ? letter : jsonReply(letter.body);
  }

  async skip(id: string, event: number | null, context: CallContext): Promise<Answer> {
    const { writer, log } = this.#options;
    const skipped = await writer.request(skipEvent, { id, event }, context);
    if (skipped instanceof Failure) return skipped;
    log.info("webhook event skipped", { id, event_id: skipped });
    return jsonReply(JSON.stringify({ id, skipped }));
  }

  async discard(id: string, eventText: string, context: CallContext): Promise<Answer> {
    const { writer, log } = this.#options;
    const event = eventOf(eventText);
    if (event === undefined) return noDeadLetter(id, eventText);
    const refusal = await writer.request(discardEvent, { id, event }, context);
    if (refusal !== null) return refusal;
    log.info("webhook event discarded", { id, event_id: event });
    return jsonReply(JSON.stringify({ id, discarded: event }));
  }

  /** Sends a dead letter at once, not through the queue. If the receiver accepts it, the dead letter is deleted. */
  async resend(id: string, eventText: string, context: CallContext): Promise<Answer> {
    const { writer, clock, log } = this.#options;
    const letter = this.#letter(id, eventText);
    if (letter instanceof Failure) return letter;
    const { webhook, event, attempts, body } = letter;
    const atMs = clock.now();
    const outcome = await this.#sendNow({
      url: webhook.url,
      secret: webhook.secret,
      id: deliveryId(id, event),
      hops: this.#letters.hops(event),
      body: Buffer.from(body),
    });
    if (outcome instanceof Failure) return outcome;
    if (outcome.kind === "not sent") return new Failure("UNAVAILABLE", outcome.reason);
    const error = outcome.kind === "delivered" ? null : errorText(outcome.reason);
    const durationMs = Math.max(0, clock.now() - atMs);
    const delivery: LoggedDelivery = {
      at_ms: atMs,
      event,
      attempt: attempts + 1,
      status: outcome.status,
      duration_ms: durationMs,
      error,
    };
    const refusal = await writer.request(resendEvent, { id, event, delivery }, context);
    if (refusal !== null) return refusal;
    if (error !== null) return invalid(`webhook delivery failed: ${error}`);
    log.info("webhook event sent again", { id, event_id: event });
    return jsonReply(JSON.stringify({ id, sent: event }));
  }

  #letter(id: string, eventText: string) {
    const webhook = this.#reader.byId(id);
    if (webhook === undefined) return noWebhook(id);
    const letter = this.#letters.get(webhook.row, eventOf(eventText) ?? 0);
    const body = letter === undefined ? undefined : this.#reader.body(letter.event);
    if (letter === undefined || body === undefined) return noDeadLetter(id, eventText);
    return { webhook, event: letter.event, attempts: letter.attempts, body };
  }

  /**
   * Sends one request at once, not through the queue. Returns a failure if WEBHOOK_TESTS_MAX such requests are in
   * flight.
   */
  async #sendNow(delivery: Delivery): Promise<Outcome | Failure> {
    if (this.#tests >= WEBHOOK_TESTS_MAX)
      return new Failure("RESOURCE_EXHAUSTED", "too many test deliveries at once, try again");
    this.#tests += 1;
    const outcome = await this.#options.send(delivery);
    this.#tests -= 1;
    return outcome.kind === "not sent" ? new Failure("RESOURCE_EXHAUSTED", outcome.reason) : outcome;
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
    const reply = await writer.request(enableWebhook, { id }, context);
    if (reply instanceof Failure) return reply;
    if (reply.changed) log.info("webhook enabled", { id });
    return jsonReply(reply.webhook);
  }

  /** Sends a test delivery at once, not through the queue. This works for a disabled webhook, too. */
  async test(id: string): Promise<Answer> {
    const { clock } = this.#options;
    const webhook = this.#reader.byId(id);
    if (webhook === undefined) return noWebhook(id);
    const nowMs = clock.now();
    const body = encodeDelivery({
      id: TEST_EVENT_ID,
      topic: WEBHOOK_TEST_TOPIC,
      data: JSON.stringify({ webhook: id }),
      source: WEBHOOKS_SOURCE,
      created_at: nowMs,
    });
    const { url, secret } = webhook;
    const outcome = await this.#sendNow({
      url,
      secret,
      id: deliveryId(id, `test ${nowMs} ${++this.#testsMade}`),
      hops: 0,
      body: Buffer.from(body),
    });
    if (outcome instanceof Failure) return outcome;
    if (outcome.kind !== "delivered") return invalid(`webhook test failed: ${outcome.reason}`);
    return jsonReply(JSON.stringify({ tested: id, status: "ok" }));
  }
}

/** Parses the event id in a path; undefined if the text is not an event id. */
function eventOf(text: string): number | undefined {
  return /^[1-9]\d{0,15}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
}

/**
 * Returns the request for the writer that creates a webhook. Returns a 400 if the server must not call the URL. The
 * writer checks the patterns, because it compiles them.
 */
function newWebhook(
  { id, url, patterns = [], secret = "" }: WebhookBody,
  policy: OutboundPolicy,
): WebhookCreateRequest | Failure {
  const target = parseOutboundUrl(url, "url", policy);
  if (target instanceof OutboundFailure) return target;
  return { id, url, patterns: patterns.length === 0 ? [EVERY_TOPIC] : patterns, secret };
}
