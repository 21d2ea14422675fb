/**
 * Who waits in a call for a task to claim: in line, so that of those who may have a task that can be claimed now the
 * one who has waited longest asks the writer for one, and nobody else. Runs on the front.
 */
import type { ClaimableTask, TaskProjection } from "./task-projection.js";
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

interface ClaimWaiter {
  readonly waiting: Waiting;
  readonly attempt: Attempt<unknown>;
  readonly settle: (found: unknown) => void;
  /** It is asking the writer. */
  busy: boolean;
  /** What it asked the writer for in vain, since that was offered. */
  readonly tried: Set<ClaimableTask>;
}

export class ClaimWaiters {
  readonly #tasks: TaskProjection;
  readonly #now: () => number;
  readonly #queue = new Set<ClaimWaiter>();
  /** What somebody is asking the writer for: nobody else does meanwhile. */
  readonly #asked = new Set<ClaimableTask>();
  #ended = false;

  constructor(tasks: TaskProjection, now: () => number) {
    this.#tasks = tasks;
    this.#now = now;
    tasks.listen({
      claimable: (task) => {
        for (const { tried } of this.#queue) tried.delete(task);
        this.#assign(task);
      },
      changed: (id, state) => {
        if (!hasEnded(state)) return;
        for (const waiter of this.#queue) if (waiter.waiting.id === id && !waiter.busy) void this.#ask(waiter, null);
      },
      lost: () => {
        for (const waiter of this.#queue) {
          waiter.tried.clear();
          this.#look(waiter);
        }
      },
    });
  }

  /** An instance may claim what it could not before: who waits for it asks again. */
  look(instance: string): void {
    for (const waiter of this.#queue) {
      if (waiter.waiting.claimant.id !== instance) continue;
      waiter.tried.clear();
      this.#look(waiter);
    }
  }

  /** How many wait. */
  get waiting(): number {
    return this.#queue.size;
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
        this.#queue.delete(waiter);
        resolve(found as Found | null);
      };
      const waiter: ClaimWaiter = { waiting, attempt, settle, busy: false, tried: new Set() };
      // While it asks the writer, the answer to that is its own.
      const leave = (): void => {
        this.#queue.delete(waiter);
        if (!waiter.busy) settle(null);
      };
      const timer = setTimeout(() => {
        this.#queue.delete(waiter);
        if (waiter.busy) return;
        if (waiting.id === null) settle(null);
        else void this.#ask(waiter, null);
      }, wait_ms);
      this.#queue.add(waiter);
      onAbort(leave);
      // What came between the last attempt and the line.
      this.#look(waiter);
    });
  }

  /** Ends all waiting, for ever. */
  end(): void {
    this.#ended = true;
    for (const waiter of [...this.#queue]) if (!waiter.busy) waiter.settle(null);
  }

  /** Has the first in line that may have a task ask for one. */
  #assign(task: ClaimableTask): void {
    if (this.#tasks.get(task.row) !== task || this.#asked.has(task)) return;
    const now_ms = this.#now();
    for (const waiter of this.#queue) {
      if (waiter.busy || !this.#wants(waiter, task)) continue;
      const { claimant } = waiter.waiting;
      if (!mayClaim(task, claimant, now_ms) || !this.#tasks.isFree(task, claimant.id)) continue;
      void this.#ask(waiter, task);
      return;
    }
  }

  /** Has one ask for what there is for it. */
  #look(waiter: ClaimWaiter): void {
    if (waiter.busy || !this.#queue.has(waiter)) return;
    const { claimant } = waiter.waiting;
    const wants = (task: ClaimableTask): boolean => !this.#asked.has(task) && this.#wants(waiter, task);
    const found = this.#tasks.best(claimant, this.#now(), wants);
    if (found !== undefined) void this.#ask(waiter, found);
  }

  #wants({ waiting: { id }, tried }: ClaimWaiter, task: ClaimableTask): boolean {
    return (id === null || id === task.id) && !tried.has(task);
  }

  /** @param task which it may have; null where it is to hear what became of its call */
  async #ask(waiter: ClaimWaiter, task: ClaimableTask | null): Promise<void> {
    waiter.busy = true;
    if (task !== null) {
      waiter.tried.add(task);
      this.#asked.add(task);
    }
    const found = await waiter.attempt();
    waiter.busy = false;
    if (found !== null || !this.#queue.has(waiter) || this.#ended) waiter.settle(found);
    else this.#look(waiter);
    if (found !== null) this.#notifyDuplicates(waiter.waiting);
    if (task === null) return;
    // It may have been for another task, or for none: then this one is somebody else's.
    this.#asked.delete(task);
    this.#assign(task);
  }

  /** The same call, made again because its connection was lost, gets what it has got. */
  #notifyDuplicates({ claimant, request_id }: Waiting): void {
    if (request_id === null) return;
    for (const other of this.#queue) {
      const { waiting, busy } = other;
      if (!busy && waiting.request_id === request_id && waiting.claimant.id === claimant.id)
        void this.#ask(other, null);
    }
  }
}
