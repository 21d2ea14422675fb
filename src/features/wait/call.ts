/**
 * Evaluates the conditions of one waiting call. The client's cursor keeps a text for each condition, called its mark.
 * It says what was already reported. Runs on the front.
 *
 * The conditions are evaluated in turn, beginning after the condition that was reported last. So a condition that
 * always holds does not starve the other conditions.
 */
import { Failure } from "../../base/result.js";
import { TimeSlice } from "../../base/time-slice.js";
import type { Wakeable } from "../../base/waiter.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Condition } from "./condition.js";
import type { Cursor } from "./cursor.js";
import { readValuesPosition } from "./values-position.js";

/** The result of a wait: JSON text, or the failure of a condition that could not be evaluated. */
export type Found = string | Failure;

export class WaitingCall {
  readonly #conditions: readonly Condition[];
  readonly #context: CallContext;
  readonly #marks: string[];
  /**
   * The index of the condition that was reported last. It is -1 if there is none, or if it is not a condition of this
   * call.
   */
  #last: number;
  /** True if a change has woken the waiter since the last evaluation began. */
  #woken = true;
  /** True if the last evaluation found no condition that holds, and no change has woken the waiter since it began. */
  #quiet = false;
  /** True after the call was answered. If an evaluation ends later, its result is dropped. */
  #over = false;

  readonly #slice: TimeSlice;

  /**
   * Creates a waiting call. Its marks are those of the cursor.
   * @param cursor the client's cursor; null if there is none, or if it is not valid on this server
   * @param slice limits the time that all waiting calls together take in one tick of the event loop
   */
  constructor(conditions: readonly Condition[], context: CallContext, cursor: Cursor | null, slice = new TimeSlice()) {
    this.#slice = slice;
    this.#conditions = conditions;
    this.#context = context;
    const since = cursor === null ? null : readValuesPosition(cursor);
    this.#marks = conditions.map((condition) => {
      const known = condition.isPosition ? cursor?.event.toString() : cursor?.marks.get(condition.name);
      return known === undefined || !condition.takes(known) ? condition.start(since) : known;
    });
    this.#last = cursor === null ? -1 : conditions.findIndex(({ name }) => name === cursor.last);
  }

  /** True if one of the conditions waits for events. */
  get waitsForEvents(): boolean {
    return this.#conditions.some(({ isPosition }) => isPosition);
  }

  /** Drops the marks of all conditions, so that they begin again with the current state. */
  forget(): void {
    for (const [at, condition] of this.#conditions.entries()) this.#marks[at] = condition.start(null);
    this.#last = -1;
  }

  /**
   * Makes the conditions that wait for events begin with the newest event. Called when some of the events after the
   * cursor are no longer stored.
   */
  skipEvents(): void {
    for (const [at, condition] of this.#conditions.entries())
      if (condition.isPosition) this.#marks[at] = condition.start(null);
  }

  listen(waiter: Wakeable): () => void {
    const woken: Wakeable = {
      wake: () => {
        this.#woken = true;
        this.#quiet = false;
        waiter.wake();
      },
    };
    const unlisteners = this.#conditions.map((condition) => condition.listen(woken));
    return () => {
      this.#over = true;
      for (const unlisten of unlisteners) unlisten();
    };
  }

  /**
   * Evaluates the conditions one after the other. Returns the result of the first condition that holds; null if none
   * holds.
   */
  async look(): Promise<Found | null> {
    this.#woken = false;
    this.#quiet = false;
    const count = this.#conditions.length;
    for (let step = 1; step <= count; step++) {
      const at = (this.#last + step) % count;
      if (this.#slice.isOver) await this.#slice.yieldIfOver();
      if (this.#over) return null;
      const looked = await this.#conditions[at]?.look(this.#marks[at] ?? "", this.#context);
      if (this.#over || looked === undefined) return null;
      if (looked instanceof Failure) return looked;
      this.#marks[at] = looked.mark;
      if (looked.matched === null) continue;
      this.#last = at;
      return looked.matched;
    }
    this.#quiet = !this.#woken;
    return null;
  }

  /**
   * Called when the wait ends without a result. Advances the marks, so that the next call need not examine the same
   * changes again. Does nothing if a change has woken the waiter since the last evaluation began.
   */
  rest(): void {
    if (!this.#quiet) return;
    for (const [at, condition] of this.#conditions.entries()) this.#marks[at] = condition.rest(this.#marks[at] ?? "");
  }

  /**
   * Returns the cursor for the next call.
   * @param newest the id of the newest event. The next call counts all events up to this id as reported. If this call
   * waits for events, the id in its mark is used instead.
   * @param timeOf returns the time at which an event was published, in ms; 0 if it is not known
   */
  cursor(newest: number, timeOf: (event: number) => number): Cursor {
    const marks = new Map<string, string>();
    let event = newest;
    for (const [at, { name, isPosition }] of this.#conditions.entries()) {
      const mark = this.#marks[at] ?? "";
      if (isPosition) event = Number(mark);
      else marks.set(name, mark);
    }
    return { event, eventAt: timeOf(event), last: this.#conditions[this.#last]?.name ?? "", marks };
  }
}
