/**
 * Whether this node and the others come to the same: each entry says what everything up to some entry has come to where
 * it was appended. Who has come to something else once does so for ever, so the last word of each node counts. A node
 * that is alone against most others halts; where that cannot be told, all do, for nobody knows who is right. Pure.
 */
import { NODE_SILENCE_MS, STATE_HASHES_KEPT_MAX } from "../../schemas/limits.js";
import { TurnoverMap } from "../base/turnover-map.js";

interface PeerReport {
  readonly agrees: boolean;
  readonly position: number;
  readonly heard_at: number;
}

export class DivergenceDetector {
  readonly #node: string;
  /** What this node has come to, by the entry's id. */
  readonly #stateHashes = new TurnoverMap<number, string>();
  readonly #ids: number[] = [];
  readonly #reports = new Map<string, PeerReport>();
  #disputed_at: number | null = null;

  constructor(node: string) {
    this.#node = node;
  }

  /** This node has carried out an entry. */
  recordOwn(id: number, stateHash: string): void {
    this.#stateHashes.set(id, stateHash);
    this.#ids.push(id);
    if (this.#ids.length < 2 * STATE_HASHES_KEPT_MAX) return;
    for (const old of this.#ids.splice(0, STATE_HASHES_KEPT_MAX)) this.#stateHashes.delete(old);
  }

  /** Another node has said what it had come to. What this one does not remember cannot be compared. */
  recordPeer(node: string, position: number, stateHash: string, now: number): void {
    const own = this.#stateHashes.get(position);
    if (own === undefined) return;
    const agrees = own === stateHash;
    this.#reports.set(node, { agrees, position, heard_at: now });
    if (!agrees) this.#disputed_at ??= now;
  }

  reset(): void {
    this.#stateHashes.clear();
    this.#ids.length = 0;
    this.#reports.clear();
    this.#disputed_at = null;
  }

  /**
   * Why this node must halt; null where it need not, or not yet.
   * @param now ms since the same moment as those of `hear`
   */
  haltReason(now: number): string | null {
    if (this.#disputed_at === null) return null;
    const reports = [...this.#reports].filter(([, { heard_at }]) => now - heard_at < NODE_SILENCE_MS);
    const against = reports.filter(([, { agrees }]) => !agrees);
    const agreeing = reports.length - against.length + 1;
    if (against.length < agreeing) {
      if (against.length === 0) this.#disputed_at = null;
      return null;
    }
    // Others may agree and not have spoken yet.
    if (against.length === agreeing && now - this.#disputed_at < NODE_SILENCE_MS) return null;
    const names = against.map(([node, { position }]) => `${node} at entry ${position}`).join(", ");
    return `${this.#node} has come to something else than ${names}: the databases differ`;
  }
}
