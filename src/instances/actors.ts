/** The directory as the pipeline asks it: who acts, and that they are alive. Pure but for the clock. */
import type { Clock } from "../base/clock.js";
import type { Directory } from "./directory.js";

export class InstanceActors {
  readonly #directory: Directory;
  readonly #clock: Clock;

  constructor(directory: Directory, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
  }

  get size(): number {
    return this.#directory.size;
  }

  seeId(id: string): boolean {
    const entry = this.#directory.get(id);
    if (entry === undefined) return false;
    this.#directory.see(entry, this.#clock.now());
    return true;
  }

  seeToken(token_hash: string): string | undefined {
    const entry = this.#directory.byTokenHash(token_hash);
    if (entry === undefined) return undefined;
    this.#directory.see(entry, this.#clock.now());
    return entry.id;
  }

  beginWait(id: string): () => void {
    const entry = this.#directory.get(id);
    return entry === undefined ? () => undefined : this.#directory.beginWait(entry, () => this.#clock.now());
  }
}
