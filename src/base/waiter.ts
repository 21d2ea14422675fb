/**
 * Waits for a result in a `WaitQueue`. A waiter calls its `look` function at once, and again whenever it is woken,
 * until the function finds a result.
 *
 * A waiter never runs two looks at the same time. Several wake-ups in one event-loop tick cause one look. One change
 * can wake thousands of waiters, so the looks of all woken waiters share one time slice of each tick.
 */
import { type LookTurns, lookTurns } from "./look-turns.js";
import { Waiting, type WaitQueue } from "./wait-queue.js";

/** Looks for a result; returns null if there is none yet. */
export type Look<Found> = () => Found | null | Promise<Found | null>;

/** A waiter, as seen by the code that wakes it after a change. */
export interface Wakeable {
  wake(): void;
}

export class Waiter<Found> extends Waiting implements Wakeable {
  readonly #look: Look<Found>;
  readonly #settle: (found: Found | null) => void;
  readonly #fail: (error: unknown) => void;
  readonly #turns: Pick<LookTurns, "add">;
  #due = false;
  #looking = false;
  /** Whether the waiter was woken during a look, so that it must look again. */
  #again = false;
  #settled = false;

  /**
   * Creates a waiter. Its first look starts with `check` or `wake`.
   * @param look looks for the result
   * @param settle called with the result, or with null if the wait ends without one
   * @param fail called with the error if a look throws; the waiter then stops looking
   */
  constructor(
    look: Look<Found>,
    settle: (found: Found | null) => void,
    fail: (error: unknown) => void,
    turns: Pick<LookTurns, "add"> = lookTurns,
  ) {
    super();
    this.#turns = turns;
    this.#look = look;
    this.#settle = settle;
    this.#fail = fail;
  }

  /** Makes the waiter look again in a later event-loop tick, usually in the next one. */
  wake(): void {
    if (this.#due || this.#settled) return;
    this.#due = true;
    this.#turns.add(() => {
      this.#due = false;
      this.check();
    });
  }

  check(): void {
    if (this.#settled) return;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#again = false;
    let found: Found | null | Promise<Found | null>;
    try {
      found = this.#look();
    } catch (error) {
      this.#reject(error);
      return;
    }
    if (!(found instanceof Promise)) {
      if (found !== null) this.finish(found);
      return;
    }
    this.#looking = true;
    found.then(
      (later) => {
        this.#looking = false;
        if (later !== null) this.finish(later);
        else if (this.#again) this.check();
      },
      (error: unknown) => this.#reject(error),
    );
  }

  end(): void {
    this.finish(null);
  }

  /** Ends the wait with a result, or with null if none was found. Only the first call has an effect. */
  finish(found: Found | null): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#settle(found);
  }

  /** Handles an error that a look has thrown. Such an error is a bug. It ends this wait, but not the process. */
  #reject(error: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#fail(error);
  }
}

export interface Wait<Found> {
  /** The queue in which the request waits. */
  readonly queue: Pick<WaitQueue<Waiter<Found>>, "add" | "remove">;
  readonly look: Look<Found>;
  readonly waitMs: number;
  /**
   * Subscribes the waiter to the changes after which it should look again. Returns the function that unsubscribes it.
   */
  readonly listen: (waiter: Waiter<Found>) => () => void;
  /** Registers a listener that is called when the client disconnects. */
  readonly onAbort: (listener: () => void) => void;
  /** The weight of the request, which counts towards the limits of the queue. */
  readonly weight?: number;
}

/**
 * Waits until `look` finds a result. Resolves with null if the time is up, the client disconnects, the wait is ended,
 * or the queue accepts no more requests. Rejects with the error if `look` throws.
 */
export function waitFor<Found>(wait: Wait<Found>): Promise<Found | null> {
  const { queue } = wait;
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      queue.remove(waiter);
      unlisten();
    };
    const waiter = new Waiter<Found>(
      wait.look,
      (found) => {
        leave();
        resolve(found);
      },
      (error) => {
        leave();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
    // Subscribe before the first look. Otherwise a change between the look and the subscription would be missed.
    const unlisten = wait.listen(waiter);
    if (queue.add(waiter, wait)) waiter.check();
    else waiter.finish(null);
  });
}
