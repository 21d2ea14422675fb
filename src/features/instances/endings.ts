/**
 * Ends the tokens of all instances that are being deleted by one call, or accepts the tokens again. One call may delete
 * all instances of the server, so they are marked in steps. The first step runs at once. The later steps of all
 * deletions share one time slice of each tick. Runs on the front.
 */
import { INSTANCE_LIST_STEP } from "../../../schemas/limits/instances.js";
import { TimeSlice } from "../../base/time-slice.js";
import type { Directory } from "./directory.js";

/** The steps of marking all instances that one call deletes. Each step marks a bounded number of them. */
type EndingSteps = Generator<void, void, void>;
type Marked = Pick<Directory, "get" | "registeredBy" | "setEnding" | "revoke">;

export class Endings {
  readonly #directory: Marked;
  readonly #slice: Pick<TimeSlice, "yieldIfOver">;
  /**
   * The running steps of each deletion, by the id of the deleted instance. If new steps begin for an id, the previous
   * ones stop.
   */
  readonly #running = new Map<string, EndingSteps>();

  constructor(directory: Marked, slice: Pick<TimeSlice, "yieldIfOver"> = new TimeSlice()) {
    this.#directory = directory;
    this.#slice = slice;
  }

  /**
   * Ends the token of an instance at once, and soon after that the tokens of all instances that it has registered.
   * Otherwise these tokens could register new instances as fast as others are deleted. Only the connections of the
   * instance itself are closed now. Those of each other instance are closed when it is removed.
   */
  begin(id: string): void {
    const entry = this.#directory.get(id);
    if (entry === undefined || entry.ending) return;
    this.#directory.setEnding(entry, true);
    this.#directory.revoke(entry);
    void this.#run(id, this.#mark(id, true));
  }

  /** Accepts the tokens again, because the deletion has failed. */
  cancel(id: string): void {
    if (this.#directory.get(id) !== undefined) void this.#run(id, this.#mark(id, false));
  }

  async #run(id: string, steps: EndingSteps): Promise<void> {
    this.#running.set(id, steps);
    while (this.#running.get(id) === steps) {
      if (steps.next().done === true) this.#running.delete(id);
      else await this.#slice.yieldIfOver();
    }
  }
  /**
   * Marks an instance, and all instances that it has registered directly or through others. An instance may be
   * registered between two steps. Then a later step finds it, or the directory marks it when it is added, because its
   * registering instance is marked.
   */
  *#mark(first: string, ending: boolean): EndingSteps {
    const ids = [first];
    let marked = 0;
    // The list grows during the loop: it gets the instances that each of its instances has registered.
    for (const id of ids) {
      const entry = this.#directory.get(id);
      if (entry !== undefined) this.#directory.setEnding(entry, ending);
      for (const registered of this.#directory.registeredBy(id)) ids.push(registered.id);
      marked += 1;
      if (marked % INSTANCE_LIST_STEP === 0) yield;
    }
  }
}
