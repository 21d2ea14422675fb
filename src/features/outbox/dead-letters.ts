/**
 * Stores and reads dead letters: events that could not be delivered to a webhook. Each webhook keeps a limited number
 * of dead letters. The oldest ones are deleted. The body of a dead letter stays in the table `webhook_body`, whose
 * reference count includes dead letters. The writer and the front each have their own class.
 */
import { TOPIC_BYTES_MAX } from "../../../schemas/limits/names.js";
import {
  WEBHOOK_BODIES_STORED_BYTES_MAX,
  WEBHOOK_DEAD_LETTERS_MAX,
  WEBHOOK_QUEUE_BYTES_LEAST,
  WEBHOOK_QUEUE_BYTES_MAX,
} from "../../../schemas/limits/webhooks.js";
import type { SetAside } from "../../../schemas/webhooks.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";
import type { StoredBodies } from "./table.js";

/**
 * The length in characters of the beginning of a body that is read to find its topic. It always contains the whole
 * topic, even if the topic has the maximum length and each of its characters is escaped (`\u001f`).
 */
const BEGINNING_CHARS = 6 * TOPIC_BYTES_MAX + 16;

/** A dead letter. `at` is in ms. */
export interface DeadLetterRow {
  readonly event: number;
  /** The first characters of the body, which include the topic. */
  readonly beginning: string;
  readonly bytes: number;
  readonly at: number;
  readonly attempts: number;
  readonly error: string;
}

export class DeadLetterTable {
  readonly #insert: Statement<[number, number, string, number, number], unknown>;
  readonly #setTried: Statement<[number, string, number, number], unknown>;
  readonly #hold: Statement<[number], unknown>;
  readonly #release: Statement<[number], unknown>;
  readonly #sweep: Statement<[number], number>;
  readonly #delete: Statement<[number, number], unknown>;
  readonly #sizes: Statement<[number], { event: number; bytes: number }>;

  constructor(
    db: Db,
    readonly stored: StoredBodies,
  ) {
    // Insert a row only if the event is still queued. So a report that arrives twice has no second effect.
    this.#insert = db.prepare(
      `INSERT OR IGNORE INTO webhook_dead_letter (webhook, event, at, attempts, error)
       SELECT webhook, event, ?, ?, ? FROM webhook_queue WHERE webhook = ? AND event = ?`,
    );
    this.#setTried = db.prepare(
      "UPDATE webhook_dead_letter SET attempts = ?, error = ? WHERE webhook = ? AND event = ?",
    );
    this.#hold = db.prepare("UPDATE webhook_body SET waiting = waiting + 1 WHERE event = ?");
    this.#release = db.prepare("UPDATE webhook_body SET waiting = waiting - 1 WHERE event = ?");
    this.#sweep = db
      .prepare<[number], number>("DELETE FROM webhook_body WHERE event = ? AND waiting = 0 RETURNING bytes")
      .pluck();
    this.#delete = db.prepare("DELETE FROM webhook_dead_letter WHERE webhook = ? AND event = ?");
    this.#sizes = db.prepare(
      `SELECT event, bytes FROM webhook_dead_letter JOIN webhook_body USING (event) WHERE webhook = ?
       ORDER BY event DESC`,
    );
  }

  /**
   * Stores a queued event as a dead letter. The caller then deletes its row from the queue.
   * @returns the number of older dead letters that were deleted to make room
   */
  add(webhook: number, { event, at_ms, attempts, error }: SetAside): number {
    if (this.#insert.run(at_ms, attempts, error, webhook, event).changes === 0) return 0;
    this.#hold.run(event);
    return this.#makeRoom(webhook);
  }

  /** Records that another attempt to send a dead letter has failed. */
  setTried(webhook: number, event: number, attempts: number, error: string): void {
    this.#setTried.run(attempts, error, webhook, event);
  }

  /** Deletes a dead letter. Returns false if it does not exist. */
  delete(webhook: number, event: number): boolean {
    if (this.#delete.run(webhook, event).changes === 0) return false;
    this.#release.run(event);
    for (const bytes of this.#sweep.all(event)) this.stored.bytes -= bytes;
    return true;
  }

  deleteAll(webhook: number): void {
    for (const { event } of this.#sizes.all(webhook)) this.delete(webhook, event);
  }

  /**
   * Deletes the oldest dead letters of a webhook that has too many, in number or in bytes. The newest dead letter
   * always remains. The limit in bytes is lower while the bodies of all webhooks together take too much space. Returns
   * the number of deleted dead letters.
   */
  #makeRoom(webhook: number): number {
    const isFull = this.stored.bytes > WEBHOOK_BODIES_STORED_BYTES_MAX;
    const bytesMax = isFull ? WEBHOOK_QUEUE_BYTES_LEAST : WEBHOOK_QUEUE_BYTES_MAX;
    let bytes = 0;
    let discarded = 0;
    for (const [at, letter] of this.#sizes.all(webhook).entries()) {
      bytes += letter.bytes;
      if (at === 0 || (at < WEBHOOK_DEAD_LETTERS_MAX && bytes <= bytesMax)) continue;
      this.delete(webhook, letter.event);
      discarded += 1;
    }
    return discarded;
  }
}

export class DeadLetterReader {
  readonly #all: Statement<[number], DeadLetterRow>;
  readonly #one: Statement<[number, number], DeadLetterRow>;
  readonly #hops: Statement<[number], number>;
  readonly #count: Statement<[], number>;

  constructor(db: Db) {
    const letters = `SELECT event, substr(body, 1, ${BEGINNING_CHARS}) AS beginning, bytes, at, attempts, error
      FROM webhook_dead_letter JOIN webhook_body USING (event) WHERE webhook = ?`;
    this.#all = db.prepare(`${letters} ORDER BY event`);
    this.#one = db.prepare(`${letters} AND event = ?`);
    this.#hops = db.prepare<[number], number>("SELECT hops FROM webhook_body WHERE event = ?").pluck();
    this.#count = db.prepare<[], number>("SELECT count(*) FROM webhook_dead_letter").pluck();
  }

  /** Lists the dead letters of a webhook, the oldest event first. */
  all(webhook: number): DeadLetterRow[] {
    return this.#all.all(webhook);
  }

  get(webhook: number, event: number): DeadLetterRow | undefined {
    return this.#one.get(webhook, event);
  }

  /**
   * Returns the `hops` of a stored event: the number of webhook deliveries in the chain that caused it. Returns 0 if
   * the event is not stored.
   */
  hops(event: number): number {
    return this.#hops.get(event) ?? 0;
  }

  /** The number of dead letters of all webhooks. */
  get count(): number {
    return this.#count.get() ?? 0;
  }
}

export const deadLetterReader: Model<DeadLetterReader> = { open: ({ db }) => new DeadLetterReader(db) };
