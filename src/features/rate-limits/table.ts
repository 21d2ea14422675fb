/** The SQL of rate limits. It also reads the account of an instance for the writer. */
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";
import { accountOf } from "../instances/lineage.js";
import type { RateLimitRow } from "./rate-limit.js";

export class RateLimitReader {
  readonly #all: Statement<[], RateLimitRow>;
  readonly #byId: Statement<[number], RateLimitRow>;
  readonly #count: Statement<[], number>;

  constructor(db: Db) {
    this.#all = db.prepare("SELECT * FROM rate_limit ORDER BY id");
    this.#byId = db.prepare("SELECT * FROM rate_limit WHERE id = ?");
    this.#count = db.prepare<[], number>("SELECT count(*) FROM rate_limit").pluck();
  }

  /** Returns all rate limits by id. There are at most RATE_LIMITS_MAX. */
  all(): RateLimitRow[] {
    return this.#all.all();
  }

  byId(id: number): RateLimitRow | undefined {
    return this.#byId.get(id);
  }

  count(): number {
    return this.#count.get() ?? 0;
  }
}

export const rateLimitReader: Model<RateLimitReader> = { open: ({ db }) => new RateLimitReader(db) };

type Stored = Omit<RateLimitRow, "id">;

interface InstanceAccount {
  readonly registered_by: string;
  readonly account: string | null;
  readonly parent: string | null;
}

export class RateLimitWriter {
  readonly #put: Statement<[string, string, number, string, string, number], number>;
  readonly #delete: Statement<[number], unknown>;
  readonly #instance: Statement<[string], InstanceAccount>;

  constructor(db: Db) {
    this.#put = db
      .prepare<[string, string, number, string, string, number], number>(
        `INSERT INTO rate_limit (provider, account, until, reason, reported_by, reported_at) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (account, provider) DO UPDATE SET until = excluded.until, reason = excluded.reason,
           reported_by = excluded.reported_by, reported_at = excluded.reported_at
         RETURNING id`,
      )
      .pluck();
    this.#delete = db.prepare("DELETE FROM rate_limit WHERE id = ?");
    this.#instance = db.prepare(
      "SELECT account, parent, coalesce(registered_by, '') AS registered_by FROM instance WHERE id = ?",
    );
  }

  /** Stores a rate limit. It replaces the rate limit of the same provider and account. Returns its id. */
  put({ provider, account, until, reason, reported_by, reported_at }: Stored): number | undefined {
    return this.#put.get(provider, account, until, reason, reported_by, reported_at);
  }

  delete(id: number): void {
    this.#delete.run(id);
  }

  /**
   * Returns the account of an instance. An instance without an account uses that of its parent, or of the instance that
   * has registered it. Returns null if no account is known.
   */
  accountOf(id: string): string | null {
    return accountOf(this.#instance.get(id), (parent) => this.#instance.get(parent));
  }
}

export const rateLimitWriter: Model<RateLimitWriter> = { open: ({ db }) => new RateLimitWriter(db) };
