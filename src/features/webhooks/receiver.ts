/** The front's state of one webhook: its settings, its delivery progress, and its retries. */
import { WEBHOOK_LOG_ROWS } from "../../../schemas/limits/webhooks.js";
import type { LoggedDelivery, SetAside, WebhookFailure, WebhookProgress } from "../../../schemas/webhooks.js";
import type { WebhookRow } from "../outbox/table.js";

/**
 * The state of a receiver.
 * - idle: it has nothing to deliver, or its webhook is disabled
 * - ready: it waits for its request to start
 * - sending: its request is in flight
 * - waiting: it waits for the time of a retry
 * - blocked: it waits for memory for a large body
 * - ended: it has failed too often, and the writer is about to disable its webhook
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
  /** The id up to which all events of the queue are done: delivered, or moved to the dead letters. */
  delivered = 0;
  /** The number of consecutive failures. */
  failCount: number;
  /** The id of the queue's first event. It is 0 before the first attempt to deliver an event. */
  head: number;
  /**
   * The number of failures of the event `head`. `sinceMs` is the time of the first one. `spent` is the total cost of
   * these failures, which counts against the retry budget of the event.
   */
  tries: number;
  sinceMs: number;
  spent: number;
  /** The time in ms before which the event `head` must not be tried again. */
  dueMs: number;
  firedAt: number | null = null;
  /** The latest failure that was not reported to the writer yet; null if there is none. */
  failure: WebhookFailure | null = null;
  /**
   * The new dead letters that were not reported to the writer yet. `#log` has the attempts that were not reported yet.
   */
  #setAside: SetAside[] = [];
  #log: LoggedDelivery[] = [];

  constructor(stored: WebhookRow) {
    this.row = stored.row;
    this.id = stored.id;
    this.url = stored.url;
    this.secret = stored.secret;
    this.active = stored.active === 1;
    this.epoch = stored.epoch;
    this.failCount = stored.fail_count;
    this.head = stored.head_event ?? 0;
    this.tries = stored.head_tries ?? 0;
    this.sinceMs = stored.head_since ?? 0;
    this.spent = stored.head_spent ?? 0;
    this.dueMs = stored.next_try_at ?? 0;
  }

  /**
   * Applies the stored state of the webhook. If the webhook was enabled again meanwhile, its earlier failures no longer
   * count.
   */
  update({ active, epoch }: WebhookRow): void {
    const enabled = epoch !== this.epoch;
    this.active = active === 1;
    this.epoch = epoch;
    if (!enabled) return;
    this.failCount = 0;
    this.#resetHead(this.head);
  }

  /** Sets the queue's first event. If it is a new one, its failures are counted from 0. */
  setHead(event: number): void {
    if (event !== this.head) this.#resetHead(event);
  }

  #resetHead(event: number): void {
    this.head = event;
    this.tries = 0;
    this.sinceMs = 0;
    this.spent = 0;
    this.dueMs = 0;
  }

  /** Adds one attempt to the progress, for the delivery log. */
  record(delivery: LoggedDelivery): void {
    this.#log.push(delivery);
    if (this.#log.length > WEBHOOK_LOG_ROWS) this.#log.shift();
  }

  setAside(aside: SetAside): void {
    this.#setAside.push(aside);
  }

  /**
   * Takes the progress that was not reported yet. If the writer rejects the report, the caller returns the progress
   * with `requeueProgress`.
   */
  takeProgress(): WebhookProgress {
    const { row: webhook, epoch, delivered, failCount, firedAt, failure, head, tries, sinceMs, spent } = this;
    const progress = {
      webhook,
      epoch,
      delivered,
      fail_count: failCount,
      fired_at: firedAt,
      head: tries === 0 ? null : { event: head, since_ms: sinceMs, tries, spent, next_ms: Math.ceil(this.dueMs) },
      log: this.#log,
      set_aside: this.#setAside,
      ...(failure === null ? {} : { failure }),
    };
    this.failure = null;
    this.#log = [];
    this.#setAside = [];
    return progress;
  }

  requeueProgress({ failure, log, set_aside }: WebhookProgress): void {
    this.failure ??= failure ?? null;
    this.#log = [...log, ...this.#log].slice(-WEBHOOK_LOG_ROWS);
    this.#setAside = [...set_aside, ...this.#setAside];
  }
}
