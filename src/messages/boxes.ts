/**
 * What the front knows of all boxes without asking the database: how many messages are unread, when the next one
 * expires, and who waits for something to be in a box. The writer tells of each commit (box-writer.ts); only those
 * whose box it put something into are woken. Runs on the front.
 */
import type { BoxNotice, MessageBoxName } from "../../schemas/messages.js";
import { type Look, Waiter } from "../base/waiter.js";
import type { Exposition, Measured } from "../measure/exposition.js";

/** What the writer's tables say, at the start and after a crash. */
export interface BoxFigures {
  countUnread(): number;
  nextExpiry(): number | null;
}

/** A waiter as it is woken and ended. */
type AnyWaiter = Pick<Waiter<never>, "wake"> & { finish(found: null): void };

export class MessageBoxes implements Measured {
  readonly #figures: BoxFigures;
  readonly #waiters: Record<MessageBoxName, Map<string, Set<AnyWaiter>>> = { in: new Map(), out: new Map() };
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
    let count = 0;
    for (const waiters of Object.values(this.#waiters)) for (const set of waiters.values()) count += set.size;
    return count;
  }

  /** What a commit did. */
  accept(notice: BoxNotice): void {
    this.#unread = notice.unread;
    this.#expires_at = notice.expires_at;
    for (const box of ["in", "out"] as const)
      for (const instance of notice[box]) for (const waiter of this.#waiters[box].get(instance) ?? []) waiter.wake();
  }

  /** Anything may have happened that nobody was told of: the writer crashed, or a snapshot was restored. */
  catchUp(): void {
    this.#read();
    for (const waiter of this.#all()) waiter.wake();
  }

  /** Ends all waiting, for ever. */
  end(): void {
    this.#ended = true;
    for (const waiter of [...this.#all()]) waiter.finish(null);
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
    return new Promise((resolve) => {
      const waiters = this.#waiters[box];
      const own = waiters.get(instance) ?? new Set<AnyWaiter>();
      const waiter = new Waiter(look, (found) => {
        clearTimeout(timer);
        own.delete(waiter);
        if (own.size === 0 && waiters.get(instance) === own) waiters.delete(instance);
        resolve(found);
      });
      const timer = setTimeout(() => waiter.finish(null), wait_ms);
      // Being there to be woken comes before looking: a message in between is seen by one of the two.
      own.add(waiter);
      waiters.set(instance, own);
      onAbort(() => waiter.finish(null));
      waiter.check();
    });
  }

  expose(out: Exposition): void {
    out.value("koor_messages_unread", "gauge", "Messages in in-boxes that were not read yet.", this.#unread);
  }

  #read(): void {
    this.#unread = this.#figures.countUnread();
    this.#expires_at = this.#figures.nextExpiry();
  }

  *#all(): Generator<AnyWaiter, void, undefined> {
    for (const waiters of Object.values(this.#waiters)) for (const set of waiters.values()) yield* set;
  }
}
