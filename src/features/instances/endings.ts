/**
 * Ends the tokens of all instances that are being deleted by one call, or accepts the tokens again. One call may delete
 * all instances of the server, so they are marked in steps. The first step runs at once. The later steps of all
 * deletions share one time slice of each tick. Runs on the front.
 */
import { TimeSlice } from "../../base/time-slice.js";
import type { Directory, EndingSteps } from "./directory.js";

export class Endings {
  readonly #directory: Pick<Directory, "beginEnding" | "cancelEnding">;
  readonly #slice: Pick<TimeSlice, "yieldIfOver">;
  /**
   * The running steps of each deletion, by the id of the deleted instance. If new steps begin for an id, the previous
   * ones stop.
   */
  readonly #running = new Map<string, EndingSteps>();

  constructor(
    directory: Pick<Directory, "beginEnding" | "cancelEnding">,
    slice: Pick<TimeSlice, "yieldIfOver"> = new TimeSlice(),
  ) {
    this.#directory = directory;
    this.#slice = slice;
  }

  /** Ends the token of an instance at once, and soon after that the tokens of the instances that it has registered. */
  begin(id: string): void {
    void this.#run(id, this.#directory.beginEnding(id));
  }

  /** Accepts the tokens again, because the deletion has failed. */
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
