/**
 * Finds the task that a call names, and checks whether the caller may act on it. Changes nothing. Runs in the writer
 * thread.
 */
import type { LeaseRecord } from "../../../schemas/leases.js";
import { CLAIM_LOOK_STEPS } from "../../../schemas/limits/tasks.js";
import { NEEDS_INSTANCE } from "../../base/needs-instance.js";
import { Failure } from "../../base/result.js";
import { formatTime } from "../../base/time.js";
import type { BudgetRegistry } from "../budgets/registry.js";
import type { ClaimRegistry } from "../claims/claim-registry.js";
import { NOT_YOURS } from "../claims/refusals.js";
import type { WriteCall } from "../../platform/threads/writer-method.js";
import type { Found, LiveTasks, Looked } from "./live-tasks.js";
import type { KnownTask } from "./plan.js";
import type { Claimant, Rank } from "./ready-queue.js";
import { contenderForTask, type LiveTask, noTask, taskIs } from "./task.js";
import type { TaskWriter } from "./task-writer.js";
import { isPossible } from "./transitions.js";

const CLAIM_LOST = new Failure("ALREADY_EXISTS", "claim lost");
const NEEDS_NOTHING: Looked = { free: true, steps: 0 };
/** The result for a task that no exhausted budget holds back. */
const UNLIMITED = { isHeld: false, steps: 0 } as const;

export class TaskFinder {
  readonly #live: LiveTasks;
  readonly #table: TaskWriter;
  readonly #claims: Pick<ClaimRegistry, "claimAt" | "lookFor" | "nameOf">;
  readonly #budgets: Pick<BudgetRegistry, "holdsTasks" | "lookAtTask">;

  constructor(
    live: LiveTasks,
    table: TaskWriter,
    claims: Pick<ClaimRegistry, "claimAt" | "lookFor" | "nameOf">,
    budgets: Pick<BudgetRegistry, "holdsTasks" | "lookAtTask">,
  ) {
    this.#live = live;
    this.#table = table;
    this.#claims = claims;
    this.#budgets = budgets;
  }

  /** Finds a task by its id. The task may have ended. */
  find(id: string): KnownTask | undefined {
    const task = this.#live.get(id);
    return task === undefined ? this.#table.stateOf(id) : { row: task.row, state: task.life.state };
  }

  /**
   * Finds the best task that the claimant may have. The task's resources must be free, and none of its budgets may be
   * exhausted. If several tasks need the same resources, the resources are checked only once.
   */
  best(claimant: Claimant, nowMs: number, after: Rank | null): Found {
    const look = this.#claims.lookFor(contenderForTask(claimant));
    const taken = new Set<string>();
    const isLimited = this.#budgets.holdsTasks(nowMs);
    return this.#live.best(claimant, nowMs, after, ({ id, resources }) => {
      const budget = isLimited ? this.#budgets.lookAtTask(id, nowMs) : UNLIMITED;
      if (budget.isHeld) return { free: false, steps: CLAIM_LOOK_STEPS + budget.steps };
      if (resources.length === 0) return isLimited ? { free: true, steps: budget.steps } : NEEDS_NOTHING;
      const needs = resources.map(({ text }) => text).join("\n");
      if (taken.has(needs)) return { free: false, steps: budget.steps };
      const { free, steps } = look(resources);
      if (!free) taken.add(needs);
      return { free, steps: CLAIM_LOOK_STEPS + budget.steps + steps };
    });
  }

  /**
   * Finds a task by its id, and checks that the instance may claim it now. The claim registry later checks whether the
   * task's resources are free.
   */
  named(id: string, { id: claimant, name, capabilities }: Claimant, nowMs: number): Found | Failure {
    const task = this.#live.get(id);
    if (task === undefined) {
      const ended = this.#table.stateOf(id);
      return ended === undefined ? noTask(id) : taskIs(ended.state);
    }
    const { state, assignee, reserved, reserved_until, not_before } = task.life;
    if (!isPossible("claim", state)) return taskIs(state);
    const missing = task.requires.find((capability) => !capabilities.includes(capability));
    if (missing !== undefined) return new Failure("ALREADY_EXISTS", `task needs ${missing}`);
    const whom = reserved_until > nowMs ? reserved : assignee;
    if (whom !== null && whom !== claimant && whom !== name)
      return new Failure("ALREADY_EXISTS", `task is assigned to ${this.#claims.nameOf(whom) ?? whom}`);
    if (not_before !== null && not_before > nowMs)
      return new Failure("ALREADY_EXISTS", `task is not before ${formatTime(not_before)}`);
    return { task, more: null };
  }

  /** Returns a task if the caller holds it under this fence. Otherwise returns the failure. */
  held(
    id: string,
    fence: number,
    { actor }: WriteCall,
  ): { readonly task: LiveTask; readonly claim: LeaseRecord } | Failure {
    if (actor === "") return NEEDS_INSTANCE;
    const task = this.#live.get(id);
    const claim = task?.life.claim === null || task === undefined ? undefined : this.#claims.claimAt(task.life.claim);
    if (task !== undefined && claim?.holder === actor) return claim.fence === fence ? { task, claim } : CLAIM_LOST;
    const known = task ?? this.#table.stateOf(id);
    if (known === undefined) return noTask(id);
    return this.#table.hasHeld(known.row, actor) ? CLAIM_LOST : NOT_YOURS;
  }

  /** Returns a task if the caller may manage it. Otherwise returns the failure. */
  managed(id: string, owns: boolean, { actor }: WriteCall): LiveTask | Failure {
    const task = this.#live.get(id) ?? this.#table.get(id);
    if (task === undefined) return noTask(id);
    const claim = task.life.claim === null ? undefined : this.#claims.claimAt(task.life.claim);
    if (owns || (actor !== "" && (task.created_by === actor || claim?.holder === actor))) return task;
    return NOT_YOURS;
  }
}
