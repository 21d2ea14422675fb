/**
 * Keeps data about all message boxes in the front's memory, so that the front need not read the database. The data are
 * the number of unread messages, the next expiry, and the waiters of each box. The writer reports the changes of each
 * commit (box-writer.ts). Only the waiters of a box with new messages are woken. Runs on the front.
 */
import { MESSAGE_BOXES, type BoxesPush, type MessageBoxName } from "../../../schemas/messages.js";
import { WaitQueue } from "../../base/wait-queue.js";
import { type Look, type Wakeable, waitFor } from "../../base/waiter.js";
import { Waiters } from "../../base/waiters.js";
import type { Exposition, Measured } from "../../platform/measure/exposition.js";

/**
 * Reads the number of unread messages and the next expiry from the database. This is needed at the start and after a
 * crash of the writer.
 */
export interface BoxFigures {
  countUnread(): number;
  nextExpiry(): number | null;
}

export class MessageBoxes implements Measured {
  readonly #figures: BoxFigures;
  /** The long polls for messages. */
  readonly #polls = new WaitQueue();
  /** The waiters, by the box's owner: long polls, and calls that wait for one of many conditions. */
  readonly #waiters: Record<MessageBoxName, Waiters<string>> = { in: new Waiters(), out: new Waiters() };
  #unread = 0;
  #expiresAt: number | null = null;

  constructor(figures: BoxFigures) {
    this.#figures = figures;
    this.#read();
  }

  /** The time in ms at which the next message expires; null if none does. */
  get expiresAt(): number | null {
    return this.#expiresAt;
  }

  /** The number of waiters. */
  get waiting(): number {
    return this.#waiters.in.size + this.#waiters.out.size;
  }

  /** Takes the box changes of a commit. */
  accept(notice: BoxesPush): void {
    this.#unread = notice.unread;
    this.#expiresAt = notice.expires_at;
    for (const box of MESSAGE_BOXES) for (const instance of notice[box]) this.#waiters[box].wake(instance);
  }

  /**
   * Reads the number of unread messages and the next expiry again, and wakes all waiters. It is called after a crash of
   * the writer or the restore of a snapshot, because push messages may be missing.
   */
  catchUp(): void {
    this.#read();
    for (const waiters of Object.values(this.#waiters)) waiters.wakeAll();
  }

  /** Ends all long polls and accepts no more. */
  end(): void {
    this.#polls.close();
  }

  /**
   * Waits until a message is in a box. `look` reads the box. Returns null if the time is up, the client has
   * disconnected, or the server shuts down.
   * @param onAbort registers a function to be called when the client disconnects
   */
  wait<Found>(
    box: MessageBoxName,
    instance: string,
    waitMs: number,
    look: Look<Found>,
    onAbort: (listener: () => void) => void,
  ): Promise<Found | null> {
    return waitFor({
      queue: this.#polls,
      look,
      waitMs,
      listen: (waiter) => this.listen(box, instance, waiter),
      onAbort,
    });
  }

  /** Wakes a waiter when a message arrives in a box. Returns a function that removes the waiter. */
  listen(box: MessageBoxName, instance: string, waiter: Wakeable): () => void {
    return this.#waiters[box].add(instance, waiter);
  }

  expose(out: Exposition): void {
    out.value("koor_messages_unread", "gauge", "Unread messages in in-boxes.", this.#unread);
  }

  #read(): void {
    this.#unread = this.#figures.countUnread();
    this.#expiresAt = this.#figures.nextExpiry();
  }
}
