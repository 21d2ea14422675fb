/**
 * Ends the tokens of all instances that are being deleted together, or accepts them again. There may be as many as
 * there are instances, so they are marked in steps: the first step at once, and the steps of all deletions together in
 * one time slice of each tick. Runs on the front.
 */
import { TimeSlice } from "../../base/time-slice.js";
import type { Directory, EndingSteps } from "./directory.js";

export class Endings {
  readonly #directory: Pick<Directory, "beginEnding" | "cancelEnding">;
  readonly #slice: Pick<TimeSlice, "yieldIfOver">;
  /** The steps that run for each deleted instance, by its id. If new ones begin, the previous ones stop. */
  readonly #running = new Map<string, EndingSteps>();

  constructor(
    directory: Pick<Directory, "beginEnding" | "cancelEnding">,
    slice: Pick<TimeSlice, "yieldIfOver"> = new TimeSlice(),
  ) {
    this.#directory = directory;
    this.#slice = slice;
  }

  /** Ends the token of an instance at once, and those of the instances that it has registered soon. */
  begin(id: string): void {
    void this.#run(id, this.#directory.beginEnding(id));
  }

  /** Accepts the tokens again. */
  cancel(id: string): void {
    void this.#run(id, this.#directory.cancelEnding(id));
  }

  async #run(id: string, steps: EndingSteps | null): Promise<void> {
    if (steps === null) return;
    this.#running.set(id, steps);
    while (this.#running.get(id) === steps) {
      if (steps.next().done === true) this.#running.delete(id);
      else await this.#slice.yieldIfOver();
    }
  }
}
