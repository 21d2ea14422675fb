/**
 * Converts leases to the form in which replies show them. It adds two values that only the front knows: the time at
 * which the lease expires, and its position in the queue.
 */
import type { LeaseRecord } from "../../../schemas/leases.js";
import type { Failure } from "../../base/result.js";
import type { Expiry } from "./expiry.js";
import { isLease } from "./lease.js";
import type { LeaseProjection } from "./lease-projection.js";
import { showLease } from "./show-lease.js";
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
    return showLease(record, { expiresMs: expiry.endOf(record), position: leases.positionOf(record.row) });
  }

  /** Replaces the row of a lease by the lease itself, in a conflict or in a step of a cycle. */
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
