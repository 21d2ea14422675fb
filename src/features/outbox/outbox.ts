/**
 * The outbox of webhooks. It finds the webhooks that subscribe to an event, and adds the event to their queues. This
 * happens in the transaction that stores the event, so an event is in the history if and only if its deliveries are
 * queued. Runs in the writer. The front delivers the events (src/features/webhooks/delivery.ts).
 *
 * All webhooks are in memory, indexed by their patterns. A search for subscribers takes a bounded number of steps,
 * because the server rejects a webhook whose patterns would exceed the bound. Disabled webhooks count towards the bound
 * too, so that each can be enabled again.
 *
 * Each queue is limited in rows and bytes, and so are all queues together. If an event does not fit into a webhook's
 * queue, the outbox drops the event for this webhook only, and counts the drop. A webhook is disabled if it receives
 * events that its own deliveries have caused (docs/webhooks.md "Chains").
 */
import {
  WEBHOOK_BODIES_STORED_BYTES_MAX,
  WEBHOOK_ERROR_CHARS_MAX,
  WEBHOOK_FAILURES_MAX,
  WEBHOOK_HOPS_MAX,
  WEBHOOK_PATTERN_STEPS_MAX,
  WEBHOOK_QUEUE_BYTES_LEAST,
  WEBHOOK_QUEUE_BYTES_MAX,
  WEBHOOK_QUEUE_ROWS_LEAST,
  WEBHOOK_QUEUE_ROWS_MAX,
  WEBHOOK_QUEUES_ROWS_MAX,
} from "../../../schemas/limits/webhooks.js";
import { utf8Length } from "../../../schemas/text.js";
import { OutboxPush, type SetAside, type WebhookProgress } from "../../../schemas/webhooks.js";
import { assert, must } from "../../base/assert.js";
import { Failure, invalid } from "../../base/result.js";
import type { PushMessage } from "../../platform/rpc/method.js";
import type { Db } from "../../platform/store/open.js";
import type { WriteBuffer } from "../../platform/store/write-buffer.js";
import { type Model, type Publication, PublishingModel } from "../../platform/threads/model.js";
import { PatternIndex } from "../../platform/topics/pattern-index.js";
import { compilePattern } from "../../platform/topics/pattern.js";
import { DeadLetterTable } from "./dead-letters.js";
import { DeliveryLogTable } from "./delivery-log.js";
import { encodeDelivery, type DeliveredEvent } from "./encode.js";
import { DropCounts } from "./drop-counts.js";
import { type StoredBodies, WebhookTable, type WebhookRow } from "./table.js";

/** The push message with the changes that a commit has made to the outbox. */
export const OUTBOX = { name: "outbox", payload: OutboxPush } as const satisfies PushMessage;

/** An event as the outbox receives it. */
export interface OutboxEvent extends DeliveredEvent {
  /** The number of webhook deliveries in the chain that caused this event; 0 if no delivery caused it. */
  readonly hops: number;
  /**
   * Whether the server trusts the caller that reported `hops`. Only a trusted caller's report may disable a webhook.
   */
  readonly trusted: boolean;
}

/** A webhook that was disabled. `reason` is null if its deliveries failed too often. */
export interface DisabledWebhook {
  readonly id: string;
  readonly url: string;
  readonly fail_count: number;
  readonly reason: string | null;
}

/**
 * An empty list that all calls share. Nearly all events disable no webhook, so a new list for each event would be
 * waste.
 */
const NONE: readonly DisabledWebhook[] = [];
const CHAIN_TOO_LONG = `a chain of deliveries would be longer than ${WEBHOOK_HOPS_MAX}`;

/** A webhook in the writer's memory. */
interface HeldWebhook {
  readonly row: number;
  readonly patterns: readonly string[];
  active: boolean;
  rows: number;
  bytes: number;
  /**
   * The id of the event that last matched this webhook. If several patterns of the webhook match one event, this id
   * keeps the webhook from being found twice.
   */
  seen: number;
}

export class Outbox extends PublishingModel {
  readonly table: WebhookTable;
  readonly letters: DeadLetterTable;
  readonly log: DeliveryLogTable;
  readonly #stored: StoredBodies = { bytes: 0 };
  readonly #drops: DropCounts;
  #held = new Map<number, HeldWebhook>();
  #index = new PatternIndex();
  /** All webhooks, grouped by each of their patterns. */
  #byPattern = new Map<string, Set<HeldWebhook>>();
  #active = 0;
  #rows = 0;
  #queued = new Set<number>();
  #changed = new Set<number>();
  #chained: OutboxPush["chained"] = [];
  #dropped = 0;
  /**
   * Whether this transaction dropped an event or a dead letter for lack of room. This increases the webhook's
   * `dropped`.
   */
  #overflowed = false;
  /** The ids of the webhooks that this transaction has disabled. */
  #disabledIds: string[] = [];
  /**
   * Whether this transaction has changed the memory of this class. If so, the commit reports the changes to the front,
   * and a rollback loads the stored state again.
   */
  #touched = false;

  constructor(db: Db, rows: WriteBuffer) {
    super();
    this.table = new WebhookTable(db, this.#stored);
    this.letters = new DeadLetterTable(db, this.#stored);
    this.#drops = new DropCounts(this.table, rows);
    this.log = new DeliveryLogTable(db);
    this.#load();
  }

  get webhooks(): number {
    return this.#held.size;
  }

  /** Whether at least one webhook is active. */
  get listens(): boolean {
    return this.#active > 0;
  }

  /**
   * The number of nodes of the pattern index that the searches for subscribers have visited, summed over all searches.
   */
  get visited(): number {
    return this.#index.visited;
  }

  /**
   * Queues an event for every active webhook that subscribes to it. An event with too many `hops` is not queued. If the
   * caller that reported the `hops` is trusted, the subscribed webhooks are also disabled. They keep their queues.
   * @returns the webhooks that this call has disabled; the caller publishes events about them
   */
  publish(event: OutboxEvent): readonly DisabledWebhook[] {
    const texts = this.#index.match(event.topic);
    if (texts.length === 0) return NONE;
    const wanting = this.#wanting(event.id, texts);
    if (wanting.length === 0) return NONE;
    if (event.hops >= WEBHOOK_HOPS_MAX) {
      return event.trusted ? this.#disableChained(wanting, event.created_at) : this.#drop(wanting);
    }
    this.#queue(event, wanting);
    return NONE;
  }

  /** Returns the failure for the first malformed pattern; null if all patterns are valid. */
  refusePatterns(texts: readonly string[]): Failure | null {
    for (const text of texts) {
      const pattern = compilePattern(text);
      if (pattern instanceof Failure) return pattern;
    }
    return null;
  }

  /**
   * Returns a failure if matching a topic would take too many steps with these patterns added. The limit applies to the
   * patterns of all webhooks together. Returns null if the patterns are within the limit.
   */
  refuseSteps(texts: readonly string[]): Failure | null {
    const added = texts.filter((text) => this.#addPattern(text));
    if (added.length === 0) return null;
    const { steps } = this.#index;
    for (const text of added) this.#index.delete(text);
    if (steps <= WEBHOOK_PATTERN_STEPS_MAX) return null;
    return invalid(
      `matching a topic with the patterns of all webhooks would take up to ${steps} steps, ` +
        `more than ${WEBHOOK_PATTERN_STEPS_MAX}: use fewer wildcards, or delete a webhook first`,
    );
  }

  /** Adds a webhook that was stored. */
  add(webhook: WebhookRow): void {
    this.#touch(webhook.row);
    this.#hold(webhook, 0, 0);
  }

  /** Removes a webhook that is being deleted, with its queue, dead letters and delivery log. */
  remove(row: number): void {
    this.#touch(row);
    const held = must(this.#held.get(row), "a stored webhook is in memory");
    this.#unqueue(held, Number.MAX_SAFE_INTEGER);
    this.letters.deleteAll(row);
    this.log.deleteAll(row);
    this.#setActive(held, false);
    this.#removePatterns(held);
    this.#held.delete(row);
  }

  /** Starts to queue events for a webhook again. Events that were published while it was disabled are not delivered. */
  enable(row: number): void {
    this.#touch(row);
    const held = must(this.#held.get(row), "a stored webhook is in memory");
    this.#setActive(held, true);
  }

  /**
   * Stores the delivery progress of a webhook. Disables the webhook after too many consecutive failures. The last error
   * of a webhook that is already disabled is not replaced.
   * @returns the webhook if this call has disabled it
   */
  advance(progress: WebhookProgress): DisabledWebhook | undefined {
    const { webhook, epoch, delivered, fail_count, fired_at, failure, head, log, set_aside } = progress;
    const stored = this.table.byRow(webhook);
    if (stored === undefined) return undefined; // The webhook was deleted in the meantime.
    const held = must(this.#held.get(webhook), "a stored webhook is in memory");
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
   * Moves the next event of a webhook's queue to the dead letters.
   * @param event the id that the next event must have; null if any event may be moved
   * @returns the id of the moved event, or the failure
   */
  skip(row: number, event: number | null, nowMs: number): number | Failure {
    const stored = must(this.table.byRow(row), "a webhook with a skipped event is stored");
    const head = this.table.first(row);
    if (head === undefined) return new Failure("ALREADY_EXISTS", "no event waits for this webhook");
    if (event !== null && event !== head)
      return new Failure("ALREADY_EXISTS", `event ${event} is not the next one: event ${head} is`);
    const held = must(this.#held.get(row), "a stored webhook is in memory");
    const attempts = stored.head_event === head ? (stored.head_tries ?? 0) : 0;
    const error = attempts > 0 ? `skipped: ${stored.last_error ?? ""}` : "skipped";
    this.#touch(row);
    this.#setAside(held, { event: head, at_ms: nowMs, attempts, error: error.slice(0, WEBHOOK_ERROR_CHARS_MAX) });
    this.#unqueue(held, head);
    this.table.setHead(row, null);
    return head;
  }

  afterCommit({ changes, push }: Publication): void {
    if (!this.#touched) return;
    // Report the disabled webhooks here. The calls that disabled them report only their own changes.
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

  /** Loads the webhooks of a restored database, and reports each of them to the front. */
  loadRestored(): void {
    this.#clearPending();
    this.#load();
    for (const row of this.#held.keys()) this.#touch(row);
  }

  /** Loads the stored state again after a rollback. Does nothing if the transaction had not changed the memory. */
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
    this.#byPattern = new Map();
    this.#active = 0;
    this.#rows = 0;
    this.table.measureBodies();
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
    this.#setActive(held, webhook.active === 1);
    for (const text of held.patterns) {
      this.#addPattern(text);
      const others = this.#byPattern.get(text);
      if (others === undefined) this.#byPattern.set(text, new Set([held]));
      else others.add(held);
    }
  }

  #setActive(held: HeldWebhook, active: boolean): void {
    if (held.active === active) return;
    held.active = active;
    this.#active += active ? 1 : -1;
  }

  /** Adds a pattern to the index. Returns false if the index has it already. */
  #addPattern(text: string): boolean {
    if (this.#index.has(text)) return false;
    const pattern = compilePattern(text);
    assert(!(pattern instanceof Failure), "a stored pattern compiles");
    this.#index.add(pattern);
    return true;
  }

  #removePatterns(held: HeldWebhook): void {
    for (const text of held.patterns) {
      const others = this.#byPattern.get(text);
      if (others === undefined) continue;
      others.delete(held);
      if (others.size > 0) continue;
      this.#byPattern.delete(text);
      this.#index.delete(text);
    }
  }

  /** Disables a webhook in the database. Its patterns stay in the index. */
  #disable(held: HeldWebhook, reason: string | null): DisabledWebhook {
    this.#touch(held.row);
    this.table.disable(held.row);
    this.#setActive(held, false);
    const { id, url, fail_count } = must(this.table.byRow(held.row), "a webhook in memory is stored");
    this.#disabledIds.push(id);
    if (reason !== null) this.#chained.push({ id, fail_count, reason });
    return { id, url, fail_count, reason };
  }

  #drop(wanting: readonly HeldWebhook[]): readonly DisabledWebhook[] {
    this.#setTouched();
    this.#dropped += wanting.length;
    return NONE;
  }

  /**
   * Disables the webhooks that would make the chain of deliveries too long. Sorts them by row, because every node must
   * disable them in the same order.
   */
  #disableChained(wanting: HeldWebhook[], nowMs: number): readonly DisabledWebhook[] {
    return wanting
      .sort((a, b) => a.row - b.row)
      .map((held) => {
        this.table.setFailure(held.row, { error: CHAIN_TOO_LONG, at_ms: nowMs });
        return this.#disable(held, CHAIN_TOO_LONG);
      });
  }

  /** Returns the active webhooks that have at least one of these patterns, without duplicates. */
  #wanting(event: number, texts: readonly string[]): HeldWebhook[] {
    const wanting: HeldWebhook[] = [];
    for (const text of texts) {
      for (const held of this.#byPattern.get(text) ?? []) {
        if (!held.active || held.seen === event) continue;
        held.seen = event;
        wanting.push(held);
      }
    }
    return wanting;
  }

  #queue(event: OutboxEvent, wanting: readonly HeldWebhook[]): void {
    this.#setTouched();
    // First count the rows that all subscribers would need, and only then queue the event. Each node finds the
    // subscribers in a different order, but all nodes must drop the same events.
    const isFull = this.#rows + wanting.length > WEBHOOK_QUEUES_ROWS_MAX;
    const rowsMax = isFull ? WEBHOOK_QUEUE_ROWS_LEAST : WEBHOOK_QUEUE_ROWS_MAX;
    const withRows: HeldWebhook[] = [];
    for (const held of wanting) {
      if (held.rows < rowsMax) withRows.push(held);
      else this.#overflow(held, 1);
    }
    if (withRows.length === 0) return;
    const body = encodeDelivery(event);
    const bytes = utf8Length(body);
    const isStoreFull = this.#stored.bytes + bytes > WEBHOOK_BODIES_STORED_BYTES_MAX;
    const taking: number[] = [];
    for (const held of withRows) {
      // An empty queue accepts an event of any size, unless the bodies of all webhooks together take too much space.
      const fits = isStoreFull
        ? held.bytes + bytes <= WEBHOOK_QUEUE_BYTES_LEAST
        : held.rows === 0 || held.bytes + bytes <= WEBHOOK_QUEUE_BYTES_MAX;
      if (!fits) {
        this.#overflow(held, 1);
        continue;
      }
      held.rows += 1;
      held.bytes += bytes;
      taking.push(held.row);
      this.#queued.add(held.row);
    }
    if (taking.length === 0) return;
    this.table.queue(taking, event.id);
    this.table.storeBody(event.id, taking.length, bytes, body, event.hops);
    this.#rows += taking.length;
  }

  #overflow({ row }: HeldWebhook, events: number): void {
    this.#setTouched();
    this.#overflowed = true;
    this.#dropped += events;
    this.#drops.add(row, events);
  }

  /** Moves a queued event to the dead letters. The caller removes its row from the queue. */
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

export const outboxModel: Model<Outbox> = { open: ({ db, rows }) => new Outbox(db, rows) };
