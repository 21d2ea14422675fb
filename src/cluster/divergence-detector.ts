/**
 * Detects divergence between nodes. Each log entry carries its sender's state hash at a position. This node compares
 * that hash with its own hash at the same position. A node that disagrees with the majority halts. If there is no
 * majority, every node halts, because no node can know which state is right. Only the latest report of each node is
 * kept, because a diverged node never recovers by itself. Pure but for its state.
 */
import { NODE_SILENCE_MS, STATE_HASHES_KEPT_MAX } from "../../schemas/limits/cluster.js";
import { TurnoverMap } from "../base/turnover-map.js";

interface PeerReport {
  readonly agrees: boolean;
  readonly position: number;
  readonly heard_at: number;
}

export class DivergenceDetector {
  readonly #node: string;
  /**
   * This node's state hashes, by position. The map keeps at least the latest STATE_HASHES_KEPT_MAX hashes, and at most
   * twice as many.
   */
  readonly #stateHashes = new TurnoverMap<number, string>();
  readonly #ids: number[] = [];
  readonly #reports = new Map<string, PeerReport>();
  #disputedAt: number | null = null;

  constructor(node: string) {
    this.#node = node;
  }

  /** Records this node's state hash at an entry that it has applied. */
  recordOwn(id: number, stateHash: string): void {
    this.#stateHashes.set(id, stateHash);
    this.#ids.push(id);
    if (this.#ids.length < 2 * STATE_HASHES_KEPT_MAX) return;
    for (const old of this.#ids.splice(0, STATE_HASHES_KEPT_MAX)) this.#stateHashes.delete(old);
  }

  /**
   * Records a peer's state hash at a position. Ignores the report if this node has already dropped its own hash of that
   * position.
   */
  recordPeer(node: string, position: number, stateHash: string, now: number): void {
    const own = this.#stateHashes.get(position);
    if (own === undefined) return;
    const agrees = own === stateHash;
    this.#reports.set(node, { agrees, position, heard_at: now });
    if (!agrees) this.#disputedAt ??= now;
  }

  reset(): void {
    this.#stateHashes.clear();
    this.#ids.length = 0;
    this.#reports.clear();
    this.#disputedAt = null;
  }

  /**
   * Returns the reason why this node must halt. Returns null if it need not halt, or if too few peers have reported.
   * @param now monotonic time in ms, as in `recordPeer`
   */
  haltReason(now: number): string | null {
    if (this.#disputedAt === null) return null;
    const reports = [...this.#reports].filter(([, { heard_at }]) => now - heard_at < NODE_SILENCE_MS);
    const against = reports.filter(([, { agrees }]) => !agrees);
    const agreeing = reports.length - against.length + 1;
    if (against.length < agreeing) {
      if (against.length === 0) this.#disputedAt = null;
      return null;
    }
    // In a tie, wait for a while, because peers that agree with this node may not have reported yet.
    if (against.length === agreeing && now - this.#disputedAt < NODE_SILENCE_MS) return null;
    const names = against.map(([node, { position }]) => `${node} at entry ${position}`).join(", ");
    return `the state of ${this.#node} differs from that of ${names}: the databases have diverged`;
  }
}
