/**
 * Visits all rows of a table once per interval, in bounded steps. Each step returns the row after which the next step
 * starts. This is a background task.
 */
import { Failure } from "../base/result.js";
import { Periodic } from "./periodic.js";
import type { BackgroundTask } from "./task.js";

/** The reply of a step. Its `after` is the row after which the next step starts, or null when all rows were visited. */
export interface StepReply {
  readonly after: number | null;
}

export interface StepwiseOptions {
  readonly interval_ms: number;
  /** The current time in ms. The first run is due one interval later. */
  readonly now_ms: number;
  /** @param after the row after which the step starts; 0 for the first step */
  readonly step: (after: number, now_ms: number) => Promise<StepReply | Failure>;
}

export class Stepwise implements BackgroundTask {
  readonly #step: StepwiseOptions["step"];
  readonly #periodic: Periodic<void>;
  #now_ms: number;

  constructor({ interval_ms, now_ms, step }: StepwiseOptions) {
    this.#step = step;
    this.#now_ms = now_ms;
    this.#periodic = new Periodic({ interval_ms, now_ms, work: () => this.#run() });
  }

  tick(now_ms: number): void {
    this.#now_ms = now_ms;
    this.#periodic.tick(now_ms);
  }

  close(): Promise<void> {
    return this.#periodic.close();
  }

  async #run(): Promise<void> {
    for (let after: number | null = 0; after !== null && !this.#periodic.closed; ) {
      const reply: StepReply | Failure = await this.#step(after, this.#now_ms);
      // The writer is busy or restarting, so the next step is tried at the next interval.
      if (reply instanceof Failure) return;
      ({ after } = reply);
    }
  }
}
