/**
 * Spreads the sending of a large text to its sockets over several event-loop ticks. Serving all sockets at once would
 * block every other request. Sockets that were not served in one tick wait here for the next ticks. Runs on the front,
 * and does not depend on the HTTP library.
 */
import { TimeSlice } from "../../base/time-slice.js";

export class LaterSockets {
  readonly #slice = new TimeSlice();
  readonly #onIdle: () => void;
  #due: (() => void)[] = [];

  /**
   * @param onIdle called when no socket waits any more
   */
  constructor(onIdle: () => void = () => undefined) {
    this.#onIdle = onIdle;
  }

  /** Whether the time for this tick is used up. */
  get isOver(): boolean {
    return this.#slice.isOver;
  }

  /** Serves a socket in a later tick, after the sockets that are already waiting. */
  add(serve: () => void): void {
    if (this.#due.length === 0) setImmediate(() => this.#serve());
    this.#due.push(serve);
  }

  #serve(): void {
    const due = this.#due;
    let served = 0;
    while (served < due.length && !this.#slice.isOver) due[served++]?.();
    this.#due = due.slice(served);
    if (this.#due.length > 0) setImmediate(() => this.#serve());
    else this.#onIdle();
  }
}
