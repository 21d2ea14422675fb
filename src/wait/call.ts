/**
 * One call that waits: its conditions with what is kept of each. It looks at them in turn, beginning behind the one
 * that was reported last: so none of them keeps the others from being heard, however often it holds. Runs on the front.
 */
import { Failure } from "../base/result.js";
import { TimeSlice } from "../base/time-slice.js";
import type { Wakeable } from "../base/waiter.js";
import type { CallContext } from "../rpc/frames.js";
import type { Condition } from "./condition.js";
import type { Cursor } from "./cursor.js";
import { readValuesPosition } from "./values-position.js";

/** What a wait has found, as JSON; or why it could not be looked for. */
export type Found = string | Failure;

export class WaitingCall {
  readonly #conditions: readonly Condition[];
  readonly #context: CallContext;
  readonly #marks: string[];
  /** The condition that was reported last; -1 where it is none of these. */
  #last: number;
  /** Something has come since the last look was begun. */
  #woken = true;
  /** The last look has ended with nothing, and nothing has come since it was begun. */
  #quiet = false;
  /** It was answered: what a look finds now nobody is told of. */
  #over = false;

  readonly #slice: TimeSlice;

  /**
   * @param cursor null where none was brought, or it says nothing that holds here
   * @param slice of all calls that wait
   */
  constructor(conditions: readonly Condition[], context: CallContext, cursor: Cursor | null, slice = new TimeSlice()) {
    this.#slice = slice;
    this.#conditions = conditions;
    this.#context = context;
    const since = cursor === null ? null : readValuesPosition(cursor);
    this.#marks = conditions.map((condition) => {
      const known = condition.is_position ? cursor?.event.toString() : cursor?.marks.get(condition.name);
      return known === undefined || !condition.takes(known) ? condition.start(since) : known;
    });
    this.#last = cursor === null ? -1 : conditions.findIndex(({ name }) => name === cursor.last);
  }

  /** Whether events are waited for. */
  get waitsForEvents(): boolean {
    return this.#conditions.some(({ is_position }) => is_position);
  }

  /** Forgets what was reported: all begins anew, from what there is now. */
  forget(): void {
    for (const [at, condition] of this.#conditions.entries()) this.#marks[at] = condition.start(null);
    this.#last = -1;
  }

  /** Passes over the events that there are: they cannot all be told of. */
  skipEvents(): void {
    for (const [at, condition] of this.#conditions.entries())
      if (condition.is_position) this.#marks[at] = condition.start(null);
  }

  listen(waiter: Wakeable): () => void {
    const woken: Wakeable = {
      wake: () => {
        this.#woken = true;
        this.#quiet = false;
        waiter.wake();
      },
      finish: (found) => waiter.finish(found),
    };
    const unlisteners = this.#conditions.map((condition) => condition.listen(woken));
    return () => {
      this.#over = true;
      for (const unlisten of unlisteners) unlisten();
    };
  }

  /** The first of its conditions that holds. */
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
   * Nothing was found by the end: as far as nothing has come meanwhile, the next call need not look behind this one.
   */
  rest(): void {
    if (!this.#quiet) return;
    for (const [at, condition] of this.#conditions.entries()) this.#marks[at] = condition.rest(this.#marks[at] ?? "");
  }

  /**
   * Where the next call goes on.
   * @param newest the event up to which all is told, where none is waited for
   * @param timeOf when an event was published; 0 where it is not known
   */
  cursor(newest: number, timeOf: (event: number) => number): Cursor {
    const marks = new Map<string, string>();
    let event = newest;
    for (const [at, { name, is_position }] of this.#conditions.entries()) {
      const mark = this.#marks[at] ?? "";
      if (is_position) event = Number(mark);
      else marks.set(name, mark);
    }
    return { event, event_at: timeOf(event), last: this.#conditions[this.#last]?.name ?? "", marks };
  }
}
