/**
 * Defines background tasks, which run without a client's request, and the registry of all tasks. The registry calls
 * each task's `tick` a few times a second, exposes the tasks' metrics, and closes the tasks in reverse order.
 *
 * A task has no timer of its own, so that tests can inject the time. src/composition/components.ts creates the
 * registry.
 *
 * An exception of a tick is a bug. The registry logs it, and the task gets its next tick. Otherwise one wrong row could
 * end the server again after each start.
 */
import { BACKGROUND_ERROR_REPORT_MS } from "../../../schemas/limits/process.js";
import type { Log } from "../../base/log.js";
import { traceOf } from "../../base/reason.js";
import { SparseReport } from "../../base/sparse-report.js";
import type { Exposition } from "../measure/exposition.js";

export interface BackgroundTask {
  /** Starts the work that is due, and returns without waiting for it. */
  tick?(nowMs: number): void;
  /** Tells the task to start no more work, because a shutdown would have to wait for it. Work in progress continues. */
  drain?(): void;
  /** The number of running operations that a shutdown must wait for; 0 if this member is absent. */
  readonly inFlight?: number;
  /** Ends the work in progress, and stores state that is only in memory. The task starts no work afterwards. */
  close?(): Promise<void>;
  /** Writes the task's metrics. */
  expose?(out: Exposition): void;
}

/**
 * Wraps a task that must run on only one node of a cluster. The wrapped task gets ticks only while this node is the
 * leader.
 */
export function whileLeader(isLeader: () => boolean, task: BackgroundTask): BackgroundTask {
  return {
    tick: (nowMs) => {
      if (isLeader()) task.tick?.(nowMs);
    },
    drain: () => task.drain?.(),
    get inFlight() {
      return task.inFlight ?? 0;
    },
    close: () => task.close?.() ?? Promise.resolve(),
    expose: (out) => task.expose?.(out),
  };
}

export interface BackgroundTasksOptions {
  readonly now: () => number;
  readonly intervalMs: number;
  readonly log: Log;
  /** Called with each exception of a tick. */
  readonly onBug: (error: unknown) => void;
}

/** The registry of all tasks of the server, in the order in which they were started. */
export class BackgroundTasks {
  readonly #tasks: readonly BackgroundTask[];
  readonly #options: BackgroundTasksOptions;
  readonly #report: SparseReport;
  #ticking: NodeJS.Timeout | undefined;
  #errors = 0;

  constructor(tasks: readonly BackgroundTask[], options: BackgroundTasksOptions) {
    this.#tasks = tasks;
    this.#options = options;
    this.#report = new SparseReport(BACKGROUND_ERROR_REPORT_MS, (times, error) =>
      options.log.error("a background task failed", { error: traceOf(error), times }),
    );
  }

  start(): void {
    const { now, intervalMs } = this.#options;
    this.#ticking = setInterval(() => this.tick(now()), intervalMs);
  }

  /** Calls `tick` of each task. */
  tick(nowMs: number): void {
    for (const task of this.#tasks) {
      try {
        task.tick?.(nowMs);
      } catch (error) {
        this.#errors += 1;
        this.#report.report(error);
        this.#options.onBug(error);
      }
    }
  }

  drain(): void {
    for (const task of this.#tasks) task.drain?.();
  }

  get inFlight(): number {
    return this.#tasks.reduce((sum, { inFlight = 0 }) => sum + inFlight, 0);
  }

  /** Closes all tasks one after the other, in the reverse order of their start. */
  async close(): Promise<void> {
    clearInterval(this.#ticking);
    for (const task of this.#tasks.toReversed()) await task.close?.();
  }

  expose(out: Exposition): void {
    out.value("koor_background_errors_total", "counter", "Exceptions of background tasks.", this.#errors);
    for (const task of this.#tasks) task.expose?.(out);
  }
}
