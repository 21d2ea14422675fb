/** What the front knows of one webhook: whom to call, and how far its queue was delivered. */
import { WEBHOOK_LOG_ROWS } from "../../schemas/limits.js";
import type { LoggedDelivery, SetAside, WebhookFailure, WebhookProgress } from "../../schemas/webhooks.js";
import type { WebhookRow } from "../outbox/table.js";

/**
 * idle: nothing to deliver, or not active. ready: in line. sending: one request is under way. waiting: for
 * its retry. blocked: for room for a large body. ended: it failed too often; the writer is to disable it.
 */
export type ReceiverState = "idle" | "ready" | "sending" | "waiting" | "blocked" | "ended";

export class Receiver {
  readonly row: number;
  readonly id: string;
  readonly url: string;
  readonly secret: string;
  active: boolean;
  epoch: number;
  state: ReceiverState = "idle";
  /** All of its queue up to this event was delivered, or set aside. */
  delivered = 0;
  /** Failures in a row. */
  fail_count: number;
  /** The event at the head of its queue that was tried last. */
  head: number;
  /** Failures of that event, since when, and how much of its budget they cost. */
  tries: number;
  since_ms: number;
  spent: number;
  /** That event is not tried before. */
  due_ms: number;
  fired_at: number | null = null;
  /** The last failure that the writer was not told of. */
  failure: WebhookFailure | null = null;
  /** Events that were set aside, and tries; the writer was not told of them. */
  #set_aside: SetAside[] = [];
  #log: LoggedDelivery[] = [];

  constructor(stored: WebhookRow) {
    this.row = stored.row;
    this.id = stored.id;
    this.url = stored.url;
    this.secret = stored.secret;
    this.active = stored.active === 1;
    this.epoch = stored.epoch;
    this.fail_count = stored.fail_count;
    this.head = stored.head_event ?? 0;
    this.tries = stored.head_tries ?? 0;
    this.since_ms = stored.head_since ?? 0;
    this.spent = stored.head_spent ?? 0;
    this.due_ms = stored.next_try_at ?? 0;
  }

  /** Takes over what the writer says of it. Where it was enabled since, its failures do not count any more. */
  update({ active, epoch }: WebhookRow): void {
    const enabled = epoch !== this.epoch;
    this.active = active === 1;
    this.epoch = epoch;
    if (!enabled) return;
    this.fail_count = 0;
    this.#resetHead(this.head);
  }

  /** Another event may have come to the head of its queue: what the former has failed does not count for it. */
  setHead(event: number): void {
    if (event !== this.head) this.#resetHead(event);
  }

  #resetHead(event: number): void {
    this.head = event;
    this.tries = 0;
    this.since_ms = 0;
    this.spent = 0;
    this.due_ms = 0;
  }

  /** Keeps one try for the log. */
  record(delivery: LoggedDelivery): void {
    this.#log.push(delivery);
    if (this.#log.length > WEBHOOK_LOG_ROWS) this.#log.shift();
  }

  setAside(aside: SetAside): void {
    this.#set_aside.push(aside);
  }

  /** What the writer is to be told; `giveBack` where it could not be. */
  takeProgress(): WebhookProgress {
    const { row: webhook, epoch, delivered, fail_count, fired_at, failure, head, tries, since_ms, spent } = this;
    const progress = {
      webhook,
      epoch,
      delivered,
      fail_count,
      fired_at,
      head: tries === 0 ? null : { event: head, since_ms, tries, spent, next_ms: Math.ceil(this.due_ms) },
      log: this.#log,
      set_aside: this.#set_aside,
      ...(failure === null ? {} : { failure }),
    };
    this.failure = null;
    this.#log = [];
    this.#set_aside = [];
    return progress;
  }

  requeueProgress({ failure, log, set_aside }: WebhookProgress): void {
    this.failure ??= failure ?? null;
    this.#log = [...log, ...this.#log].slice(-WEBHOOK_LOG_ROWS);
    this.#set_aside = [...set_aside, ...this.#set_aside];
  }
}
