/**
 * Resolves names to addresses with the system's resolver (hosts file included). The system's resolver blocks one of the
 * few I/O threads of the process until it answers, which may take many seconds for a dead name. So few lookups run at
 * once, and all waiters of a name share one lookup. Nothing is cached: the connection uses the addresses that were
 * checked. Runs on the front.
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

  /** The number of names that are being resolved or queued. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Always calls back, and never synchronously. The queue is bounded by the number of calls that may wait for a
   * connection.
   */
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
