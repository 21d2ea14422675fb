/**
 * Finds the task on which each agent works. So the agent's other actions become part of that task's trace. The data
 * come from the events of tasks and leases, and are only in memory. After a start, the live claims of the database are
 * loaded. Pure.
 */
import { TELEMETRY_LEASES_MAX } from "../../../schemas/limits/telemetry.js";
import type { SpanContext } from "../../../shared/trace-context.js";

/** The claim of a task. */
export interface CurrentClaim {
  readonly task: string;
  /** The context of the span that the claim has. */
  readonly context: SpanContext;
}

export class CurrentClaims {
  /** The claims of each holder, by fence. The newest claim is the last one. */
  readonly #byHolder = new Map<string, Map<number, CurrentClaim>>();
  /** Maps the id of each lease to the claim that its holder had at the time of the grant. */
  readonly #byLease = new Map<string, CurrentClaim>();

  clear(): void {
    this.#byHolder.clear();
    this.#byLease.clear();
  }

  begin(holder: string, fence: number, claim: CurrentClaim): void {
    const claims = this.#byHolder.get(holder) ?? new Map<number, CurrentClaim>();
    claims.set(fence, claim);
    this.#byHolder.set(holder, claims);
  }

  end(holder: string, fence: number): void {
    const claims = this.#byHolder.get(holder);
    claims?.delete(fence);
    if (claims?.size === 0) this.#byHolder.delete(holder);
  }

  /** Returns a claim of the first of these instances that has one. If that instance has several, returns the newest. */
  of(...instances: readonly (string | null)[]): CurrentClaim | undefined {
    for (const instance of instances) {
      const claims = instance === null ? undefined : this.#byHolder.get(instance);
      if (claims !== undefined) return [...claims.values()].at(-1);
    }
    return undefined;
  }

  /** Remembers the current claim of a lease's holder, until the lease ends. */
  noteLease(lease: string, ...instances: readonly (string | null)[]): void {
    const claim = this.of(...instances);
    if (claim !== undefined && this.#byLease.size < TELEMETRY_LEASES_MAX) this.#byLease.set(lease, claim);
  }

  /**
   * Returns the claim that `noteLease` has remembered for a lease, and forgets it. If there is none, returns the
   * current claim of the lease's holder.
   */
  ofEndedLease(lease: string, ...instances: readonly (string | null)[]): CurrentClaim | undefined {
    const noted = this.#byLease.get(lease);
    this.#byLease.delete(lease);
    return noted ?? this.of(...instances);
  }
}
