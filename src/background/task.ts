/**
 * Background tasks: what goes on without being asked. One interface and one register: the composition root lists
 * them, calls each a few times a second, ends them in reverse, and shows their figures. A task has no timer of its
 * own, so that tests give it the time they want.
 */
import type { Exposition } from "../measure/exposition.js";

export interface BackgroundTask {
  /** Does what is due; never waits. */
  tick?(now_ms: number): void;
  /** Begins nothing more that others would wait for; what is under way goes on. */
  drain?(): void;
  /** How much is under way that a shutdown waits for; none where it is not said. */
  readonly in_flight?: number;
  /** Ends what is under way, and stores what only memory knows; nothing is begun after it. */
  close?(): Promise<void>;
  /** Its figures. */
  expose?(out: Exposition): void;
}

/** A task that is done by one server of several: its ticks come only while this is the one. */
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

/** The register: every task of the server, in the order of their start. */
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

  /** Ends all of them, the last started first, one after the other. */
  async close(): Promise<void> {
    clearInterval(this.#ticking);
    for (const task of this.#tasks.toReversed()) await task.close?.();
  }

  expose(out: Exposition): void {
    for (const task of this.#tasks) task.expose?.(out);
  }
}
