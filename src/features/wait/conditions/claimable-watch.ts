/**
 * Wakes a waiter when a task becomes claimable for the waiter's caller. Many tasks can become claimable at once, and
 * each must be compared with each caller. So the comparisons run in time slices, one waiter after the other. Runs on
 * the front.
 */
import { type LookTurns, lookTurns } from "../../../base/look-turns.js";
import type { Wakeable } from "../../../base/waiter.js";
import type { ClaimableTask, TaskProjection } from "../../tasks/task-projection.js";

export interface ClaimableWaiter {
  readonly waiter: Wakeable;
  /** Returns whether the caller may claim the task now. */
  mayClaim(task: ClaimableTask): boolean;
}

export class ClaimableWatch {
  readonly #turns: Pick<LookTurns, "add">;
  readonly #waiters = new Set<ClaimableWaiter>();
  /** The tasks that have become claimable, and that no round of comparisons has taken yet. */
  #fresh: ClaimableTask[] = [];

  constructor(tasks: Pick<TaskProjection, "listen">, turns: Pick<LookTurns, "add"> = lookTurns) {
    this.#turns = turns;
    tasks.listen({ claimable: (task) => this.#take(task) });
  }

  /** Adds a waiter. Returns the function that removes it. */
  add(waiter: ClaimableWaiter): () => void {
    this.#waiters.add(waiter);
    return () => this.#waiters.delete(waiter);
  }

  #take(task: ClaimableTask): void {
    if (this.#waiters.size === 0) return;
    this.#fresh.push(task);
    if (this.#fresh.length === 1) this.#turns.add(() => this.#compare());
  }

  #compare(): void {
    const tasks = this.#fresh;
    this.#fresh = [];
    for (const one of this.#waiters) {
      this.#turns.add(() => {
        if (this.#waiters.has(one) && tasks.some((task) => one.mayClaim(task))) one.waiter.wake();
      });
    }
  }
}
