/**
 * Sockets whose share of a large text comes in later turns of the event loop: giving it to all of them at once would
 * keep everyone else waiting. Runs on the front; knows no library.
 */
import { TimeSlice } from "../base/time-slice.js";

export class LaterSockets {
  readonly #slice = new TimeSlice();
  readonly #onIdle: () => void;
  #due: (() => void)[] = [];

  /** @param onIdle told when none waits any more */
  constructor(onIdle: () => void = () => undefined) {
    this.#onIdle = onIdle;
  }

  /** Whether this turn has had its share. */
  get isOver(): boolean {
    return this.#slice.isOver;
  }

  /** Serves a socket in a later turn, after those that wait already. */
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
