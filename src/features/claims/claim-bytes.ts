/**
 * Counts the estimated memory of leases in bytes, in total and for each holder. It includes waiting leases and the
 * leases of tasks. Pure except for its state.
 */
import { LEASE_BYTES, LEASES_BYTES_MAX, LEASES_OF_HOLDER_BYTES_MAX } from "../../../schemas/limits/leases.js";
import { Failure } from "../../base/result.js";
import type { Resource } from "./resource.js";
import { resourceBytes } from "./resource-bytes.js";

interface Held {
  readonly holder: string;
  readonly resources: readonly Resource[];
}

export class ClaimBytes {
  readonly #of = new Map<string, number>();
  #bytes = 0;

  clear(): void {
    this.#of.clear();
    this.#bytes = 0;
  }

  add(claim: Held): void {
    this.#change(claim.holder, bytesOf(claim.resources));
  }

  remove(claim: Held): void {
    this.#change(claim.holder, -bytesOf(claim.resources));
  }

  /**
   * Checks whether one more lease of these resources would exceed a memory limit. Returns the refusal, or null if the
   * lease fits.
   * @param name the holder's name, for the message
   */
  refuse(resources: readonly Resource[], holder: string, name: string): Failure | null {
    const bytes = bytesOf(resources);
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

/** Returns the estimated memory of a claim, in bytes. A claim without resources is not a lease and counts 0. */
function bytesOf(resources: readonly Resource[]): number {
  return resources.length === 0 ? 0 : LEASE_BYTES + resourceBytes(resources);
}
