/**
 * Resolves host names by the system's resolver, which also reads the hosts file. A lookup blocks one of the process's
 * few I/O threads, for many seconds if no DNS server answers. So only a few lookups run at once, and all calls for the
 * same name share one lookup. Results are not cached, so each connection uses addresses that were just resolved. Runs
 * on the front.
 */
import { lookup as systemLookup, type LookupAddress } from "node:dns";
import { OUTBOUND_LOOKUPS_MAX } from "../../../schemas/limits/outbound.js";

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

  /** The number of names whose lookup is queued or running. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Resolves a name. Always calls `done`, but never before this method returns. The queue needs no limit, because the
   * number of calls that wait for a connection is limited.
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
