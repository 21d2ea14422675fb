/**
 * What the front knows of all boxes without asking the database: how many messages are unread, when the next one
 * expires, and who waits for something to be in a box. The writer tells of each commit (box-writer.ts); only those
 * whose box it put something into are woken. Runs on the front.
 */
import { MESSAGE_BOXES, type BoxesPush, type MessageBoxName } from "../../schemas/messages.js";
import { type Look, type Wakeable, waitFor } from "../base/waiter.js";
import { Waiters } from "../base/waiters.js";
import type { Exposition, Measured } from "../measure/exposition.js";

/** What the writer's tables say, at the start and after a crash. */
export interface BoxFigures {
  countUnread(): number;
  nextExpiry(): number | null;
}

export class MessageBoxes implements Measured {
  readonly #figures: BoxFigures;
  /** By the box's owner. */
  readonly #waiters: Record<MessageBoxName, Waiters<string>> = { in: new Waiters(), out: new Waiters() };
  #unread = 0;
  #expires_at: number | null = null;
  #ended = false;

  constructor(figures: BoxFigures) {
    this.#figures = figures;
    this.#read();
  }

  /** When (ms) the next message expires; null where none does. */
  get expires_at(): number | null {
    return this.#expires_at;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiters.in.size + this.#waiters.out.size;
  }

  /** What a commit did. */
  accept(notice: BoxesPush): void {
    this.#unread = notice.unread;
    this.#expires_at = notice.expires_at;
    for (const box of MESSAGE_BOXES) for (const instance of notice[box]) this.#waiters[box].wake(instance);
  }

  /** Anything may have happened that nobody was told of: the writer crashed, or a snapshot was restored. */
  catchUp(): void {
    this.#read();
    for (const waiters of Object.values(this.#waiters)) waiters.wakeAll();
  }

  /** Ends all waiting, for ever. */
  end(): void {
    this.#ended = true;
    for (const waiters of Object.values(this.#waiters)) waiters.end();
  }

  /**
   * Waits until a look into a box finds something; null where the time was up, the client has gone, or the server
   * shuts down.
   * @param onAbort is told what to call when the client has gone
   */
  wait<Found>(
    box: MessageBoxName,
    instance: string,
    wait_ms: number,
    look: Look<Found>,
    onAbort: (listener: () => void) => void,
  ): Promise<Found | null> {
    if (this.#ended) return Promise.resolve(null);
    return waitFor({ look, wait_ms, listen: (waiter) => this.listen(box, instance, waiter), onAbort });
  }

  /** Has a waiter woken by what comes into a box; the function that is returned ends that. */
  listen(box: MessageBoxName, instance: string, waiter: Wakeable): () => void {
    return this.#waiters[box].add(instance, waiter);
  }

  expose(out: Exposition): void {
    out.value("koor_messages_unread", "gauge", "Messages in in-boxes that were not read yet.", this.#unread);
  }

  #read(): void {
    this.#unread = this.#figures.countUnread();
    this.#expires_at = this.#figures.nextExpiry();
  }
}
