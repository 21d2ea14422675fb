/**
 * Queues the calls that wait for a task to claim. When a task becomes claimable, only one call asks the writer for it.
 * It is the call that has waited longest among those that may have the task. The search for this call can take long,
 * because it passes over all calls that may not have the task. So tasks are assigned in time slices. Runs on the front.
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
  /** The caller. Each check reads the caller's members again, because they may change while the call waits. */
  readonly claimant: Claimant;
  /** The id of the only task for which the call waits; null if it waits for any task. */
  readonly id: string | null;
  /** The id by which the server recognizes a repetition of the call; null if the caller gave none. */
  readonly request_id: string | null;
  /**
   * Returns whether budgets or rate limits may end the wait now, for example because a budget of the caller is
   * exhausted. If so, the call asks the writer, whose reply decides. Null if budgets and rate limits do not affect the
   * wait.
   */
  readonly mayEndByHold: (() => boolean) | null;
}

class ClaimWaiter extends Waiting {
  /**
   * True while the call waits for a reply of the writer. That reply settles the call, even if the wait times out
   * meanwhile.
   */
  busy = false;
  /** True if a budget or a rate limit may have changed since the call last checked them. */
  holdsMayHaveChanged = true;
  /**
   * The tasks for which the call has asked the writer without success. A task leaves the set when it becomes claimable
   * again.
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

/** Limits the time that the search for calls takes in one tick of the event loop. */
export interface ClaimTurns {
  readonly slice?: Pick<TimeSlice, "isOver">;
  readonly turns?: Pick<LookTurns, "add">;
}

export class ClaimWaiters {
  readonly #tasks: TaskProjection;
  readonly #now: () => number;
  readonly #queue = new WaitQueue<ClaimWaiter>();
  /** The tasks for which a call is asking the writer now. Meanwhile, no other call asks for the same task. */
  readonly #asked = new Set<ClaimableTask>();
  /** Maps each task to the calls whose set `tried` may contain it. */
  readonly #triedBy = new WeakMap<ClaimableTask, Set<ClaimWaiter>>();
  /** The calls that wait for one certain task, by the id of that task. */
  readonly #byTask = new Groups<string, ClaimWaiter>();
  readonly #slice: Pick<TimeSlice, "isOver">;
  readonly #turns: Pick<LookTurns, "add">;
  /** The number of claimable tasks that still wait for the search for a call. */
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
   * Makes all waiting calls search for a task again. Called when any task may have become claimable for any caller, or
   * when a budget or a rate limit may have changed.
   */
  lookAll(): void {
    for (const waiter of this.#queue) {
      waiter.tried.clear();
      waiter.holdsMayHaveChanged = true;
      this.#look(waiter);
    }
  }

  /**
   * Makes the waiting calls of one instance search again. Called when the instance may claim more tasks than before.
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
   * Waits until an attempt gets a task. Returns null on timeout, when the client disconnects, or at a shutdown. A call
   * that names its task makes a last attempt on timeout, so that its reply has the current state of the task.
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
      // Search now. A task may have become claimable between the last attempt and the time at which the call was
      // queued.
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

  /**
   * Finds a call for a task. Does this in a later tick if other tasks are in front of it, or if the time slice of this
   * tick is used up.
   */
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

  /** Finds the first call in the queue that may have this task, and makes it ask the writer. */
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

  /** Finds the best task that a waiting call may have, and makes the call ask the writer for it. */
  #look(waiter: ClaimWaiter): void {
    if (waiter.busy || !waiter.waits) return;
    const { claimant } = waiter.call;
    const wants = (task: ClaimableTask): boolean => !this.#asked.has(task) && this.#wants(waiter, task);
    const found = this.#tasks.best(claimant, this.#now(), wants);
    if (found !== undefined) void this.#ask(waiter, found);
    else if (this.#mayEndByHold(waiter)) void this.#ask(waiter, null);
  }

  /**
   * Returns whether the call should ask the writer because budgets or rate limits may end its wait. After each change
   * of budgets or rate limits, it returns true at most once for each call.
   */
  #mayEndByHold(waiter: ClaimWaiter): boolean {
    if (!waiter.holdsMayHaveChanged) return false;
    waiter.holdsMayHaveChanged = false;
    return waiter.call.mayEndByHold?.() ?? false;
  }

  #wants({ call: { id }, tried }: ClaimWaiter, task: ClaimableTask): boolean {
    return (id === null || id === task.id) && !tried.has(task);
  }

  /**
   * Makes a waiting call ask the writer for a task.
   * @param task the task that the call may have. Null if the call asks for another reason, for example because another
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
    // This call may have got another task, or none. So let other calls ask for this task now.
    this.#asked.delete(task);
    this.#assign(task);
  }

  /**
   * Makes the waiting repetitions of a call ask the writer for the call's result. A client repeats its call if it has
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
