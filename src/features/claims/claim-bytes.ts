/**
 * Counts the estimated memory of leases in bytes, in total and for each holder. It includes waiting leases and the
 * leases of tasks. Pure except for its state.
 */
import { ALTERNATIVES_STEPS_MAX, CLAIM_HOLDERS_MAX, CLAIM_WATCH_BYTES } from "../../../schemas/limits/claims.js";
import { LEASE_BYTES, LEASES_BYTES_MAX, LEASES_OF_HOLDER_BYTES_MAX } from "../../../schemas/limits/leases.js";
import { Failure } from "../../base/result.js";
import { TurnoverMap } from "../../base/turnover-map.js";
import { type Claim, isPlain, wantedBy } from "./lock-entry.js";
import { isName } from "./resource.js";
import { resourceBytes } from "./resource-bytes.js";

/**
 * The maximum number of other claims that a claim watches. A request is refused if its alternatives would make it watch
 * more.
 */
const WATCHED_MAX = ALTERNATIVES_STEPS_MAX;

/** The members of a claim that decide how much memory it takes. */
export type Weighed = Pick<Claim, "resources" | "alternatives" | "shared" | "maxHolders">;

export class ClaimBytes {
  readonly #of = new Map<string, number>();
  /** The counted bytes by the order of the claim. Only claims that may take less memory after their grant are here. */
  readonly #counted = new TurnoverMap<number, number>();
  #bytes = 0;

  clear(): void {
    this.#of.clear();
    this.#counted.clear();
    this.#bytes = 0;
  }

  /** @param waits true if the claim may have to wait; a waiting claim takes more memory */
  add(claim: Claim, waits: boolean): void {
    const bytes = bytesOf(claim, waits);
    if (!isPlain(claim) || (waits && claim.shared)) this.#counted.set(claim.order, bytes);
    this.#change(claim.holder, bytes);
  }

  remove(claim: Claim): void {
    this.#change(claim.holder, -(this.#counted.get(claim.order) ?? bytesOf(claim, false)));
    this.#counted.delete(claim.order);
  }

  /** Counts a waiting claim again after its grant, because it takes less memory now. */
  grant(claim: Claim): void {
    if (!this.#counted.has(claim.order)) return;
    this.remove(claim);
    this.add(claim, false);
  }

  /**
   * Checks whether one more lease would exceed a memory limit. Returns the refusal, or null if the lease fits.
   * @param name the holder's name, for the message
   */
  refuse(claim: Weighed, holder: string, name: string): Failure | null {
    const bytes = bytesOf(claim, true);
    if (this.#bytes + bytes > LEASES_BYTES_MAX)
      return new Failure("STOCK_FULL", `leases that are held or waiting take ${LEASES_BYTES_MAX} bytes of memory`);
    return (this.#of.get(holder) ?? 0) + bytes > LEASES_OF_HOLDER_BYTES_MAX
      ? new Failure("STOCK_FULL", `leases of ${name} take ${LEASES_OF_HOLDER_BYTES_MAX} bytes of memory`)
      : null;
  }

  #change(holder: string, by: number): void {
    this.#bytes += by;
    const bytes = (this.#of.get(holder) ?? 0) + by;
    if (bytes === 0) this.#of.delete(holder);
    else this.#of.set(holder, bytes);
  }
}

/**
 * Returns the estimated memory of a claim, in bytes. A claim without resources is not a lease and counts 0. A waiting
 * claim also needs memory for the claims that it watches. It may watch one claim for each holder of a shared name, and
 * this for each of its alternatives. If a shared claim sets no maximum of holders, CLAIM_HOLDERS_MAX is assumed.
 */
function bytesOf(claim: Weighed, waits: boolean): number {
  const { resources, alternatives, shared, maxHolders = null } = claim;
  // Most claims are exclusive and plain. Their estimate is simple.
  if (!shared && isPlain(claim)) return resources.length === 0 ? 0 : LEASE_BYTES + resourceBytes(resources);
  const names = alternatives.reduce((sum, group) => sum + group.length, 0);
  if (resources.length + names === 0) return 0;
  const holders = maxHolders ?? (shared && (names > 0 || resources.some(isName)) ? CLAIM_HOLDERS_MAX : 1);
  const watched = waits && (names > 0 || holders > 1) ? holders * Math.max(1, names) : 0;
  return LEASE_BYTES + resourceBytes(wantedBy(claim)) + Math.min(watched, WATCHED_MAX) * CLAIM_WATCH_BYTES;
}
