/**
 * Executes the writer's calls about budgets. It adds each report of usage to the sums of the budgets that the report
 * concerns. It publishes changes of their states, and decides which agents get no task. All budgets are in memory.
 * Changed sums are written before the commit of the transaction. Runs in the writer thread.
 */
import type { BudgetState, SetBudgetRequest } from "../../../schemas/budgets.js";
import type { ServerTopic } from "../../../schemas/events.js";
import { BUDGET_TASKS_A_STEP, BUDGETS_MAX, CLAIM_HELD_MAX } from "../../../schemas/limits/budgets.js";
import { Failure, notFound } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";
import { type Model, type Opening, type Publication, PublishingModel } from "../../platform/threads/model.js";
import type { WriteCall } from "../../platform/threads/writer-method.js";
import { publisher, type Publisher } from "../events/publisher.js";
import { atTime, type BudgetRow, type Charge, charge, holds, type LiveBudget, showBudget, stateOf } from "./budget.js";
import { BUDGETS } from "./push-messages.js";
import {
  type BudgetReader,
  budgetReader,
  type BudgetWriter,
  budgetWriter,
  type TasksAbove,
  tasksAbove,
} from "./table.js";
import { BudgetIndex, concernedOf } from "./targets.js";

const TOPICS = {
  ok: "budget.reset",
  warned: "budget.warned",
  exhausted: "budget.exhausted",
} as const satisfies Readonly<Record<BudgetState, ServerTopic>>;
const SOURCE = "koor";

const FULL = new Failure("STOCK_FULL", `there are ${BUDGETS_MAX} budgets already: remove one first`);

/** A report of usage, with the instance and the task that it is about. */
export interface ChargedReport extends Charge {
  /** The id of the instance; "" if it is not known. */
  readonly instance: string;
  /** The id of the task on which the usage was spent; "" if there is none. */
  readonly task: string;
}

export class BudgetRegistry extends PublishingModel {
  readonly #reader: BudgetReader;
  readonly #writer: BudgetWriter;
  readonly #tasks: TasksAbove;
  readonly #events: Publisher;
  readonly #index = new BudgetIndex();
  #isLoaded = false;
  /** The ids of the budgets whose rows the front has to read again. */
  readonly #changed = new Set<string>();
  /** True if a report has changed sums in this transaction. The states may be the same as before. */
  #isCharged = false;

  constructor({ use }: Pick<Opening, "use">) {
    super();
    this.#reader = use(budgetReader);
    this.#writer = use(budgetWriter);
    this.#tasks = use(tasksAbove);
    this.#events = use(publisher);
  }

  /** Sets a budget. Its sums stay if its scope, target and period stay the same. */
  set(request: SetBudgetRequest, call: WriteCall): Failure | BudgetRow {
    const { nowMs } = call;
    const stored = this.#all().get(request.id);
    if (stored === undefined && this.#index.size >= BUDGETS_MAX) return FULL;
    const before = stored === undefined ? undefined : atTime(stored, nowMs);
    const isSame =
      before?.scope === request.scope && before.target === request.target && before.period === request.period;
    const sums = isSame ? before : { used_tokens: 0, used_cost: 0, reports: 0, unpriced: 0, since: nowMs };
    const { used_tokens, used_cost, reports, unpriced, since } = sums;
    const fresh: BudgetRow = {
      ...request,
      state: "ok",
      used_tokens,
      used_cost,
      reports,
      unpriced,
      since,
      updated_at: nowMs,
    };
    const row = { ...fresh, state: stateOf(fresh) };
    this.#store(row);
    this.#touch(row.id);
    if (row.state !== (stored?.state ?? "ok")) this.#publish(row, call);
    return row;
  }

  remove(id: string, call: WriteCall): Failure | null {
    const row = this.#all().get(id);
    if (row === undefined) return notFound(`budget not found: ${shorten(id)}`);
    this.#index.delete(id);
    this.#writer.delete(id);
    this.#touch(id);
    if (row.state !== "ok") this.#publish({ ...row, state: "ok" }, call);
    return null;
  }

  /** Returns whether any budget has the scope `task`. */
  get countsTasks(): boolean {
    return this.#all().has("task");
  }

  /** Adds a report to the sums of all budgets that it concerns. */
  charge({ instance, task, tokens, cost }: ChargedReport, call: WriteCall): void {
    const all = this.#all();
    if (all.size === 0) return;
    const lineage = this.#writer.lineageOf(instance);
    const found = all.concerning(concernedOf(lineage, all.has("task") ? this.#tasks.of(task) : []));
    if (found.length === 0) return;
    this.#isCharged = true;
    this.markDirty();
    for (const stored of found) {
      const live = stored.endMs <= call.nowMs ? this.#current(stored, call) : stored;
      this.#writer.putLast(live);
      if (!charge(live, { tokens, cost })) continue;
      this.#touch(live.id);
      this.#publish(live, call);
    }
  }

  /** Resets the budgets that are not `ok` and whose period has ended. Returns their ids. */
  reset(call: WriteCall): string[] {
    const ids: string[] = [];
    for (const row of [...this.#all().values()]) {
      if (row.state === "ok" || this.#current(row, call) === row) continue;
      ids.push(row.id);
    }
    return ids;
  }

  /** Returns the exhausted budgets that keep an instance from getting a task, at most CLAIM_HELD_MAX. */
  holding(instance: string, nowMs: number): BudgetRow[] {
    const all = this.#all();
    if (all.size === 0) return [];
    const found = all.concerning(concernedOf(this.#writer.lineageOf(instance), []));
    return found.filter((row) => holds(row, nowMs)).slice(0, CLAIM_HELD_MAX);
  }

  /** Returns whether any budget of the scope `task` keeps tasks from being claimed. */
  holdsTasks(nowMs: number): boolean {
    if (!this.#all().has("task")) return false;
    for (const row of this.#index.values()) if (row.scope === "task" && holds(row, nowMs)) return true;
    return false;
  }

  /** Returns the exhausted budgets that keep a task from being claimed, at most CLAIM_HELD_MAX. */
  holdingTask(id: string, nowMs: number): BudgetRow[] {
    if (!this.holdsTasks(nowMs)) return [];
    const found = this.#index.concerning({ workspace: null, agents: [], tasks: this.#tasks.of(id) });
    return found.filter((row) => holds(row, nowMs)).slice(0, CLAIM_HELD_MAX);
  }

  /**
   * Returns whether an exhausted budget keeps a task from being claimed. Also returns the number of steps of this
   * search.
   */
  lookAtTask(id: string, nowMs: number): { readonly isHeld: boolean; readonly steps: number } {
    const tasks = this.#tasks.of(id);
    const found = this.#all().concerning({ workspace: null, agents: [], tasks });
    return {
      isHeld: found.some((row) => holds(row, nowMs)),
      steps: Math.ceil(tasks.length / BUDGET_TASKS_A_STEP),
    };
  }

  reload(): void {
    this.#isLoaded = false;
    this.#index.clear();
    this.#changed.clear();
    this.#isCharged = false;
  }

  afterCommit({ changes, push }: Publication): void {
    if (this.#changed.size > 0) push(BUDGETS, [...this.#changed]);
    if (this.#isCharged) changes?.add("budget", null, null);
    else for (const id of this.#changed) changes?.add("budget", id, null);
    this.#changed.clear();
    this.#isCharged = false;
  }

  /** Returns all budgets, and reads them before the first use. */
  #all(): BudgetIndex {
    if (this.#isLoaded) return this.#index;
    this.#isLoaded = true;
    for (const row of this.#reader.all()) this.#index.set(row);
    return this.#index;
  }

  /** Returns a budget as it is now. If its period has ended, its sums are reset. */
  #current(row: LiveBudget, call: WriteCall): LiveBudget {
    const now = atTime(row, call.nowMs);
    if (now === row) return row;
    const live = this.#store(now);
    if (row.state === "ok") return live;
    this.#touch(row.id);
    this.#publish(live, call);
    return live;
  }

  #store(row: BudgetRow): LiveBudget {
    this.#writer.put(row);
    return this.#index.set(row);
  }

  #touch(id: string): void {
    this.#changed.add(id);
    this.markDirty();
  }

  #publish(row: BudgetRow, call: WriteCall): void {
    this.#events.publish({ topic: TOPICS[row.state], data: JSON.stringify(showBudget(row)), source: SOURCE }, call);
  }
}

export const budgetRegistry: Model<BudgetRegistry> = { open: (opening) => new BudgetRegistry(opening) };
