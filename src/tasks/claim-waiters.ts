/**
 * Who waits in a call for a task to claim: in line, so that of those who may have a task that can be claimed now the
 * one who has waited longest asks the writer for one, and nobody else. Runs on the front.
 */
import type { OfferedTask, TaskProjection } from "./task-projection.js";
import { type Claimant, mayClaim } from "./ready-queue.js";
import { hasEnded } from "./task.js";

/** Asks the writer for a task; null where there was none. */
export type Attempt<Found> = () => Promise<Found | null>;

export interface Waiting {
  /** What it says of who waits is what holds whenever it is asked. */
  readonly claimant: Claimant;
  /** The only task that it waits for; null for any. */
  readonly id: string | null;
  /** By which the same call is known, made again while it waits; null where it has none. */
  readonly request_id: string | null;
}

interface Claimer {
  readonly waiting: Waiting;
  readonly attempt: Attempt<unknown>;
  readonly settle: (found: unknown) => void;
  /** It is asking the writer. */
  busy: boolean;
  /** What it asked the writer for in vain, since that was offered. */
  readonly tried: Set<OfferedTask>;
}

export class ClaimWaiters {
  readonly #mirror: TaskProjection;
  readonly #now: () => number;
  readonly #line = new Set<Claimer>();
  /** What somebody is asking the writer for: nobody else does meanwhile. */
  readonly #asked = new Set<OfferedTask>();
  #ended = false;

  constructor(mirror: TaskProjection, now: () => number) {
    this.#mirror = mirror;
    this.#now = now;
    mirror.listen({
      offered: (task) => {
        for (const { tried } of this.#line) tried.delete(task);
        this.#offer(task);
      },
      changed: (id, state) => {
        if (!hasEnded(state)) return;
        for (const claimer of this.#line) if (claimer.waiting.id === id && !claimer.busy) void this.#ask(claimer, null);
      },
      lost: () => {
        for (const claimer of this.#line) {
          claimer.tried.clear();
          this.#look(claimer);
        }
      },
    });
  }

  /** An instance may claim what it could not before: who waits for it asks again. */
  look(instance: string): void {
    for (const claimer of this.#line) {
      if (claimer.waiting.claimant.id !== instance) continue;
      claimer.tried.clear();
      this.#look(claimer);
    }
  }

  /** How many wait. */
  get waiting(): number {
    return this.#line.size;
  }

  /**
   * Waits until an attempt finds something; null where the time was up, the client has gone, or the server shuts down.
   * Who waits for one task tries once more when the time is up, and so is told how that is by then.
   * @param onAbort is told what to call when the client has gone
   */
  wait<Found>(
    waiting: Waiting,
    wait_ms: number,
    attempt: Attempt<Found>,
    onAbort: (listener: () => void) => void,
  ): Promise<Found | null> {
    if (this.#ended) return Promise.resolve(null);
    return new Promise((resolve) => {
      const settle = (found: unknown): void => {
        clearTimeout(timer);
        this.#line.delete(claimer);
        resolve(found as Found | null);
      };
      const claimer: Claimer = { waiting, attempt, settle, busy: false, tried: new Set() };
      // While it asks the writer, the answer to that is its own.
      const leave = (): void => {
        this.#line.delete(claimer);
        if (!claimer.busy) settle(null);
      };
      const timer = setTimeout(() => {
        this.#line.delete(claimer);
        if (claimer.busy) return;
        if (waiting.id === null) settle(null);
        else void this.#ask(claimer, null);
      }, wait_ms);
      this.#line.add(claimer);
      onAbort(leave);
      // What came between the last attempt and the line.
      this.#look(claimer);
    });
  }

  /** Ends all waiting, for ever. */
  end(): void {
    this.#ended = true;
    for (const claimer of [...this.#line]) if (!claimer.busy) claimer.settle(null);
  }

  /** Has the first in line that may have a task ask for one. */
  #offer(task: OfferedTask): void {
    if (this.#mirror.get(task.row) !== task || this.#asked.has(task)) return;
    const now_ms = this.#now();
    for (const claimer of this.#line) {
      if (claimer.busy || !this.#wants(claimer, task)) continue;
      const { claimant } = claimer.waiting;
      if (!mayClaim(task, claimant, now_ms) || !this.#mirror.isFree(task, claimant.id)) continue;
      void this.#ask(claimer, task);
      return;
    }
  }

  /** Has one ask for what there is for it. */
  #look(claimer: Claimer): void {
    if (claimer.busy || !this.#line.has(claimer)) return;
    const { claimant } = claimer.waiting;
    const wants = (task: OfferedTask): boolean => !this.#asked.has(task) && this.#wants(claimer, task);
    const found = this.#mirror.best(claimant, this.#now(), wants);
    if (found !== undefined) void this.#ask(claimer, found);
  }

  #wants({ waiting: { id }, tried }: Claimer, task: OfferedTask): boolean {
    return (id === null || id === task.id) && !tried.has(task);
  }

  /** @param task which it may have; null where it is to hear what became of its call */
  async #ask(claimer: Claimer, task: OfferedTask | null): Promise<void> {
    claimer.busy = true;
    if (task !== null) {
      claimer.tried.add(task);
      this.#asked.add(task);
    }
    const found = await claimer.attempt();
    claimer.busy = false;
    if (found !== null || !this.#line.has(claimer) || this.#ended) claimer.settle(found);
    else this.#look(claimer);
    if (found !== null) this.#tellTwins(claimer.waiting);
    if (task === null) return;
    // It may have been for another task, or for none: then this one is somebody else's.
    this.#asked.delete(task);
    this.#offer(task);
  }

  /** The same call, made again because its connection was lost, gets what it has got. */
  #tellTwins({ claimant, request_id }: Waiting): void {
    if (request_id === null) return;
    for (const other of this.#line) {
      const { waiting, busy } = other;
      if (!busy && waiting.request_id === request_id && waiting.claimant.id === claimant.id)
        void this.#ask(other, null);
    }
  }
}
