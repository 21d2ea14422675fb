/**
 * Remembers what agents were told, so that each thing is told once. The memory is bounded: if it is full, the oldest
 * entries are forgotten, and may be told again. Pure except for its state.
 */
import { HOOK_TOLD_MAX } from "../../../schemas/limits/hooks.js";
import { crypto } from "../../base/crypto.js";
import { dropOldest } from "../../base/drop-oldest.js";

/** The number of bytes of a hash that are kept. Two different things have the same hash once in 2^96 cases. */
const HASH_BYTES = 12;

export class ToldOnce {
  /** The hashes of what was told, the oldest first. */
  readonly #told = new Map<string, true>();

  get size(): number {
    return this.#told.size;
  }

  /** Returns whether an agent was told of a thing. */
  has(agent: string, thing: string): boolean {
    return this.#told.has(hashOf(agent, thing));
  }

  /** Records that an agent was told of a thing. */
  add(agent: string, thing: string): void {
    this.#told.set(hashOf(agent, thing), true);
    dropOldest(this.#told, HOOK_TOLD_MAX);
  }
}

/** Returns a text of fixed size, because names and paths may be long. */
function hashOf(agent: string, thing: string): string {
  return crypto().createHash("sha256").update(`${agent}\0${thing}`).digest().toString("base64url", 0, HASH_BYTES);
}
