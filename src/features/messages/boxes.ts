/**
 * Keeps the waiters of each message box in the front's memory, with the number of unread messages and the next expiry
 * of all boxes together. The writer reports the changes of each commit (box-writer.ts). A new message wakes only the
 * waiters of its boxes. Runs on the front.
 */
import { MESSAGE_BOXES, type BoxesPush, type MessageBoxName } from "../../../schemas/messages.js";
import { WaitQueue } from "../../base/wait-queue.js";
import { type Look, type Wakeable, waitFor } from "../../base/waiter.js";
import { Waiters } from "../../base/waiters.js";
import type { Exposition, Measured } from "../../platform/measure/exposition.js";

/**
 * Reads the number of unread messages and the next expiry from the database. Used at the start and after a crash of the
 * writer.
 */
export interface BoxFigures {
  countUnread(): number;
  nextExpiry(): number | null;
}

export class MessageBoxes implements Measured {
  readonly #figures: BoxFigures;
  /** The long polls for messages. */
  readonly #polls = new WaitQueue();
  /**
   * The waiters of each box, by the box's owner. They are long polls, and calls of /api/wait, which may also wait for
   * other things.
   */
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
   * Waits until `look`, which reads a box, finds a message. Returns null after the time-out, if the client disconnects,
   * or if the server shuts down.
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
