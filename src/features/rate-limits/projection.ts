/**
 * Keeps the front's copy of the rate limits, as of the latest commit. So hooks and waits find the rate limits of an
 * agent's account without a call to the writer. Pure except for its state.
 */
import { RATE_LIMITS_SHOWN_MAX } from "../../../schemas/limits/rate-limits.js";
import type { Directory } from "../instances/directory.js";
import type { Entry } from "../instances/entry.js";
import { accountOf } from "../instances/lineage.js";
import type { RateLimitRow } from "./rate-limit.js";
import type { RateLimitReader } from "./table.js";

export interface RateLimitProjectionOptions {
  readonly reader: Pick<RateLimitReader, "all" | "byId">;
  readonly directory: Pick<Directory, "get">;
  /** Called after each change of a rate limit. */
  readonly onChanged: () => void;
}

export class RateLimitProjection {
  readonly #options: RateLimitProjectionOptions;
  readonly #byId = new Map<number, RateLimitRow>();

  constructor(options: RateLimitProjectionOptions) {
    this.#options = options;
    for (const row of options.reader.all()) this.#byId.set(row.id, row);
  }

  /** Reads all rate limits again, after a crash of the writer or a restore. */
  load(): void {
    this.#byId.clear();
    for (const row of this.#options.reader.all()) this.#byId.set(row.id, row);
    this.#options.onChanged();
  }

  /** Reads the rate limits that a commit has changed. */
  accept(ids: readonly number[]): void {
    for (const id of ids) {
      const row = this.#options.reader.byId(id);
      if (row === undefined) this.#byId.delete(id);
      else this.#byId.set(id, row);
    }
    this.#options.onChanged();
  }

  /** Lists the rate limits that are in force, by id. */
  inForce(nowMs: number): RateLimitRow[] {
    return [...this.#byId.values()].filter(({ until }) => until > nowMs).toSorted((a, b) => a.id - b.id);
  }

  /** Returns the rate limits of an agent's account that are in force, at most RATE_LIMITS_SHOWN_MAX. */
  of(entry: Entry, nowMs: number): RateLimitRow[] {
    const account = this.#byId.size === 0 ? null : accountOf(entry, (id) => this.#options.directory.get(id));
    if (account === null) return [];
    return this.inForce(nowMs)
      .filter((row) => row.account === account)
      .slice(0, RATE_LIMITS_SHOWN_MAX);
  }

  /** Returns whether the projection has a rate limit that has ended. */
  isEndDue(nowMs: number): boolean {
    for (const { until } of this.#byId.values()) if (until <= nowMs) return true;
    return false;
  }
}
