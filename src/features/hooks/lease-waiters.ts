/**
 * Finds the agents that wait for a lease of another agent. Some of them wait in the queue with a lease request. Others
 * wait until the resource is free (`koor wait --free`). Runs on the front.
 *
 * In a cluster, each node knows only its own calls of `koor wait --free`.
 */
import type { HookWait } from "../../../schemas/hooks.js";
import { HOOK_WAITERS_STEPS_MAX, HOOK_WAITS_LISTED_MAX } from "../../../schemas/limits/hooks.js";
import type { LeaseRecord } from "../../../schemas/leases.js";
import { StepBudget } from "../../base/step-budget.js";
import { isLease, leaseId } from "../claims/lease.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import type { ResourceWatch } from "../claims/resource-watch.js";
import type { Directory } from "../instances/directory.js";

export interface LeaseWaitersOptions {
  readonly leases: LeaseProjection;
  readonly resources: ResourceWatch;
  readonly directory: Directory;
}

export interface LeaseWaiter {
  readonly id: string;
  readonly name: string;
}

export class LeaseWaiters {
  readonly #options: LeaseWaitersOptions;

  constructor(options: LeaseWaitersOptions) {
    this.#options = options;
  }

  /** True if any agent waits for a lease. Usually it is false, and then all further work is skipped. */
  get areThere(): boolean {
    return this.#options.leases.waiting > 0 || this.#options.resources.size > 0;
  }

  /** Returns the budget of one search. A search may consist of several calls. */
  static search(): StepBudget {
    return new StepBudget(HOOK_WAITERS_STEPS_MAX);
  }

  /**
   * Returns the agents that wait for a held lease, each only once. Agents in the queue come first. Returns none if the
   * budget is used up.
   */
  of(record: LeaseRecord, search: StepBudget): LeaseWaiter[] {
    if (!this.areThere) return [];
    const { leases, resources, directory } = this.#options;
    const names = new Map<string, string>();
    for (const { holder, holder_name } of leases.waitingFor(record.row, search)) names.set(holder, holder_name);
    for (const id of resources.waitersOf(record, search)) {
      const name = directory.get(id)?.name;
      if (name !== undefined) names.set(id, name);
    }
    return [...names].map(([id, name]) => ({ id, name }));
  }

  /**
   * Returns the held leases of an agent for which other agents wait, the oldest first. If the budget is used up, the
   * result has only the leases that were found until then.
   * @param holder the id of the agent; null for the leases of all agents
   */
  awaited(holder: string | null, search: StepBudget): LeaseRecord[] {
    if (!this.areThere) return [];
    const { leases, resources } = this.#options;
    const found = new Map<number, LeaseRecord>();
    for (const { record } of leases.awaited(holder, search)) found.set(record.row, record);
    for (const record of resources.awaited(holder, search)) found.set(record.row, record);
    return [...found.values()].filter(isLease).toSorted((a, b) => a.row - b.row);
  }

  /**
   * Returns the agents that wait for automatic leases. The holder of an automatic lease may not know that it has one.
   */
  list(): HookWait[] {
    const listed: HookWait[] = [];
    const search = LeaseWaiters.search();
    for (const record of this.awaited(null, search)) {
      if (!record.automatic) continue;
      const { row, holder, holder_name, workspace, resources } = record;
      for (const instance of this.of(record, search)) {
        const of = { workspace, resource: resources[0] ?? "", holder: { id: holder, name: holder_name } };
        listed.push({ instance, ...of, lease_id: leaseId(row) });
        if (listed.length === HOOK_WAITS_LISTED_MAX) return listed;
      }
    }
    return listed;
  }
}
