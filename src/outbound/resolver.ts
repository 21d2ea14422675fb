/**
 * Resolves names to addresses by the system's resolver, which also reads the hosts file. Each lookup blocks one of the
 * few I/O threads of the process, for many seconds if no DNS server answers. So only a few lookups run at once, and all
 * calls that wait for the same name share one lookup. Results are not cached: each connection uses addresses that were
 * just checked. Runs on the front.
 */
import { lookup as systemLookup, type LookupAddress } from "node:dns";
import { OUTBOUND_LOOKUPS_MAX } from "../../schemas/limits/outbound.js";

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

  /** The number of names whose lookup is running or queued. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Resolves a name. Always calls back, and never before it returns. The queue is bounded, because only a limited
   * number of calls may wait for a connection.
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
