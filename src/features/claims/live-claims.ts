/**
 * Stores the live claims in memory, and finds them by row and by holder. It also keeps the lock table, and checks the
 * limits on the number and the memory of claims. claim-changes.ts decides when a claim is added or removed. Pure except
 * for its state.
 */
import { LEASES_MAX, LEASES_OF_HOLDER_MAX } from "../../../schemas/limits/leases.js";
import { Groups } from "../../base/groups.js";
import { Failure } from "../../base/result.js";
import { TurnoverMap } from "../../base/turnover-map.js";
import { ClaimBytes, type Weighed } from "./claim-bytes.js";
import { isLease, type LiveLease } from "./lease.js";
import { LockTable } from "./lock-table.js";

const NONE: readonly LiveLease[] = [];

export class LiveClaims {
  /** The claims with resources, held and waiting. */
  readonly lockTable = new LockTable<LiveLease>();
  readonly #byRow = new TurnoverMap<number, LiveLease>();
  readonly #bytes = new ClaimBytes();
  /** Claims of tasks without resources, by holder. */
  readonly #bare = new Groups<string, LiveLease>();
  /**
   * The number of held exclusive leases of `state:` and `spec:` resources. While it is 0, a write of a value skips the
   * lease check. Only this class changes the number.
   */
  valuesLeased = 0;

  clear(): void {
    this.lockTable.clear();
    this.#byRow.clear();
    this.#bytes.clear();
    this.#bare.clear();
    this.valuesLeased = 0;
  }

  get(row: number): LiveLease | undefined {
    return this.#byRow.get(row);
  }

  all(): readonly LiveLease[] {
    return this.#byRow.values();
  }

  /** Returns the claims of a holder, held or waiting. Claims of tasks without resources are included. */
  claimsOf(holder: string): LiveLease[] {
    return [...this.lockTable.claimsOf(holder), ...(this.#bare.get(holder) ?? [])];
  }

  /** Adds a claim, held or waiting. The caller must then call `takeHeld`, or `enqueue` of the lock table. */
  add(lease: LiveLease): void {
    this.#byRow.set(lease.order, lease);
    this.#bytes.add(lease, lease.record.state === "waiting");
  }

  /**
   * Counts a claim as held, and adds it to the lock table if it has resources. Returns the waiting claims that the lock
   * table grants because of that.
   */
  takeHeld(lease: LiveLease, overtakes = false): readonly LiveLease[] {
    this.#countHeld(lease);
    if (isLease(lease.record)) return this.lockTable.hold(lease, overtakes);
    this.#bare.add(lease.holder, lease);
    return NONE;
  }

  /** Counts a waiting claim that the lock table has granted. */
  countGranted(lease: LiveLease): void {
    this.#bytes.grant(lease);
    this.#countHeld(lease);
  }

  #countHeld(lease: LiveLease): void {
    if (leasesValues(lease)) this.valuesLeased += 1;
  }

  /**
   * Removes a claim. Returns the waiting claims that the lock table grants because of that.
   * @param wasHeld whether the claim was held before it ended
   */
  remove(lease: LiveLease, wasHeld: boolean): readonly LiveLease[] {
    this.#byRow.delete(lease.order);
    this.#bytes.remove(lease);
    if (wasHeld && leasesValues(lease)) this.valuesLeased -= 1;
    if (isLease(lease.record)) return this.lockTable.remove(lease);
    this.#bare.remove(lease.holder, lease);
    return NONE;
  }

  /**
   * Returns the refusal if one more claim would exceed a limit. Returns null if the claim fits.
   * @param name the holder's name, for the message
   */
  refuseMore(holder: string, name: string, claim: Weighed): Failure | null {
    if (this.lockTable.held + this.lockTable.waiting >= LEASES_MAX)
      return new Failure("STOCK_FULL", `${LEASES_MAX} leases are held or waiting`);
    return this.lockTable.countOf(holder) >= LEASES_OF_HOLDER_MAX
      ? new Failure("STOCK_FULL", `${LEASES_OF_HOLDER_MAX} leases of ${name} are held or waiting`)
      : this.#bytes.refuse(claim, holder, name);
  }
}

function leasesValues({ shared, resources }: LiveLease): boolean {
  return !shared && resources.some(({ scope }) => scope === "state:" || scope === "spec:");
}
