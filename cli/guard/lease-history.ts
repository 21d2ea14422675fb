/**
 * Finds past leases by their fence, or by a path and a time. git stores times in whole seconds, so the exact time of a
 * commit within its second is unknown. A lease was surely held if it was held during the whole second, and perhaps held
 * if it was held during a part of it. Pure; runs in the CLI process.
 */
import type { Lease } from "../lease-calls.js";
import { type Cover, type FileGlob, fileGlobsOf } from "./path-cover.js";

const SECOND_MS = 1_000;

/** A lease that was granted at some time. Times are in ms. `endedMs` is infinite if the lease is still held. */
export interface PastLease {
  readonly lease: Lease;
  readonly grantedMs: number;
  readonly endedMs: number;
  readonly covers: Cover;
}

/** Whether a lease was held during at least a part of a second. */
export function wasPerhapsHeld({ grantedMs, endedMs }: PastLease, second: number): boolean {
  return grantedMs < (second + 1) * SECOND_MS && endedMs >= second * SECOND_MS;
}

/** Whether a lease was held during the whole second. */
function wasHeld({ grantedMs, endedMs }: PastLease, second: number): boolean {
  return grantedMs <= second * SECOND_MS && endedMs >= (second + 1) * SECOND_MS;
}

/** Returns the folders that contain a path, outermost first: `a`, `a/b` for `a/b/c.ts`. */
function foldersOf(path: string): string[] {
  const segments = path.split("/");
  return segments.slice(1).map((_, at) => segments.slice(0, at + 1).join("/"));
}

export class LeaseHistory {
  readonly #byFence = new Map<number, PastLease>();
  /** The leases of paths without wildcards. The key is the path, for example `src/a.ts`. */
  readonly #named = new Map<string, PastLease[]>();
  /** The same leases by the folders that contain the path. A lease of `src/x/a.ts` is at `src` and at `src/x`. */
  readonly #below = new Map<string, PastLease[]>();
  /** The leases of paths with wildcards. */
  readonly #wild: PastLease[] = [];

  constructor(leases: readonly Lease[]) {
    for (const lease of leases) this.#add(lease);
  }

  byFence(fence: number): PastLease | undefined {
    return this.#byFence.get(fence);
  }

  /** Returns the leases that covered a path during a whole second. */
  heldAt(path: string, second: number): PastLease[] {
    const file = path.normalize("NFC");
    const candidates = new Set(this.#below.get(file));
    for (const at of [...foldersOf(file), file]) for (const past of this.#named.get(at) ?? []) candidates.add(past);
    for (const past of this.#wild) if (wasHeld(past, second) && past.covers(path)) candidates.add(past);
    return [...candidates].filter((past) => wasHeld(past, second));
  }

  #add(lease: Lease): void {
    const { fence, granted_at, ended_at, resources } = lease;
    if (granted_at === null) return;
    const globs = fileGlobsOf(resources);
    const past: PastLease = {
      lease,
      grantedMs: Date.parse(granted_at),
      endedMs: ended_at === null ? Number.POSITIVE_INFINITY : Date.parse(ended_at),
      covers: (path) => globs.some(({ covers }) => covers(path)),
    };
    if (fence !== null) this.#byFence.set(fence, past);
    for (const glob of globs) this.#index(past, glob);
  }

  #index(past: PastLease, { literal }: FileGlob): void {
    if (literal === undefined) {
      if (this.#wild.at(-1) !== past) this.#wild.push(past);
      return;
    }
    const put = (map: Map<string, PastLease[]>, at: string): void => {
      const known = map.get(at);
      if (known === undefined) map.set(at, [past]);
      else known.push(past);
    };
    put(this.#named, literal);
    for (const folder of foldersOf(literal)) put(this.#below, folder);
  }
}
