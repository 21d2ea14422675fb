/**
 * Executes the writer's calls about rate limits, and publishes their beginnings and ends. It also finds the rate limits
 * that keep an instance from getting a task. All rate limits are in memory. Runs in the writer thread.
 */
import type { ServerTopic } from "../../../schemas/events.js";
import {
  RATE_LIMITS_MAX,
  RATE_LIMITS_OF_ACCOUNT_MAX,
  RATE_LIMITS_SHOWN_MAX,
} from "../../../schemas/limits/rate-limits.js";
import type { RemoveLimitRequest, ReportLimitRequest } from "../../../schemas/rate-limits.js";
import { must } from "../../base/assert.js";
import { Failure, notFound } from "../../base/result.js";
import { type Model, type Opening, type Publication, PublishingModel } from "../../platform/threads/model.js";
import type { WriteCall } from "../../platform/threads/writer-method.js";
import { publisher, type Publisher } from "../events/publisher.js";
import { RATE_LIMITS } from "./push-messages.js";
import { type RateLimitRow, showLimit } from "./rate-limit.js";
import { type RateLimitReader, rateLimitReader, type RateLimitWriter, rateLimitWriter } from "./table.js";

const SOURCE = "koor";
const FULL = new Failure("STOCK_FULL", `there are ${RATE_LIMITS_MAX} rate limits already: remove one first`);
const ACCOUNT_FULL = new Failure(
  "STOCK_FULL",
  `the account has ${RATE_LIMITS_OF_ACCOUNT_MAX} rate limits already: remove one first`,
);
const NOT_REPORTER = new Failure("PERMISSION_DENIED", "this needs the server token, or that of who reported it");

export class RateLimitRegistry extends PublishingModel {
  readonly #reader: RateLimitReader;
  readonly #writer: RateLimitWriter;
  readonly #events: Publisher;
  readonly #byId = new Map<number, RateLimitRow>();
  #isLoaded = false;
  /** The ids of the rate limits whose rows the front must read again. */
  readonly #changed = new Set<number>();

  constructor({ use }: Pick<Opening, "use">) {
    super();
    this.#reader = use(rateLimitReader);
    this.#writer = use(rateLimitWriter);
    this.#events = use(publisher);
  }

  /**
   * Stores a rate limit. It replaces the previous one with the same provider and account. The number of rate limits of
   * one account is limited. An agent reports only for its own account, so one agent cannot use up the limit for all
   * accounts.
   */
  report(request: ReportLimitRequest, call: WriteCall): Failure | RateLimitRow {
    const ofAccount = [...this.#all().values()].filter(({ account }) => account === request.account);
    if (!ofAccount.some(({ provider }) => provider === request.provider)) {
      if (ofAccount.length >= RATE_LIMITS_OF_ACCOUNT_MAX) return ACCOUNT_FULL;
      if (this.#byId.size >= RATE_LIMITS_MAX) return FULL;
    }
    const fresh = { ...request, reported_at: call.nowMs };
    const row = { id: must(this.#writer.put(fresh), "the row is stored"), ...fresh };
    this.#byId.set(row.id, row);
    this.#touch(row.id);
    this.#publish("llm.limited", row, call);
    return row;
  }

  remove({ id, by }: RemoveLimitRequest, call: WriteCall): Failure | null {
    const row = this.#all().get(id);
    if (row === undefined) return notFound(`rate limit not found: ${id}`);
    if (by !== null && by !== row.reported_by) return NOT_REPORTER;
    this.#end(row, call);
    return null;
  }

  /** Removes the rate limits that have ended. Returns their ids. */
  end(call: WriteCall): number[] {
    const over = [...this.#all().values()].filter(({ until }) => until <= call.nowMs);
    for (const row of over) this.#end(row, call);
    return over.map(({ id }) => id);
  }

  /** Returns the rate limits that keep an instance from getting a task. Returns at most RATE_LIMITS_SHOWN_MAX. */
  holding(instance: string, nowMs: number): RateLimitRow[] {
    const all = this.#all();
    const account = all.size === 0 ? null : this.#writer.accountOf(instance);
    if (account === null) return [];
    const found = [...all.values()].filter((row) => row.account === account && row.until > nowMs);
    return found.toSorted((a, b) => a.id - b.id).slice(0, RATE_LIMITS_SHOWN_MAX);
  }

  reload(): void {
    this.#isLoaded = false;
    this.#byId.clear();
    this.#changed.clear();
  }

  afterCommit({ changes, push }: Publication): void {
    if (this.#changed.size > 0) push(RATE_LIMITS, [...this.#changed]);
    for (const id of this.#changed) changes?.add("rate_limit", String(id), null);
    this.#changed.clear();
  }

  /** Returns all rate limits. The first call reads them from the table. */
  #all(): ReadonlyMap<number, RateLimitRow> {
    if (this.#isLoaded) return this.#byId;
    this.#isLoaded = true;
    for (const row of this.#reader.all()) this.#byId.set(row.id, row);
    return this.#byId;
  }

  #end(row: RateLimitRow, call: WriteCall): void {
    this.#byId.delete(row.id);
    this.#writer.delete(row.id);
    this.#touch(row.id);
    this.#publish("llm.limit.ended", row, call);
  }

  #touch(id: number): void {
    this.#changed.add(id);
    this.markDirty();
  }

  #publish(topic: ServerTopic, row: RateLimitRow, call: WriteCall): void {
    this.#events.publish({ topic, data: JSON.stringify(showLimit(row)), source: SOURCE }, call);
  }
}

export const rateLimitRegistry: Model<RateLimitRegistry> = { open: (opening) => new RateLimitRegistry(opening) };
