/**
 * Queues the calls that wait for a task to claim. When a task becomes claimable, only one call asks the writer for it.
 * That call is the one that has waited longest among the calls that may have the task. The search for that call also
 * passes over calls that may not have the task. So if there are a thousand new tasks, they are assigned in time slices.
 * Runs on the front.
 */
import { Groups } from "../../base/groups.js";
import { type LookTurns, lookTurns } from "../../base/look-turns.js";
import { TimeSlice } from "../../base/time-slice.js";
import { WaitQueue, Waiting, type WaitEnd } from "../../base/wait-queue.js";
import type { ClaimableTask, TaskProjection } from "./task-projection.js";
import { type Claimant, mayClaim } from "./ready-queue.js";
import { hasEnded } from "./task.js";

/** Asks the writer for a task. Returns null if the writer has none for the caller. */
export type Attempt<Found> = () => Promise<Found | null>;

export interface ClaimCall {
  /** The caller. Its members are read again at each check, because they may change while the call waits. */
  readonly claimant: Claimant;
  /** The id of the only task that the call waits for; null if any task will do. */
  readonly id: string | null;
  /** The id by which a repetition of the waiting call is recognized; null if the caller gave none. */
  readonly request_id: string | null;
  /**
   * Returns whether budgets and rate limits keep the caller from tasks now, if that ends the wait; null if it does not
   * end the wait. The writer is asked only then, and its reply decides.
   */
  readonly mayEndByHold: (() => boolean) | null;
}

class ClaimWaiter extends Waiting {
  /**
   * True while the call asks the writer. The writer's reply then settles the call, even if the wait has ended
   * meanwhile.
   */
  busy = false;
  /** True if what keeps callers from tasks may have changed since the call was last checked for that. */
  holdsMayHaveChanged = true;
  /**
   * The tasks for which the call asked the writer without success. A task is removed from the set when it becomes
   * claimable again.
   */
  readonly tried = new Set<ClaimableTask>();

  constructor(
    readonly call: ClaimCall,
    readonly attempt: Attempt<unknown>,
    readonly settle: (found: unknown) => void,
    readonly lastAttempt: (waiter: ClaimWaiter) => void,
  ) {
    super();
  }

  end(reason: WaitEnd): void {
    if (this.busy) return;
    if (reason === "deadline" && this.call.id !== null) this.lastAttempt(this);
    else this.settle(null);
  }
}

/** Divides the search for calls over event-loop ticks. */
export interface ClaimTurns {
  readonly slice?: Pick<TimeSlice, "isOver">;
  readonly turns?: Pick<LookTurns, "add">;
}

export class ClaimWaiters {
  readonly #tasks: TaskProjection;
  readonly #now: () => number;
  readonly #queue = new WaitQueue<ClaimWaiter>();
  /** The tasks for which a call is asking the writer now. Meanwhile, no other call asks for them. */
  readonly #asked = new Set<ClaimableTask>();
  /** For each task, the calls whose `tried` may contain it. */
  readonly #triedBy = new WeakMap<ClaimableTask, Set<ClaimWaiter>>();
  /** The calls that wait for one task only, by its id. */
  readonly #byTask = new Groups<string, ClaimWaiter>();
  readonly #slice: Pick<TimeSlice, "isOver">;
  readonly #turns: Pick<LookTurns, "add">;
  /** The number of tasks that wait to be assigned. */
  #unassigned = 0;
  readonly #askOnce = (waiter: ClaimWaiter): void => void this.#ask(waiter, null);

  constructor(
    tasks: TaskProjection,
    now: () => number,
    { slice = new TimeSlice(), turns = lookTurns }: ClaimTurns = {},
  ) {
    this.#tasks = tasks;
    this.#now = now;
    this.#slice = slice;
    this.#turns = turns;
    tasks.listen({
      claimable: (task) => {
        for (const { tried } of this.#triedBy.get(task) ?? []) tried.delete(task);
        this.#triedBy.delete(task);
        this.#assignInTurn(task);
      },
      changed: (id, state) => {
        if (!hasEnded(state)) return;
        for (const waiter of [...(this.#byTask.get(id) ?? [])])
          if (waiter.waits && !waiter.busy) void this.#ask(waiter, null);
      },
      lost: () => this.lookAll(),
    });
  }

  /**
   * Makes all waiting calls search again, because tasks may be claimable that were not, or not for these callers, or
   * because a budget or a rate limit may keep callers from tasks.
   */
  lookAll(): void {
    for (const waiter of this.#queue) {
      waiter.tried.clear();
      waiter.holdsMayHaveChanged = true;
      this.#look(waiter);
    }
  }

  /**
   * Makes the waiting calls of an instance search again, because the instance may now claim tasks that it could not
   * claim before.
   */
  look(instance: string): void {
    for (const waiter of this.#queue) {
      if (waiter.call.claimant.id !== instance) continue;
      waiter.tried.clear();
      this.#look(waiter);
    }
  }

  /** The number of waiting calls. */
  get waiting(): number {
    return this.#queue.size;
  }

  /**
   * Waits until an attempt gets a task. Returns null on timeout, when the client disconnects, or when the server shuts
   * down. On timeout, a call that names its task makes a last attempt, so that the reply has the current state of the
   * task.
   * @param onAbort registers a listener that is called when the client disconnects
   */
  wait<Found>(
    call: ClaimCall,
    waitMs: number,
    attempt: Attempt<Found>,
    onAbort: (listener: () => void) => void,
  ): Promise<Found | null> {
    return new Promise((resolve) => {
      const settle = (found: unknown): void => {
        this.#forget(waiter);
        resolve(found as Found | null);
      };
      const waiter = new ClaimWaiter(call, attempt, settle, this.#askOnce);
      if (!this.#queue.add(waiter, { waitMs, onAbort })) {
        resolve(null);
        return;
      }
      this.#file(waiter);
      // Search now: a task may have become claimable after the last attempt, before the call was in the queue.
      this.#look(waiter);
    });
  }

  /** Ends all waits, permanently. */
  end(): void {
    this.#queue.close();
  }

  #file(waiter: ClaimWaiter): void {
    const { id } = waiter.call;
    if (id !== null) this.#byTask.add(id, waiter);
  }

  #forget(waiter: ClaimWaiter): void {
    const { id } = waiter.call;
    if (id !== null) this.#byTask.remove(id, waiter);
  }

  /** Assigns a task: at once, or in a later tick, after the tasks that already wait for it. */
  #assignInTurn(task: ClaimableTask): void {
    if (this.#queue.size === 0) return;
    if (this.#unassigned === 0 && !this.#slice.isOver) {
      this.#assign(task);
      return;
    }
    this.#unassigned += 1;
    this.#turns.add(() => {
      this.#unassigned -= 1;
      this.#assign(task);
    });
  }

  /** Finds the first call in the queue that may have this task, and lets it ask the writer for the task. */
  #assign(task: ClaimableTask): void {
    if (this.#tasks.get(task.row) !== task || this.#asked.has(task)) return;
    const nowMs = this.#now();
    for (const waiter of this.#queue) {
      if (waiter.busy || !this.#wants(waiter, task)) continue;
      const { claimant } = waiter.call;
      if (!mayClaim(task, claimant, nowMs) || !this.#tasks.isFree(task, claimant)) continue;
      void this.#ask(waiter, task);
      return;
    }
  }

  /** Lets a waiting call ask the writer for the best task that it may have. */
  #look(waiter: ClaimWaiter): void {
    if (waiter.busy || !waiter.waits) return;
    const { claimant } = waiter.call;
    const wants = (task: ClaimableTask): boolean => !this.#asked.has(task) && this.#wants(waiter, task);
    const found = this.#tasks.best(claimant, this.#now(), wants);
    if (found !== undefined) void this.#ask(waiter, found);
    else if (this.#mayEndByHold(waiter)) void this.#ask(waiter, null);
  }

  /** Checks each change of budgets and rate limits once, so that a call asks the writer at most once for each. */
  #mayEndByHold(waiter: ClaimWaiter): boolean {
    if (!waiter.holdsMayHaveChanged) return false;
    waiter.holdsMayHaveChanged = false;
    return waiter.call.mayEndByHold?.() ?? false;
  }

  #wants({ call: { id }, tried }: ClaimWaiter, task: ClaimableTask): boolean {
    return (id === null || id === task.id) && !tried.has(task);
  }

  /**
   * Lets a call ask the writer for a task.
   * @param task the task that the call may have; null if the call asks for another reason, for example because another
   * call with the same request_id got a result
   */
  async #ask(waiter: ClaimWaiter, task: ClaimableTask | null): Promise<void> {
    waiter.busy = true;
    if (task !== null) {
      waiter.tried.add(task);
      const triers = this.#triedBy.get(task);
      if (triers === undefined) this.#triedBy.set(task, new Set([waiter]));
      else triers.add(waiter);
      this.#asked.add(task);
    }
    const found = await waiter.attempt();
    waiter.busy = false;
    if (found !== null || !waiter.waits) {
      this.#queue.remove(waiter);
      waiter.settle(found);
    } else this.#look(waiter);
    if (found !== null) this.#notifyDuplicates(waiter.call);
    if (task === null) return;
    // Let another call ask for this task, because this call may have got another task or none.
    this.#asked.delete(task);
    this.#assign(task);
  }

  /**
   * Makes the waiting repetitions of a call ask the writer for the call's result. A client repeats a call after it has
   * lost the connection.
   */
  #notifyDuplicates({ claimant, request_id }: ClaimCall): void {
    if (request_id === null) return;
    for (const other of this.#queue) {
      const { call, busy } = other;
      if (!busy && call.request_id === request_id && call.claimant.id === claimant.id) void this.#ask(other, null);
    }
  }
}
