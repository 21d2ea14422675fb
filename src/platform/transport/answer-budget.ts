/**
 * Limits how many requests are answered in one event-loop tick. One read of a socket can contain thousands of requests,
 * and both libraries pass on all of them before they serve another connection. Runs on the front.
 */
import { ANSWERS_PER_TICK, ANSWERS_TICK_MS } from "../../../schemas/limits/answers.js";

/** The number of answers in a tick before the time is measured. Most ticks have fewer. */
const UNTIMED_ANSWERS = 8;

export class AnswerBudget {
  #answers = 0;
  /** The time at which the count reached UNTIMED_ANSWERS; null before that. */
  #countedMs: number | null = null;

  /**
   * Counts a request. Returns true if this tick has already answered many requests and taken long. The request must
   * then wait for the next tick.
   */
  isOver(): boolean {
    this.#answers += 1;
    if (this.#answers < UNTIMED_ANSWERS) return false;
    const nowMs = performance.now();
    if (this.#countedMs === null) {
      this.#countedMs = nowMs;
      setImmediate(() => {
        this.#answers = 0;
        this.#countedMs = null;
      });
    }
    return this.#answers > ANSWERS_PER_TICK && nowMs - this.#countedMs > ANSWERS_TICK_MS;
  }
}
