/** The front's state of one webhook: its URL, its delivery progress and its retries. */
import { WEBHOOK_LOG_ROWS } from "../../schemas/limits.js";
import type { LoggedDelivery, SetAside, WebhookFailure, WebhookProgress } from "../../schemas/webhooks.js";
import type { WebhookRow } from "../outbox/table.js";

/**
 * The states of a receiver. idle: nothing to deliver, or not active. ready: queued for a request. sending: one request
 * is in flight. waiting: until its retry. blocked: until there is room for a large body. ended: it failed too often,
 * and the writer is about to disable it.
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
  /** All events of its queue up to this one were delivered or set aside. */
  delivered = 0;
  /** The number of consecutive failures. */
  fail_count: number;
  /** The event at the head of its queue that was tried last. */
  head: number;
  /** The failures of that event: their number, the time of the first, and their cost to its budget. */
  tries: number;
  since_ms: number;
  spent: number;
  /** That event is not tried before this time. */
  due_ms: number;
  fired_at: number | null = null;
  /** The last failure that was not reported yet. */
  failure: WebhookFailure | null = null;
  /** Events that were set aside, and attempts, that were not reported yet. */
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

  /** Applies the stored state. If the webhook was enabled since, its earlier failures no longer count. */
  update({ active, epoch }: WebhookRow): void {
    const enabled = epoch !== this.epoch;
    this.active = active === 1;
    this.epoch = epoch;
    if (!enabled) return;
    this.fail_count = 0;
    this.#resetHead(this.head);
  }

  /** Sets the event at the head of its queue. Failures of the previous head do not count for it. */
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

  /** Keeps one attempt for the log. */
  record(delivery: LoggedDelivery): void {
    this.#log.push(delivery);
    if (this.#log.length > WEBHOOK_LOG_ROWS) this.#log.shift();
  }

  setAside(aside: SetAside): void {
    this.#set_aside.push(aside);
  }

  /** Takes the unreported progress. If the report fails, the caller puts it back with `requeueProgress`. */
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
