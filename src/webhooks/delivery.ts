/**
 * Delivers what the outbox holds: an ordered lane a webhook, one request under way in each, so that a slow
 * receiver delays nobody else. Runs on the front. It reads the queue one event at a time from the front's
 * own handle, and keeps no more of it in memory than what is being sent.
 *
 * How far lanes have come goes to the writer in batches. What was delivered and not yet told is delivered
 * again after a crash: at least once, with the same delivery id.
 */
import {
  WEBHOOK_FAILURES_MAX,
  WEBHOOK_PROGRESS_ROWS,
  WEBHOOK_RETRY_MS_MAX,
  WEBHOOK_STARTS_PER_TURN,
} from "../../schemas/limits.js";
import type { OutboxNotice, WebhookProgressRequest } from "../../schemas/webhooks.js";
import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { Failure } from "../base/result.js";
import type { Registry } from "../measure/registry.js";
import { retryDelay } from "./backoff.js";
import { Bodies } from "./bodies.js";
import { Lane } from "./lane.js";
import { deliveryId } from "./request.js";
import type { Outcome, Send } from "./send.js";
import type { WebhookReader } from "./table.js";

const SECOND_MS = 1_000;

export interface DeliveriesOptions {
  readonly reader: Pick<WebhookReader, "all" | "byRow" | "next" | "body" | "waiting">;
  readonly send: Send;
  /** Tells the writer how far lanes have come. */
  readonly advance: (request: WebhookProgressRequest) => Promise<null | Failure>;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Log;
  /** Between 0 and 1. */
  readonly random?: () => number;
}

export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #random: () => number;
  readonly #bodies: Bodies;
  readonly #lanes = new Map<number, Lane>();
  /** Lanes in line for a request. */
  #ready: Lane[] = [];
  #scheduled = false;
  readonly #waiting = new Set<Lane>();
  #blocked: Lane[] = [];
  /** Lanes that the writer is to be told of. */
  readonly #untold = new Set<Lane>();
  #untold_rows = 0;
  #telling: Promise<void> | null = null;
  #in_flight = 0;
  /** Since the last line of the log. */
  #dropped = 0;
  #dropped_told_ms = 0;
  #draining = false;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#bodies = new Bodies((event) => options.reader.body(event));
  }

  /** Requests under way. */
  get inFlight(): number {
    return this.#in_flight;
  }

  /** Reads all webhooks: at the start, and after the writer was restarted. */
  load(): void {
    const { reader, registry } = this.#options;
    registry.webhook_queue = reader.waiting;
    // Also those that are known and no longer stored: what was told of them may have been lost with a crash.
    for (const row of new Set([...this.#lanes.keys(), ...reader.all().map((webhook) => webhook.row)]))
      this.#reload(row);
  }

  /** Takes what a commit did to the outbox. */
  take({ queued, changed, rows, dropped }: OutboxNotice): void {
    const { registry } = this.#options;
    registry.webhook_queue = rows;
    registry.webhooks_dropped += dropped;
    this.#dropped += dropped;
    for (const row of changed) this.#reload(row);
    for (const row of queued) {
      const lane = this.#lanes.get(row);
      if (lane !== undefined) this.#wake(lane);
    }
  }

  tick(now_ms: number): void {
    if (this.#dropped > 0 && now_ms - this.#dropped_told_ms >= SECOND_MS) {
      this.#options.log.warn("webhook queue full", { dropped: this.#dropped });
      this.#dropped = 0;
      this.#dropped_told_ms = now_ms;
    }
    for (const lane of this.#waiting) {
      if (lane.due_ms > now_ms) continue;
      this.#waiting.delete(lane);
      lane.state = "idle";
      this.#wake(lane);
    }
    if (this.#untold.size > 0) void this.tell();
  }

  /** From now on no request is begun; those that are under way may end. */
  drain(): void {
    this.#draining = true;
  }

  /** Tells the writer how far the lanes have come; what it could not be told is told at a later tick. */
  tell(): Promise<void> {
    this.#telling ??= this.#tellAll().finally(() => {
      this.#telling = null;
    });
    return this.#telling;
  }

  /** After the last delivery: the writer has been told everything, unless it takes nothing any more. */
  async finish(): Promise<void> {
    // One round may be under way that began before the last delivery ended.
    for (let round = 0; round < 2; round++) await this.tell();
  }

  async #tellAll(): Promise<void> {
    const lanes = [...this.#untold];
    this.#untold.clear();
    this.#untold_rows = 0;
    if (lanes.length === 0) return;
    const reply = await this.#options.advance({ lanes: lanes.map((lane) => lane.progress()) });
    if (reply instanceof Failure)
      for (const lane of lanes) if (this.#lanes.get(lane.row) === lane) this.#untold.add(lane);
  }

  /** Takes over what is stored of one webhook. */
  #reload(row: number): void {
    const stored = this.#options.reader.byRow(row);
    const known = this.#lanes.get(row);
    if (stored === undefined) {
      if (known !== undefined) this.#forget(known);
      return;
    }
    const lane = known ?? new Lane(stored);
    this.#lanes.set(row, lane);
    const enabled = lane.update(stored);
    if ((enabled && lane.state === "waiting") || (lane.state === "ended" && lane.fail_count < WEBHOOK_FAILURES_MAX)) {
      this.#waiting.delete(lane);
      lane.state = "idle";
    }
    this.#wake(lane);
  }

  #forget(lane: Lane): void {
    this.#lanes.delete(lane.row);
    this.#waiting.delete(lane);
    this.#untold.delete(lane);
    lane.active = false;
  }

  /** Puts a lane in line. A few begin in each turn of the loop: an event may be wanted by a thousand. */
  #wake(lane: Lane): void {
    if (lane.state !== "idle" || !lane.active || this.#draining) return;
    lane.state = "ready";
    this.#ready.push(lane);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const lanes = this.#ready.splice(0, WEBHOOK_STARTS_PER_TURN);
      for (const lane of lanes) this.#begin(lane);
      if (this.#ready.length > 0) this.#schedule();
    });
  }

  #begin(lane: Lane): void {
    lane.state = "idle";
    if (!lane.active || this.#draining) return;
    const next = this.#options.reader.next(lane.row, lane.delivered);
    if (next === undefined) return;
    const body = this.#bodies.take(next.event, next.bytes);
    if (body === "gone") return;
    if (body === "full") {
      lane.state = "blocked";
      this.#blocked.push(lane);
      return;
    }
    lane.state = "sending";
    this.#in_flight += 1;
    const { url, secret, id } = lane;
    const sent = this.#options.send({ url, secret, id: deliveryId(id, next.event), body });
    void sent.then((outcome) => this.#settle(lane, next.event, outcome));
  }

  #settle(lane: Lane, event: number, outcome: Outcome): void {
    this.#in_flight -= 1;
    this.#bodies.release(event);
    lane.state = "idle";
    if (this.#lanes.get(lane.row) === lane) {
      if (outcome.kind === "delivered") this.#delivered(lane, event);
      else if (outcome.kind === "failed") this.#failed(lane, event, outcome.reason);
      else this.#wait(lane, WEBHOOK_RETRY_MS_MAX);
    }
    for (const blocked of this.#blocked.splice(0)) {
      blocked.state = "idle";
      this.#wake(blocked);
    }
  }

  #delivered(lane: Lane, event: number): void {
    const { registry, clock, log } = this.#options;
    registry.webhooks_delivered += 1;
    if (log.debugs) log.debug("webhook delivered", { id: lane.id, event_id: event });
    lane.delivered = event;
    lane.fail_count = 0;
    lane.tries = 0;
    lane.fired_at = clock.now();
    this.#untold.add(lane);
    this.#untold_rows += 1;
    if (this.#untold_rows >= WEBHOOK_PROGRESS_ROWS) void this.tell();
    this.#wake(lane);
  }

  #failed(lane: Lane, event: number, reason: string): void {
    const { registry, log } = this.#options;
    // What a shutdown cut off is not the receiver's failure.
    if (this.#draining) return;
    registry.webhooks_failed += 1;
    lane.fail_count += 1;
    lane.tries += 1;
    log.debug("webhook delivery failed", { id: lane.id, event_id: event, reason, fail_count: lane.fail_count });
    this.#untold.add(lane);
    if (lane.fail_count >= WEBHOOK_FAILURES_MAX) {
      log.warn("webhook disabled", { id: lane.id, fail_count: lane.fail_count, reason });
      lane.state = "ended";
      void this.tell();
      return;
    }
    this.#wait(lane, retryDelay(lane.tries, this.#random()));
  }

  #wait(lane: Lane, delay_ms: number): void {
    lane.state = "waiting";
    lane.due_ms = this.#options.clock.now() + delay_ms;
    this.#waiting.add(lane);
  }
}
