/**
 * Caches the budgets whose state is not `ok` on the front, as of the latest commit. So hooks find the budgets that
 * concern an agent without a call to the writer. Pure except for its state.
 */
import { atTime, type BudgetRow, endOf } from "./budget.js";
import type { BudgetReader } from "./table.js";
import { BudgetIndex, type Concerned } from "./targets.js";

export class BudgetProjection {
  readonly #reader: Pick<BudgetReader, "all" | "byId">;
  readonly #index = new BudgetIndex();
  readonly #listeners: (() => void)[] = [];

  constructor(reader: Pick<BudgetReader, "all" | "byId">) {
    this.#reader = reader;
    this.load();
  }

  /** Registers a listener that is called after each change of a budget's limit or state. */
  listen(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Reads all budgets: at the start, after a crash of the writer, and after a restore. */
  load(): void {
    this.#index.clear();
    for (const row of this.#reader.all()) this.#keep(row.id, row);
    this.#notify();
  }

  /** Reads the budgets that a commit has changed. */
  accept(ids: readonly string[]): void {
    for (const id of ids) this.#keep(id, this.#reader.byId(id));
    this.#notify();
  }

  get size(): number {
    return this.#index.size;
  }

  /** Returns whether any budget with the scope `task` is not `ok`. */
  get hasTasks(): boolean {
    return this.#index.has("task");
  }

  /**
   * Returns the budgets that concern an agent and are not `ok`. Their sums may be old: they are updated only when a
   * limit or a state changes.
   */
  concerning(concerned: Concerned, nowMs: number): BudgetRow[] {
    if (this.#index.size === 0) return [];
    return this.#index.concerning(concerned).filter((row) => atTime(row, nowMs).state !== "ok");
  }

  /** Returns a budget as it is in the database now. */
  current(id: string): BudgetRow | undefined {
    return this.#reader.byId(id);
  }

  /** Returns whether the period of any budget in this projection has ended. */
  isResetDue(nowMs: number): boolean {
    for (const row of this.#index.values()) if ((endOf(row) ?? Number.POSITIVE_INFINITY) <= nowMs) return true;
    return false;
  }

  #keep(id: string, row: BudgetRow | undefined): void {
    if (row === undefined || row.state === "ok") this.#index.delete(id);
    else this.#index.set(row);
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
