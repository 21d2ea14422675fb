/**
 * Background tasks, which run without a request. The composition root lists them in one registry, which ticks each a
 * few times a second, closes them in reverse order, and exposes their metrics. A task has no timer of its own, so that
 * tests can inject the time.
 */
import type { Exposition } from "../measure/exposition.js";

export interface BackgroundTask {
  /** Starts the work that is due; never waits. */
  tick?(now_ms: number): void;
  /** Starts no more work that others would wait for. Work in progress continues. */
  drain?(): void;
  /** The number of operations that a shutdown waits for; 0 if it is absent. */
  readonly in_flight?: number;
  /** Ends the work in progress, and stores state that only memory has. Nothing is started afterwards. */
  close?(): Promise<void>;
  /** Writes the task's metrics. */
  expose?(out: Exposition): void;
}

/** Wraps a task that only one node of a cluster runs: it gets ticks while this node is leader. */
export function whileLeader(isLeader: () => boolean, task: BackgroundTask): BackgroundTask {
  return {
    tick: (now_ms) => {
      if (isLeader()) task.tick?.(now_ms);
    },
    drain: () => task.drain?.(),
    get in_flight() {
      return task.in_flight ?? 0;
    },
    close: () => task.close?.() ?? Promise.resolve(),
    expose: (out) => task.expose?.(out),
  };
}

/** The registry of all tasks of the server, in the order of their start. */
export class BackgroundTasks {
  readonly #tasks: readonly BackgroundTask[];
  readonly #now: () => number;
  readonly #interval_ms: number;
  #ticking: NodeJS.Timeout | undefined;

  constructor(tasks: readonly BackgroundTask[], now: () => number, interval_ms: number) {
    this.#tasks = tasks;
    this.#now = now;
    this.#interval_ms = interval_ms;
  }

  start(): void {
    this.#ticking = setInterval(() => {
      const now_ms = this.#now();
      for (const task of this.#tasks) task.tick?.(now_ms);
    }, this.#interval_ms);
  }

  drain(): void {
    for (const task of this.#tasks) task.drain?.();
  }

  get in_flight(): number {
    return this.#tasks.reduce((sum, { in_flight = 0 }) => sum + in_flight, 0);
  }

  /** Closes all tasks one after the other, the last started first. */
  async close(): Promise<void> {
    clearInterval(this.#ticking);
    for (const task of this.#tasks.toReversed()) await task.close?.();
  }

  expose(out: Exposition): void {
    for (const task of this.#tasks) task.expose?.(out);
  }
}
