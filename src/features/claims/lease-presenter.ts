/**
 * Converts leases to the form in which replies show them. It adds two values that only the front knows: when the lease
 * expires, and its position in the queue.
 */
import type { LeaseRecord } from "../../../schemas/leases.js";
import type { Failure } from "../../base/result.js";
import { formatTime } from "../../base/time.js";
import type { Expiry } from "./expiry.js";
import { isLease, leaseId } from "./lease.js";
import type { LeaseProjection } from "./lease-projection.js";
import type { LeaseReader } from "./table.js";

/** A conflict as the writer returns it. It names the lease by its row. */
interface StoredConflict {
  readonly lease: number | null;
}

export interface LeasePresenterOptions {
  readonly leases: LeaseProjection;
  readonly expiry: Expiry;
  /** Uses the front's own database handle. */
  readonly reader: LeaseReader;
}

export class LeasePresenter {
  readonly #options: LeasePresenterOptions;

  constructor(options: LeasePresenterOptions) {
    this.#options = options;
  }

  /** Finds a lease by its row, whether it is live or has ended. */
  find(row: number): LeaseRecord | undefined {
    const record = this.#options.leases.get(row) ?? this.#options.reader.get(row);
    return record !== undefined && isLease(record) ? record : undefined;
  }

  /** Converts a lease to the form in which every reply shows it. */
  show(record: LeaseRecord): Readonly<Record<string, unknown>> {
    const { expiry, leases } = this.#options;
    const { row, state, fence, holder, holder_name, workspace, resources, shared, reason, note, task } = record;
    const { scope, checkout, touched_at, automatic, max_holders, any } = record;
    return {
      id: leaseId(row),
      fence: fence === 0 ? null : fence,
      state,
      holder: { id: holder, name: holder_name },
      workspace,
      resources,
      mode: shared ? "shared" : "exclusive",
      scope,
      checkout,
      reason,
      note,
      task,
      ttl_s: record.ttl_s,
      max_s: record.max_s,
      requested_at: formatTime(record.requested_at),
      granted_at: timeOrNull(record.granted_at),
      expires_at: timeOrNull(expiry.endOf(record)),
      ended_at: timeOrNull(record.ended_at),
      position: leases.positionOf(row),
      ...(touched_at === null ? {} : { touched_at: formatTime(touched_at) }),
      ...(automatic ? { automatic } : {}),
      ...(max_holders === null ? {} : { max_holders }),
      ...(any === null ? {} : { any }),
    };
  }

  /** Replaces the row in a conflict, or in a step of a cycle, by the lease. */
  showConflict(conflict: StoredConflict): Readonly<Record<string, unknown>> {
    return { ...conflict, lease: conflict.lease === null ? null : this.#byRow(conflict.lease) };
  }

  /** Converts the leases inside a failure of the writer to the form that clients see. */
  showFailure(failure: Failure): Failure {
    const { members } = failure;
    if (members === null) return failure;
    const { lease, conflicts, cycle } = members as {
      readonly lease?: number;
      readonly conflicts?: readonly StoredConflict[];
      readonly cycle?: readonly StoredConflict[];
    };
    if (lease === undefined && conflicts === undefined && cycle === undefined) return failure;
    const shown = {
      ...members,
      ...(lease === undefined ? {} : { lease: this.#byRow(lease) }),
      ...(conflicts === undefined ? {} : { conflicts: conflicts.map((conflict) => this.showConflict(conflict)) }),
      ...(cycle === undefined ? {} : { cycle: cycle.map((step) => this.showConflict(step)) }),
    };
    return failure.with(shown);
  }

  #byRow(row: number): Readonly<Record<string, unknown>> | null {
    const record = this.find(row);
    return record === undefined ? null : this.show(record);
  }
}

function timeOrNull(timeMs: number | null): string | null {
  return timeMs === null ? null : formatTime(timeMs);
}
