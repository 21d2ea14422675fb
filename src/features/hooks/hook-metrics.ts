/** Counts the calls of hooks by client, event and decision, and measures their duration. Runs on the front. */
import type { Exposition, Measured } from "../../platform/measure/exposition.js";
import { Histogram } from "../../platform/measure/histogram.js";

/** The label of every event that is not in the client's row. Without it, a client could create any number of labels. */
export const UNKNOWN_EVENT = "unknown";

/**
 * `ignored` is an input that was not understood. `refused` is a call whose caller may not act for the session that the
 * call names.
 */
export type CountedDecision = "proceed" | "context" | "deny" | "hold-stop" | "ignored" | "refused";

/** The upper bounds of the histogram's buckets. A hook should be answered within 2 ms, so 2 ms is one of the bounds. */
const BOUNDS_S: readonly number[] = [0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5];

interface Counter {
  readonly labels: { readonly client: string; readonly event: string; readonly decision: CountedDecision };
  count: number;
}

export class HookMetrics implements Measured {
  readonly #calls = new Map<string, Counter>();
  readonly #seconds = new Histogram(BOUNDS_S);

  /** Counts one call of a hook, and records its duration. */
  record(client: string, event: string, decision: CountedDecision, seconds: number): void {
    const key = `${client} ${event} ${decision}`;
    let counter = this.#calls.get(key);
    if (counter === undefined) {
      counter = { labels: { client, event, decision }, count: 0 };
      this.#calls.set(key, counter);
    }
    counter.count += 1;
    this.#seconds.observe(seconds);
  }

  expose(out: Exposition): void {
    out.metric("koor_hook_calls_total", "counter", "Calls of clients' hooks, by client, event and decision.");
    for (const { labels, count } of this.#calls.values()) out.sample("koor_hook_calls_total", count, labels);
    out
      .metric("koor_hook_seconds", "histogram", "Time from a hook's input to its answer.")
      .histogram("koor_hook_seconds", this.#seconds);
  }
}
