/**
 * Remembers the decisions about recent calls, so that a repeated call acts only once. A repetition gets the decision
 * about the first call. If there is no decision yet, the repetition waits for it. Runs on the front.
 *
 * The memory is bounded. If it is full, the oldest calls are forgotten. A repetition of a forgotten call acts again.
 */
import { HOOK_CALL_BYTES, HOOK_CALLS_BYTES_MAX, HOOK_CALLS_MAX } from "../../../schemas/limits/hooks.js";
import { AgingMap } from "../../base/aging-map.js";
import { must } from "../../base/assert.js";
import type { Failure } from "../../base/result.js";
import { type HookDecision, PROCEED } from "./answer.js";
import type { RepeatKey } from "./repeat-key.js";

export type Decided = HookDecision | Failure;

interface RememberedCall {
  readonly untilMs: number;
  readonly bytes: number;
  /**
   * The decision that a repetition gets. While the first call is still being decided, it is the promise of its
   * decision.
   */
  readonly decided: Decided | Promise<Decided>;
}

export class RepeatedCalls {
  /** The calls by their keys, the oldest first. */
  readonly #calls = new AgingMap<string, RememberedCall>();
  #bytes = 0;

  get size(): number {
    return this.#calls.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Decides about a call only once. If there was a recent call with the same key, returns the decision about it.
   * Otherwise calls `decide`.
   * @param owner the owner of the caller's token; a call with another token is no repetition
   */
  once(
    { key, windowMs }: RepeatKey,
    owner: string,
    nowMs: number,
    decide: () => Decided | Promise<Decided>,
  ): Decided | Promise<Decided> {
    const name = `${key}${owner}`;
    const known = this.#calls.get(name);
    if (known !== undefined && known.untilMs > nowMs)
      return known.decided instanceof Promise ? known.decided.then(forRepetition) : known.decided;
    const decided = decide();
    const untilMs = nowMs + windowMs;
    if (!(decided instanceof Promise)) {
      this.#store(name, untilMs, forRepetition(decided));
      return decided;
    }
    this.#store(name, untilMs, decided);
    return decided.then((later) => {
      // The call may have been forgotten in the meantime.
      if (this.#calls.get(name)?.decided === decided) this.#store(name, untilMs, forRepetition(later));
      return later;
    });
  }

  #store(name: string, untilMs: number, decided: RememberedCall["decided"]): void {
    this.#forget(name);
    const reason = "reason" in decided ? decided.reason : "";
    const bytes = HOOK_CALL_BYTES + 2 * (name.length + reason.length);
    this.#calls.set(name, { untilMs, bytes, decided });
    this.#bytes += bytes;
    while (this.#calls.size > HOOK_CALLS_MAX || this.#bytes > HOOK_CALLS_BYTES_MAX)
      this.#forget(must(this.#calls.oldest, "a call has bytes"));
  }

  #forget(name: string): void {
    const known = this.#calls.get(name);
    if (known === undefined) return;
    this.#calls.delete(name);
    this.#bytes -= known.bytes;
  }
}

/** Returns the decision that a repetition gets: the first decision, but without its context. */
function forRepetition(decided: Decided): Decided {
  return "kind" in decided && decided.kind === "context" ? PROCEED : decided;
}
