/**
 * Remembers which things were reported to which agents, so that each thing is reported once. The memory is bounded: if
 * it is full, the oldest entries are forgotten, and may be reported again. Pure except for its state.
 */
import { HOOK_REPORTED_MAX } from "../../../schemas/limits/hooks.js";
import { crypto } from "../../base/crypto.js";
import { AgingMap } from "../../base/aging-map.js";

/** The number of bytes of a hash that are kept. Two different things have the same hash once in 2^96 cases. */
const HASH_BYTES = 12;

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

/** Returns a text of fixed size, because names and paths may be long. */
function hashOf(agent: string, thing: string): string {
  return crypto().createHash("sha256").update(`${agent}\0${thing}`).digest().toString("base64url", 0, HASH_BYTES);
}
