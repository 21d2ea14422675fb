/**
 * Resets the budgets whose period has ended. The reset publishes an event, and lets waiting claims continue. Runs on
 * the front, driven by ticks. In a cluster it runs only on the leader.
 */
import { BUDGET_RESET_INTERVAL_MS } from "../../../schemas/limits/budgets.js";
import type { Clock } from "../../base/clock.js";
import { Periodic } from "../../platform/background/periodic.js";
import type { BackgroundTask } from "../../platform/background/task.js";
import { NO_CALLER } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import { resetBudgets } from "./commands.js";
import type { BudgetProjection } from "./projection.js";

export interface BudgetResetsOptions {
  readonly budgets: Pick<BudgetProjection, "isResetDue">;
  readonly writer: Writer;
  readonly clock: Clock;
}

export class BudgetResets implements BackgroundTask {
  readonly #options: BudgetResetsOptions;
  readonly #runs: Periodic<void>;

  constructor(options: BudgetResetsOptions) {
    this.#options = options;
    const { clock, writer } = options;
    this.#runs = new Periodic({
      intervalMs: BUDGET_RESET_INTERVAL_MS,
      nowMs: clock.now(),
      work: () => this.#reset(),
      ready: () => writer.attached,
    });
  }

  tick(nowMs: number): void {
    this.#runs.tick(nowMs);
  }

  close(): Promise<void> {
    return this.#runs.close();
  }

  /** If the writer does not answer, the next run tries again. */
  async #reset(): Promise<void> {
    const { budgets, writer, clock } = this.#options;
    if (budgets.isResetDue(clock.now())) await writer.request(resetBudgets, {}, NO_CALLER);
  }
}
