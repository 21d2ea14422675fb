/**
 * Names to addresses, as the system resolves them (hosts file included). Runs on the front. The system's
 * resolver blocks one of the process's few threads for I/O until it knows, which may be many seconds for
 * a dead name; so few run at once, and all who ask for one name wait for one answer. Nothing is
 * remembered after it: what was checked is what is connected to.
 */
import { lookup as systemLookup, type LookupAddress } from "node:dns";
import { OUTBOUND_LOOKUPS_MAX } from "../../schemas/limits.js";

export type Resolved = readonly LookupAddress[] | NodeJS.ErrnoException;
/** Resolves a name to all of its addresses. */
export type Resolve = (hostname: string, done: (resolved: Resolved) => void) => void;

function resolveBySystem(hostname: string, done: (resolved: Resolved) => void): void {
  systemLookup(hostname, { all: true }, (error, addresses) => done(error ?? addresses));
}

export class Resolver {
  readonly #resolve: Resolve;
  readonly #waiting = new Map<string, ((resolved: Resolved) => void)[]>();
  readonly #queue: string[] = [];
  #running = 0;

  constructor(resolve: Resolve = resolveBySystem) {
    this.#resolve = resolve;
  }

  /** Names that are asked for or wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Always answers, later; bounded by the number of calls that may wait for a connection. */
  resolve(hostname: string, done: (resolved: Resolved) => void): void {
    const others = this.#waiting.get(hostname);
    if (others !== undefined) {
      others.push(done);
      return;
    }
    this.#waiting.set(hostname, [done]);
    this.#queue.push(hostname);
    this.#next();
  }

  #next(): void {
    if (this.#running >= OUTBOUND_LOOKUPS_MAX) return;
    const hostname = this.#queue.shift();
    if (hostname === undefined) return;
    this.#running += 1;
    this.#resolve(hostname, (resolved) => {
      this.#running -= 1;
      const waiting = this.#waiting.get(hostname) ?? [];
      this.#waiting.delete(hostname);
      for (const done of waiting) done(resolved);
      this.#next();
    });
  }
}
