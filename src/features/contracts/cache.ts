/**
 * An LRU cache of parsed contracts in a pool worker. The key is the hash of the contract's bytes. Each schema of a
 * cached contract is compiled at its first use. The number and the total bytes of the contracts are limited. The least
 * recently used contracts are evicted first.
 */
import { CONTRACTS_KEPT_BYTES_MAX, CONTRACTS_KEPT_MAX } from "../../../schemas/limits/contracts.js";
import { Failure } from "../../base/result.js";
import { readContract } from "./contract.js";
import { ReadyContract } from "./validate.js";

interface Kept {
  readonly contract: ReadyContract;
  readonly bytes: number;
}

export class ContractCache {
  /** The cached contracts in the order of their last use, oldest first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  get size(): number {
    return this.#kept.size;
  }

  /**
   * Returns the contract whose bytes have this hash. A contract that is not cached yet is loaded and cached. A spec
   * that is not a contract is not cached.
   * @param name `PROJECT/NAME`, for the error message
   */
  get(hash: string, name: string, load: () => Uint8Array): ReadyContract | Failure {
    const known = this.#kept.get(hash);
    if (known !== undefined) {
      this.#kept.delete(hash);
      this.#kept.set(hash, known);
      return known.contract;
    }
    const bytes = load();
    const read = readContract(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"), name);
    if (read instanceof Failure) return read;
    const contract = new ReadyContract(read);
    this.#keep(hash, { contract, bytes: bytes.byteLength });
    return contract;
  }

  #keep(hash: string, added: Kept): void {
    this.#kept.set(hash, added);
    this.#bytes += added.bytes;
    for (const [oldest, { bytes }] of this.#kept) {
      if (this.#kept.size <= CONTRACTS_KEPT_MAX && this.#bytes <= CONTRACTS_KEPT_BYTES_MAX) return;
      if (oldest === hash) return;
      this.#kept.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}
