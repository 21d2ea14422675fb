/**
 * Remembers what was reported to each agent, so that nothing is reported twice. A reported thing is identified by a
 * text, for example the ids of a lease and of its waiter. The memory is bounded. If it is full, the oldest entries are
 * forgotten, and may be reported again. Pure except for its state.
 */
import { HOOK_REPORTED_MAX } from "../../../schemas/limits/hooks.js";
import { sha256 } from "../../base/crypto.js";
import { AgingMap } from "../../base/aging-map.js";

/** The number of base64url digits that are kept of a hash. Two things have the same 16 with a probability of 2^-96. */
const HASH_CHARACTERS = 16;

export class ReportedOnce {
  /** The hashes of the reported things, the oldest first. */
  readonly #reported = new AgingMap<string, true>();

  get size(): number {
    return this.#reported.size;
  }

  /** Returns whether a thing was reported to an agent. */
  has(agent: string, thing: string): boolean {
    return this.#reported.has(hashOf(agent, thing));
  }

  /** Records that a thing is reported to an agent. */
  add(agent: string, thing: string): void {
    this.#reported.set(hashOf(agent, thing), true);
    this.#reported.limitTo(HOOK_REPORTED_MAX);
  }
}

/** Returns a hash of fixed size, because names and paths may be long. */
function hashOf(agent: string, thing: string): string {
  return sha256(`${agent}\0${thing}`, "base64url").slice(0, HASH_CHARACTERS);
}
