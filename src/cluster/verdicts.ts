/**
 * Whether this node and the others come to the same: each entry says what everything up to some entry has come to where
 * it was appended. Who has come to something else once does so for ever, so the last word of each node counts. A node
 * that is alone against most others halts; where that cannot be told, all do, for nobody knows who is right. Pure.
 */
import { NODE_SILENCE_MS, OUTCOMES_KEPT_MAX } from "../../schemas/limits.js";
import { TurnoverMap } from "../base/turnover-map.js";

interface Word {
  readonly agrees: boolean;
  readonly position: number;
  readonly heard_at: number;
}

export class Verdicts {
  readonly #node: string;
  /** What this node has come to, by the entry's id. */
  readonly #outcomes = new TurnoverMap<number, string>();
  readonly #ids: number[] = [];
  readonly #words = new Map<string, Word>();
  #disputed_at: number | null = null;

  constructor(node: string) {
    this.#node = node;
  }

  /** This node has carried out an entry. */
  note(id: number, outcome: string): void {
    this.#outcomes.set(id, outcome);
    this.#ids.push(id);
    if (this.#ids.length < 2 * OUTCOMES_KEPT_MAX) return;
    for (const old of this.#ids.splice(0, OUTCOMES_KEPT_MAX)) this.#outcomes.delete(old);
  }

  /** Another node has said what it had come to. What this one does not remember cannot be compared. */
  hear(node: string, position: number, outcome: string, now: number): void {
    const own = this.#outcomes.get(position);
    if (own === undefined) return;
    const agrees = own === outcome;
    this.#words.set(node, { agrees, position, heard_at: now });
    if (!agrees) this.#disputed_at ??= now;
  }

  forget(): void {
    this.#outcomes.clear();
    this.#ids.length = 0;
    this.#words.clear();
    this.#disputed_at = null;
  }

  /**
   * Why this node must halt; null where it need not, or not yet.
   * @param now ms since the same moment as those of `hear`
   */
  verdict(now: number): string | null {
    if (this.#disputed_at === null) return null;
    const words = [...this.#words].filter(([, { heard_at }]) => now - heard_at < NODE_SILENCE_MS);
    const against = words.filter(([, { agrees }]) => !agrees);
    const agreeing = words.length - against.length + 1;
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
