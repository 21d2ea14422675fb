/**
 * Bounds the requests that one turn of the event loop answers while uWebSockets.js reads. The library hands over every
 * request of a read before it looks at another connection, and a read of 512 KiB holds more than ten thousand of them.
 * Runs on the front.
 */
import { ANSWERS_A_TURN, ANSWERS_TURN_MS } from "../../../schemas/limits.js";

/** So many requests are counted before the turn they are in is told from the next: most turns have fewer. */
const UNTIMED_ANSWERS = 8;

export class AnswerTurn {
  #answers = 0;
  /** When the count was found to be high; null before. */
  #counted_ms: number | null = null;

  /** Counts a request. True where the turn has answered many and taken long: this one is for the next. */
  isOver(): boolean {
    this.#answers += 1;
    if (this.#answers < UNTIMED_ANSWERS) return false;
    const now_ms = performance.now();
    if (this.#counted_ms === null) {
      this.#counted_ms = now_ms;
      setImmediate(() => {
        this.#answers = 0;
        this.#counted_ms = null;
      });
    }
    return this.#answers > ANSWERS_A_TURN && now_ms - this.#counted_ms > ANSWERS_TURN_MS;
  }
}
