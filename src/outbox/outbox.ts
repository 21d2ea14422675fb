/**
 * The outbox: which webhooks want an event, and a row for each of them in the event's own transaction, so
 * that an event is in the history exactly when its deliveries are queued. Lives in the writer; delivering is
 * the front's (delivery.ts).
 *
 * Active webhooks are held in memory by their patterns: an event that none wants costs a look-up. A queue
 * is bounded by rows and bytes; what does not fit is dropped for that webhook alone, the new before the
 * old, and counted. A webhook whose deliveries cause what it gets is turned off (docs/webhooks.md "Chains").
 */
import {
  WEBHOOK_ERROR_CHARS_MAX,
  WEBHOOK_FAILURES_MAX,
  WEBHOOK_HOPS_MAX,
  WEBHOOK_QUEUE_BYTES_MAX,
  WEBHOOK_QUEUE_ROWS_MAX,
} from "../../schemas/limits.js";
import { utf8Length } from "../../schemas/text.js";
import { OutboxPush, type SetAside, type WebhookProgress } from "../../schemas/webhooks.js";
import { assert, must } from "../base/assert.js";
import { Failure } from "../base/result.js";
import type { PushMessage } from "../rpc/method.js";
import type { Db } from "../store/open.js";
import { type Model, type Publication, PublishingModel } from "../threads/model.js";
import { PatternIndex } from "../topics/pattern-index.js";
import { compilePattern } from "../topics/pattern.js";
import { DeadLetterTable } from "./dead-letters.js";
import { DeliveryLogTable } from "./delivery-log.js";
import { encodeDelivery, type DeliveredEvent } from "./encode.js";
import { WebhookTable, type WebhookRow } from "./table.js";

/** What a commit did to the outbox. */
export const OUTBOX = { name: "outbox", payload: OutboxPush } as const satisfies PushMessage;

/** An event as the outbox takes it. */
export interface OutboxEvent extends DeliveredEvent {
  /** How many deliveries have led to it: 0 where nobody caused it by one. */
  readonly hops: number;
  /** Whether a webhook may be turned off for that. */
  readonly trusted: boolean;
}

/** A webhook that was disabled, and why; `reason` null where deliveries failed too often. */
export interface DisabledWebhook {
  readonly id: string;
  readonly url: string;
  readonly fail_count: number;
  readonly reason: string | null;
}

/** Nearly all events turn nothing off. */
const NONE: readonly DisabledWebhook[] = [];
const CHAIN_TOO_LONG = `a chain of deliveries would be longer than ${WEBHOOK_HOPS_MAX}`;

/** What the writer holds of a webhook. */
interface HeldWebhook {
  readonly row: number;
  readonly patterns: readonly string[];
  active: boolean;
  rows: number;
  bytes: number;
  /** The last event that was looked at: several of its patterns may match one event. */
  seen: number;
}

export class Outbox extends PublishingModel {
  readonly table: WebhookTable;
  readonly letters: DeadLetterTable;
  readonly log: DeliveryLogTable;
  #held = new Map<number, HeldWebhook>();
  #index = new PatternIndex();
  /** Active webhooks by the text of each of their patterns. */
  #by_pattern = new Map<string, Set<HeldWebhook>>();
  #rows = 0;
  #queued = new Set<number>();
  #changed = new Set<number>();
  #chained: OutboxPush["chained"] = [];
  #dropped = 0;
  /** Whether an event found no room in this transaction, which its webhook says. */
  #overflowed = false;
  /** Ids of webhooks that this transaction has turned off. */
  #disabledIds: string[] = [];
  /** Whether this transaction has changed what is held, or would have to be told of. */
  #touched = false;

  constructor(db: Db) {
    super();
    this.table = new WebhookTable(db);
    this.letters = new DeadLetterTable(db);
    this.log = new DeliveryLogTable(db);
    this.#load();
  }

  get webhooks(): number {
    return this.#held.size;
  }

  /** Whether there is any active webhook. */
  get listens(): boolean {
    return this.#by_pattern.size > 0;
  }

  /**
   * Queues an event for every active webhook that wants it. One whose deliveries would make a chain too long is
   * disabled instead, and its queue stays as it is; where who says so is not trusted the event is dropped.
   * @returns those that were disabled, which is to be told
   */
  publish(event: OutboxEvent): readonly DisabledWebhook[] {
    const texts = this.#index.match(event.topic);
    if (texts.length === 0) return NONE;
    const wanting = this.#wanting(event.id, texts);
    if (event.hops >= WEBHOOK_HOPS_MAX) {
      return event.trusted ? this.#disableChained(wanting, event.created_at) : this.#drop(wanting);
    }
    this.#queue(event, wanting);
    return NONE;
  }

  /** The refusal of patterns of which one is malformed; null where all compile. */
  refusePatterns(texts: readonly string[]): Failure | null {
    for (const text of texts) {
      const pattern = compilePattern(text);
      if (pattern instanceof Failure) return pattern;
    }
    return null;
  }

  /** Begins to hold a webhook that was stored. */
  add(webhook: WebhookRow): void {
    this.#touch(webhook.row);
    this.#hold(webhook, 0, 0);
  }

  /** Forgets a webhook that is being deleted, and drops its queue. */
  remove(row: number): void {
    this.#touch(row);
    const held = must(this.#held.get(row), "a stored webhook is held");
    this.#unqueue(held, Number.MAX_SAFE_INTEGER);
    this.letters.deleteAll(row);
    this.log.deleteAll(row);
    this.#stop(held);
    this.#held.delete(row);
  }

  /** Goes on queueing for a webhook; what was published while it was off stays undelivered. */
  enable(row: number): void {
    this.#touch(row);
    const held = must(this.#held.get(row), "a stored webhook is held");
    if (!held.active) this.#start(held);
  }

  /**
   * Takes in how far deliveries to a webhook have come. One that has failed too often in a row is disabled. Of one
   * that is off already, what it was turned off for stays its last failure.
   * @returns the webhook when it was disabled now
   */
  advance(progress: WebhookProgress): DisabledWebhook | undefined {
    const { webhook, epoch, delivered, fail_count, fired_at, failure, head, log, set_aside } = progress;
    const stored = this.table.byRow(webhook);
    if (stored === undefined) return undefined; // deleted meanwhile
    const held = must(this.#held.get(webhook), "a stored webhook is held");
    for (const aside of set_aside) this.#setAside(held, aside);
    if (delivered > 0) this.#unqueue(held, delivered);
    const same = stored.epoch === epoch;
    this.table.setProgress(webhook, same ? fail_count : stored.fail_count, fired_at);
    if (same) this.table.setHead(webhook, head);
    if (failure !== undefined && stored.active === 1) this.table.setFailure(webhook, failure);
    this.log.add(webhook, log);
    if (!same || fail_count < WEBHOOK_FAILURES_MAX || stored.active === 0) return undefined;
    return this.#disable(held, null);
  }

  /**
   * Sets the event at the head of a webhook's queue aside.
   * @param event which one that has to be; null where it does not matter
   * @returns the event, or why none was skipped
   */
  skip(row: number, event: number | null, now_ms: number): number | Failure {
    const stored = must(this.table.byRow(row), "a webhook that is skipped at is stored");
    const head = this.table.first(row);
    if (head === undefined) return new Failure("ALREADY_EXISTS", "no event waits for this webhook");
    if (event !== null && event !== head)
      return new Failure("ALREADY_EXISTS", `event ${event} is not the next one: event ${head} is`);
    const held = must(this.#held.get(row), "a stored webhook is held");
    const attempts = stored.head_event === head ? (stored.head_tries ?? 0) : 0;
    const error = attempts > 0 ? `skipped: ${stored.last_error ?? ""}` : "skipped";
    this.#touch(row);
    this.#setAside(held, { event: head, at_ms: now_ms, attempts, error: error.slice(0, WEBHOOK_ERROR_CHARS_MAX) });
    this.#unqueue(held, head);
    this.table.setHead(row, null);
    return head;
  }

  afterCommit({ changes, push }: Publication): void {
    if (!this.#touched) return;
    // The call during which a webhook was turned off does not report that itself.
    for (const id of this.#disabledIds) changes?.add("webhook", id, null);
    if (this.#overflowed) changes?.add("webhook", null, null);
    push(OUTBOX, {
      queued: [...this.#queued],
      changed: [...this.#changed],
      chained: this.#chained,
      rows: this.#rows,
      dropped: this.#dropped,
    });
    this.#clearPending();
  }

  /** Webhooks came with a restore: holds them, and lets the front know of each. */
  loadRestored(): void {
    this.#clearPending();
    this.#load();
    for (const row of this.#held.keys()) this.#touch(row);
  }

  /** After a rollback: holds again what is stored. */
  reload(): void {
    if (!this.#touched) return;
    this.#clearPending();
    this.#load();
  }

  #clearPending(): void {
    this.#queued = new Set();
    this.#changed = new Set();
    this.#chained = [];
    this.#dropped = 0;
    this.#disabledIds = [];
    this.#overflowed = false;
    this.#touched = false;
  }

  #load(): void {
    this.#held = new Map();
    this.#index = new PatternIndex();
    this.#by_pattern = new Map();
    this.#rows = 0;
    for (const webhook of this.table.all()) {
      const { rows, bytes } = this.table.size(webhook.row, Number.MAX_SAFE_INTEGER);
      this.#hold(webhook, rows, bytes);
      this.#rows += rows;
    }
  }

  #hold(webhook: WebhookRow, rows: number, bytes: number): void {
    const held: HeldWebhook = {
      row: webhook.row,
      patterns: JSON.parse(webhook.patterns) as string[],
      active: false,
      rows,
      bytes,
      seen: 0,
    };
    this.#held.set(webhook.row, held);
    if (webhook.active === 1) this.#start(held);
  }

  #start(held: HeldWebhook): void {
    held.active = true;
    for (const text of held.patterns) {
      const pattern = compilePattern(text);
      assert(!(pattern instanceof Failure), "a stored pattern compiles");
      const others = this.#by_pattern.get(text);
      if (others === undefined) this.#by_pattern.set(text, new Set([held]));
      else others.add(held);
      this.#index.add(pattern);
    }
  }

  #stop(held: HeldWebhook): void {
    held.active = false;
    for (const text of held.patterns) {
      const others = this.#by_pattern.get(text);
      if (others === undefined) continue;
      others.delete(held);
      if (others.size > 0) continue;
      this.#by_pattern.delete(text);
      this.#index.delete(text);
    }
  }

  /** Disables a webhook; it wants nothing any more. */
  #disable(held: HeldWebhook, reason: string | null): DisabledWebhook {
    this.#touch(held.row);
    this.table.disable(held.row);
    this.#stop(held);
    const { id, url, fail_count } = must(this.table.byRow(held.row), "a webhook that is held is stored");
    this.#disabledIds.push(id);
    if (reason !== null) this.#chained.push({ id, fail_count, reason });
    return { id, url, fail_count, reason };
  }

  #drop(wanting: readonly HeldWebhook[]): readonly DisabledWebhook[] {
    this.#setTouched();
    this.#dropped += wanting.length;
    return NONE;
  }

  /** Disables the webhooks of a chain that is too long, in an order that memory has no part in. */
  #disableChained(wanting: HeldWebhook[], now_ms: number): readonly DisabledWebhook[] {
    return wanting
      .sort((a, b) => a.row - b.row)
      .map((held) => {
        this.table.setFailure(held.row, { error: CHAIN_TOO_LONG, at_ms: now_ms });
        return this.#disable(held, CHAIN_TOO_LONG);
      });
  }

  /** The active webhooks that have one of these patterns, each once. */
  #wanting(event: number, texts: readonly string[]): HeldWebhook[] {
    const wanting: HeldWebhook[] = [];
    for (const text of texts) {
      for (const held of this.#by_pattern.get(text) ?? []) {
        if (held.seen === event) continue;
        held.seen = event;
        wanting.push(held);
      }
    }
    return wanting;
  }

  #queue(event: OutboxEvent, wanting: readonly HeldWebhook[]): void {
    this.#setTouched();
    const taking: HeldWebhook[] = [];
    for (const held of wanting) {
      if (held.rows < WEBHOOK_QUEUE_ROWS_MAX) taking.push(held);
      else this.#overflow(held, 1);
    }
    if (taking.length === 0) return;
    const body = encodeDelivery(event);
    const bytes = utf8Length(body);
    let waiting = 0;
    for (const held of taking) {
      // One event fits an empty queue however large it is.
      if (held.rows > 0 && held.bytes + bytes > WEBHOOK_QUEUE_BYTES_MAX) {
        this.#overflow(held, 1);
        continue;
      }
      held.rows += 1;
      held.bytes += bytes;
      waiting += 1;
      this.table.queue(held.row, event.id);
      this.#queued.add(held.row);
    }
    if (waiting > 0) this.table.storeBody(event.id, waiting, bytes, body, event.hops);
    this.#rows += waiting;
  }

  #overflow({ row }: HeldWebhook, events: number): void {
    this.#setTouched();
    this.#overflowed = true;
    this.#dropped += events;
    this.table.countDropped(row, events);
  }

  /** Sets a queued event aside; the queue still has it. */
  #setAside(held: HeldWebhook, aside: SetAside): void {
    const discarded = this.letters.add(held.row, aside);
    if (discarded > 0) this.#overflow(held, discarded);
  }

  #unqueue(held: HeldWebhook, upto: number): void {
    const { rows, bytes } = this.table.unqueue(held.row, upto);
    if (rows === 0) return;
    this.#setTouched();
    held.rows -= rows;
    held.bytes -= bytes;
    this.#rows -= rows;
  }

  #setTouched(): void {
    this.#touched = true;
    this.markDirty();
  }

  #touch(row: number): void {
    this.#setTouched();
    this.#changed.add(row);
  }
}

export const outboxModel: Model<Outbox> = { open: ({ db }) => new Outbox(db) };
