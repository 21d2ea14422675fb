/**
 * Connects the request pipeline to the directory of instances. Authenticates instances by their tokens, records when
 * they were last seen, and notifies listeners when a token becomes invalid. Pure except for the clock.
 */
import { ENDED_TOKENS_MAX } from "../../../schemas/limits/tokens.js";
import type { Clock } from "../../base/clock.js";
import { AgingMap } from "../../base/aging-map.js";
import { Groups } from "../../base/groups.js";
import { type LookTurns, lookTurns } from "../../base/look-turns.js";
import type { Directory } from "./directory.js";

/**
 * When a token ends, this many listeners are called at once. The others are called in time slices, because each
 * listener closes a connection or answers a call.
 */
const ENDED_AT_ONCE = 16;

export class InstanceActors {
  readonly #directory: Directory;
  readonly #clock: Clock;
  /** For each instance, the listeners to call when its token ends. */
  readonly #listeners = new Groups<string, () => void>();
  /** The hashes of tokens that have ended recently, the oldest first. */
  readonly #endedTokens = new AgingMap<string, true>();

  readonly #turns: Pick<LookTurns, "add">;

  constructor(directory: Directory, clock: Clock, turns: Pick<LookTurns, "add"> = lookTurns) {
    this.#directory = directory;
    this.#clock = clock;
    this.#turns = turns;
  }

  get size(): number {
    return this.#directory.size;
  }

  touchId(id: string): boolean {
    const entry = this.#directory.get(id);
    if (entry === undefined) return false;
    this.#directory.touch(entry, this.#clock.now());
    return true;
  }

  touchToken(tokenHash: string): string | undefined {
    const entry = this.#directory.byTokenHash(tokenHash);
    if (entry === undefined || entry.ending) return undefined;
    this.#directory.touch(entry, this.#clock.now());
    return entry.id;
  }

  ofSession(session: string): { readonly id: string; readonly owner: string } | undefined {
    const entry = this.#directory.ofSession(session);
    if (entry === undefined || entry.session === null || entry.ending) return undefined;
    return { id: entry.id, owner: entry.session.owner };
  }

  has(id: string): boolean {
    return this.#directory.get(id)?.ending === false;
  }

  onRevoked(id: string, listener: () => void): () => void {
    if (!this.has(id)) {
      listener();
      return () => undefined;
    }
    let isActive = true;
    const callIfActive = (): void => {
      if (isActive) listener();
    };
    this.#listeners.add(id, callIfActive);
    return () => {
      isActive = false;
      this.#listeners.remove(id, callIfActive);
    };
  }

  /** Remembers that a token is no longer valid, and notifies the listeners of its instance. */
  revoke(id: string, tokenHash: string): void {
    this.#endedTokens.set(tokenHash, true);
    this.#endedTokens.limitTo(ENDED_TOKENS_MAX);
    let called = 0;
    for (const listener of this.#listeners.take(id)) {
      if (called++ < ENDED_AT_ONCE) listener();
      else this.#turns.add(listener);
    }
  }

  hadToken(tokenHash: string): boolean {
    return this.#endedTokens.has(tokenHash) || this.#directory.byTokenHash(tokenHash) !== undefined;
  }

  beginWait(id: string): () => void {
    const entry = this.#directory.get(id);
    return entry === undefined ? () => undefined : this.#directory.beginWait(entry, () => this.#clock.now());
  }
}
