/**
 * Delivers the queued events of the outbox to webhooks, in order. Each receiver gets at most one request at a time, so
 * a slow receiver does not delay others. The queues stay in the database. The front reads each queue one event at a
 * time, so only the events in flight are in memory. Runs on the front.
 *
 * Progress is reported to the writer in batches. If the process crashes before a delivery is reported, the event is
 * delivered again, with the same delivery id. So delivery is at least once.
 */
import {
  WEBHOOK_EVENT_BUDGET,
  WEBHOOK_FAILURES_MAX,
  WEBHOOK_PROGRESS_ROWS,
  WEBHOOK_REFUSAL_COST,
  WEBHOOK_REQUESTS_MAX,
  WEBHOOK_RETRY_AFTER_MS_MAX,
  WEBHOOK_RETRY_MS_MAX,
  WEBHOOK_STARTS_PER_TICK,
} from "../../../schemas/limits/webhooks.js";
import type { LoggedDelivery, OutboxPush, WebhookProgressRequest } from "../../../schemas/webhooks.js";
import { SECOND_MS } from "../../../shared/duration.js";
import { Periodic } from "../../platform/background/periodic.js";
import type { BackgroundTask } from "../../platform/background/task.js";
import type { Clock } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import { Failure } from "../../base/result.js";
import type { Exposition } from "../../platform/measure/exposition.js";
import { retryDelay } from "./backoff.js";
import { Bodies } from "./bodies.js";
import { Receiver } from "./receiver.js";
import { deliveryId } from "./request.js";
import { errorText, type FailureKind, type Outcome, type Send } from "./send.js";
import { withoutLocation } from "../outbox/hidden-address.js";
import type { WebhookReader } from "../outbox/table.js";

/** The cost of one failure, by its kind. The failures of an event together may cost at most WEBHOOK_EVENT_BUDGET. */
const COSTS: Readonly<Record<FailureKind, number>> = { refused: WEBHOOK_REFUSAL_COST, unavailable: 1, unreachable: 0 };

/** An id that no event has. */
const NO_EVENT = 0;

type Failed = Extract<Outcome, { readonly kind: "failed" }>;

export interface DeliveriesOptions {
  readonly reader: Pick<WebhookReader, "all" | "byRow" | "next" | "body" | "waiting">;
  readonly send: Send;
  /** Reports progress to the writer. */
  readonly advance: (receivers: WebhookProgressRequest["receivers"]) => Promise<null | Failure>;
  /** The maximum number of requests in flight; WEBHOOK_REQUESTS_MAX by default. */
  readonly requestsMax?: number;
  /** Returns whether this server delivers events; the default is always true. */
  readonly isLeader?: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Returns a random number between 0 and 1. */
  readonly random?: () => number;
}

export class Deliveries implements BackgroundTask {
  readonly #options: DeliveriesOptions;
  readonly #random: () => number;
  readonly #isLeader: () => boolean;
  readonly #requestsMax: number;
  readonly #bodies: Bodies;
  readonly #receivers = new Map<number, Receiver>();
  /** The receivers that have an event to deliver, and wait until their request may start. */
  #ready: Receiver[] = [];
  #scheduled = false;
  readonly #waiting = new Set<Receiver>();
  #blocked: Receiver[] = [];
  /** The receivers with progress that the writer has not accepted yet. */
  readonly #unreported = new Set<Receiver>();
  #unreportedRows = 0;
  /** Reports progress to the writer: at the next tick, or at once if there is much of it. */
  readonly #reporting: Periodic<void>;
  #inFlight = 0;
  #delivered = 0;
  #failed = 0;
  #setAside = 0;
  #dropped = 0;
  /** The queued deliveries of all webhooks. */
  #queued = 0;
  /** The number of events that were dropped since drops were last logged. */
  #unloggedDrops = 0;
  #dropsLoggedMs = 0;
  #draining = false;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#isLeader = options.isLeader ?? ((): boolean => true);
    this.#requestsMax = options.requestsMax ?? WEBHOOK_REQUESTS_MAX;
    this.#bodies = new Bodies((event) => options.reader.body(event));
    this.#reporting = new Periodic({
      intervalMs: Number.POSITIVE_INFINITY,
      nowMs: options.clock.now(),
      work: () => this.#report(),
      urgent: () => this.#unreported.size > 0 && this.#isLeader(),
    });
  }

  /** The number of requests in flight. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** The number of queued deliveries of all webhooks. */
  get queued(): number {
    return this.#queued;
  }

  /** Loads all webhooks from the database. Called at the start and after a restart of the writer. */
  load(): void {
    const { reader } = this.#options;
    this.#queued = reader.waiting;
    // Reload known webhooks that are no longer stored, too. A crash may have lost the report of their deletion.
    for (const row of new Set([...this.#receivers.keys(), ...reader.all().map((webhook) => webhook.row)]))
      this.#reload(row);
  }

  /**
   * Drops all state. Called when another node becomes the leader and delivers the events. That node repeats the
   * deliveries that this node has not reported. If this node becomes the leader again, `load` reads the stored state.
   */
  clear(): void {
    for (const receiver of this.#receivers.values()) this.#forget(receiver);
    this.#unreportedRows = 0;
  }

  /** Applies the changes that a commit has made to the outbox. */
  take({ queued, changed, chained, rows, dropped }: OutboxPush): void {
    this.#queued = rows;
    this.#dropped += dropped;
    this.#unloggedDrops += dropped;
    for (const { id, fail_count, reason } of chained)
      this.#options.log.warn("webhook disabled", { id, fail_count, reason });
    for (const row of changed) this.#reload(row);
    for (const row of queued) {
      const receiver = this.#receivers.get(row);
      if (receiver !== undefined) this.#wake(receiver);
    }
  }

  tick(nowMs: number): void {
    if (this.#unloggedDrops > 0 && nowMs - this.#dropsLoggedMs >= SECOND_MS) {
      this.#options.log.warn("webhook queue full", { dropped: this.#unloggedDrops });
      this.#unloggedDrops = 0;
      this.#dropsLoggedMs = nowMs;
    }
    for (const receiver of this.#waiting) {
      if (receiver.dueMs > nowMs) continue;
      this.#waiting.delete(receiver);
      receiver.state = "idle";
      this.#wake(receiver);
    }
    this.#reporting.tick(nowMs);
  }

  /** Starts no more requests. The requests in flight continue. */
  drain(): void {
    this.#draining = true;
  }

  /**
   * Reports all progress, unless the writer accepts no more calls. All requests must have ended before. The owner of
   * the HTTP client waits for them, or ends them.
   */
  async close(): Promise<void> {
    this.drain();
    await this.#reporting.run();
    await this.#reporting.close();
  }

  expose(out: Exposition): void {
    out
      .metric(
        "koor_webhook_deliveries_total",
        "counter",
        "Deliveries to webhooks: made, failed attempts, events set aside, and events dropped for lack of room.",
      )
      .sample("koor_webhook_deliveries_total", this.#delivered, { outcome: "delivered" })
      .sample("koor_webhook_deliveries_total", this.#failed, { outcome: "failed" })
      .sample("koor_webhook_deliveries_total", this.#setAside, { outcome: "dead_letter" })
      .sample("koor_webhook_deliveries_total", this.#dropped, { outcome: "dropped" })
      .value("koor_webhook_queue", "gauge", "Queued deliveries of all webhooks.", this.#queued);
  }

  /** Reports progress to the writer. If the writer rejects it, a later tick reports it again. */
  async #report(): Promise<void> {
    const unreported = [...this.#unreported];
    this.#unreported.clear();
    this.#unreportedRows = 0;
    if (unreported.length === 0 || !this.#isLeader()) return;
    const reports = unreported.map((receiver) => ({ receiver, progress: receiver.takeProgress() }));
    const reply = await this.#options.advance(reports.map(({ progress }) => progress));
    if (!(reply instanceof Failure)) return;
    for (const { receiver, progress } of reports) {
      if (this.#receivers.get(receiver.row) !== receiver) continue;
      receiver.requeueProgress(progress);
      this.#unreported.add(receiver);
    }
  }

  /** Loads the stored state of one webhook. */
  #reload(row: number): void {
    const stored = this.#options.reader.byRow(row);
    const known = this.#receivers.get(row);
    if (stored === undefined) {
      if (known !== undefined) this.#forget(known);
      return;
    }
    // Only the node that delivers keeps this state, which is newer than the database. On other nodes it would become
    // stale.
    if (!this.#isLeader()) return;
    const receiver = known ?? new Receiver(stored);
    this.#receivers.set(row, receiver);
    receiver.update(stored);
    // Let a waiting receiver check its queue now. The webhook may have been enabled, or the failing event may have been
    // skipped.
    if (receiver.state === "waiting" || (receiver.state === "ended" && receiver.failCount < WEBHOOK_FAILURES_MAX)) {
      this.#waiting.delete(receiver);
      receiver.state = "idle";
    }
    this.#wake(receiver);
  }

  #forget(receiver: Receiver): void {
    this.#receivers.delete(receiver.row);
    this.#waiting.delete(receiver);
    this.#unreported.delete(receiver);
    receiver.active = false;
  }

  /**
   * Queues a receiver for a request. One event may go to a thousand webhooks, so only a few requests start in each
   * tick. If too many requests are in flight, the receiver waits until some have ended.
   */
  #wake(receiver: Receiver): void {
    if (receiver.state !== "idle" || !receiver.active || this.#draining || !this.#isLeader()) return;
    receiver.state = "ready";
    this.#ready.push(receiver);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#ready.length === 0 || this.#inFlight >= this.#requestsMax) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const starts = Math.min(WEBHOOK_STARTS_PER_TICK, this.#requestsMax - this.#inFlight);
      for (const receiver of this.#ready.splice(0, starts)) this.#begin(receiver);
      this.#schedule();
    });
  }

  #begin(receiver: Receiver): void {
    receiver.state = "idle";
    const known = this.#receivers.get(receiver.row) === receiver;
    if (!known || !receiver.active || this.#draining || !this.#isLeader()) return;
    const next = this.#options.reader.next(receiver.row, receiver.delivered);
    if (next === undefined) return;
    receiver.setHead(next.event);
    const beganMs = this.#options.clock.now();
    if (receiver.dueMs > beganMs) {
      this.#wait(receiver, Math.min(receiver.dueMs - beganMs, WEBHOOK_RETRY_AFTER_MS_MAX));
      return;
    }
    const body = this.#bodies.take(next.event, next.bytes);
    if (body === "gone") return;
    if (body === "full") {
      receiver.state = "blocked";
      this.#blocked.push(receiver);
      return;
    }
    receiver.state = "sending";
    this.#inFlight += 1;
    const { url, secret, id } = receiver;
    const sent = this.#options.send({ url, secret, id: deliveryId(id, next.event), hops: next.hops, body });
    void sent.then((outcome) => this.#settle(receiver, next.event, beganMs, outcome));
  }

  #settle(receiver: Receiver, event: number, beganMs: number, outcome: Outcome): void {
    this.#inFlight -= 1;
    this.#bodies.release(event);
    receiver.state = "idle";
    if (this.#receivers.get(receiver.row) === receiver) {
      if (outcome.kind === "not sent") this.#wait(receiver, WEBHOOK_RETRY_MS_MAX);
      // During a shutdown, do not count a failure. The shutdown itself may have ended the request.
      else if (outcome.kind === "delivered" || !this.#draining) {
        this.#unreported.add(receiver);
        receiver.record(this.#logged(receiver, event, beganMs, outcome));
        if (outcome.kind === "delivered") this.#settleDelivered(receiver, event);
        else this.#settleFailed(receiver, event, outcome);
      }
    }
    for (const blocked of this.#blocked.splice(0)) {
      blocked.state = "idle";
      this.#wake(blocked);
    }
    this.#schedule();
  }

  #logged(
    { tries }: Receiver,
    event: number,
    beganMs: number,
    outcome: Exclude<Outcome, { readonly kind: "not sent" }>,
  ): LoggedDelivery {
    const durationMs = Math.max(0, this.#options.clock.now() - beganMs);
    const error = outcome.kind === "delivered" ? null : errorText(outcome.reason);
    return { at_ms: beganMs, event, attempt: tries + 1, status: outcome.status, duration_ms: durationMs, error };
  }

  #settleDelivered(receiver: Receiver, event: number): void {
    const { clock, log } = this.#options;
    this.#delivered += 1;
    if (log.debugs) log.debug("webhook delivered", { id: receiver.id, event_id: event });
    receiver.failCount = 0;
    receiver.firedAt = clock.now();
    this.#settled(receiver, event);
  }

  #settleFailed(receiver: Receiver, event: number, { failure, reason, retryAfterMs }: Failed): void {
    const { clock, log, reader } = this.#options;
    const nowMs = clock.now();
    this.#failed += 1;
    if (receiver.tries === 0) receiver.sinceMs = nowMs;
    receiver.failCount += 1;
    receiver.tries += 1;
    receiver.spent += COSTS[failure];
    receiver.failure = { at_ms: nowMs, error: errorText(reason) };
    // Hide the URL of a redirect. Not every reader of the log is allowed to know it.
    const shown = withoutLocation(reason);
    log.debug("webhook delivery failed", {
      id: receiver.id,
      event_id: event,
      reason: shown,
      fail_count: receiver.failCount,
    });
    if (receiver.failCount >= WEBHOOK_FAILURES_MAX) {
      log.warn("webhook disabled", { id: receiver.id, fail_count: receiver.failCount, reason: shown });
      receiver.state = "ended";
      void this.#reporting.run();
    } else if (reader.next(receiver.row, receiver.delivered)?.event !== event) {
      // The event was skipped while its request was in flight. So continue with the next event.
      this.#wake(receiver);
    } else if (receiver.spent >= WEBHOOK_EVENT_BUDGET) {
      log.warn("webhook event set aside", {
        id: receiver.id,
        event_id: event,
        attempts: receiver.tries,
        reason: shown,
      });
      this.#setAside += 1;
      receiver.setAside({ event, at_ms: nowMs, attempts: receiver.tries, error: errorText(reason) });
      this.#settled(receiver, event);
    } else {
      this.#wait(receiver, Math.max(retryDelay(receiver.tries, this.#random()), retryAfterMs));
    }
  }

  /** Records that an event was delivered or moved to the dead letters. Then continues with the next event. */
  #settled(receiver: Receiver, event: number): void {
    receiver.delivered = event;
    receiver.setHead(NO_EVENT);
    this.#unreportedRows += 1;
    if (this.#unreportedRows >= WEBHOOK_PROGRESS_ROWS) void this.#reporting.run();
    this.#wake(receiver);
  }

  #wait(receiver: Receiver, delayMs: number): void {
    receiver.state = "waiting";
    receiver.dueMs = this.#options.clock.now() + delayMs;
    this.#waiting.add(receiver);
  }
}
