/**
 * Records rejected calls in the audit log. The first call of its kind gets a row at once. If the call is repeated
 * within a minute, only the count of the row increases. Repeats have the same caller, method, resource and reason.
 *
 * The count is kept in memory, so a repeat costs no write. It is stored every AUDIT_COUNT_DELAY_MS, before the log is
 * read, and at a shutdown. The number of rows within a minute is limited. Beyond the limit, different calls share a
 * row, which contains the word "several". Runs on the front, driven by ticks. In a cluster, each node counts the calls
 * that it has rejected.
 */
import {
  AUDIT_COUNT_DELAY_MS,
  AUDIT_COUNT_WAIT_MS,
  AUDIT_REFUSAL_ROWS_MAX,
  AUDIT_REFUSAL_ROWS_OF_CALL_MAX,
  AUDIT_REFUSAL_ROWS_OF_CALLER_MAX,
  AUDIT_REPEAT_MS,
  AUDIT_RESOURCE_CHARACTERS_MAX,
  AUDIT_UNAUTHENTICATED_ROWS_PER_MINUTE_MAX,
} from "../../../schemas/limits/audit.js";
import { Periodic } from "../../platform/background/periodic.js";
import type { BackgroundTask } from "../../platform/background/task.js";
import type { Clock } from "../../base/clock.js";
import { Failure } from "../../base/result.js";
import { NO_CALLER, type CallContext } from "../../platform/rpc/frames.js";
import { refusalDetail } from "../../platform/threads/refusal-row.js";
import type { Writer } from "../../platform/threads/writer.js";
import { countRefusals, refuseCall } from "./commands.js";

/** A call that was refused. */
export interface RefusedCall {
  /** The route of the call, without the path of the request: `PUT /api/state/{key...}`. */
  readonly call: string;
  /** The instance that made the call. If no instance made it, the address from which the call came. */
  readonly caller: string;
  readonly action: string;
  readonly resource: string;
  readonly failure: Failure;
}

/** A row of the audit log whose count may still increase. */
interface OpenRow {
  readonly since_ms: number;
  /** The groups to which the row belongs, by name. The number of rows in each group is limited. */
  readonly groups: readonly string[];
  /** The row as it is stored, with the stored count; null until it is written. */
  stored: { readonly id: number; readonly at: number; count: number } | null;
  count: number;
}

/**
 * Describes a row of the audit log that can count a rejected call. All calls that the row counts have the same `key`.
 */
interface RowKind {
  readonly key: string;
  readonly action: string;
  readonly resource: string;
  readonly detail: string;
  /** True if the row counts calls of several callers. Such a row names no caller. */
  readonly ofMany: boolean;
}

/** The word that replaces a value in a row of different calls, if the calls do not have the value in common. */
const SEVERAL = "several";
const UNAUTHENTICATED = 401;

export class RefusalLog implements BackgroundTask {
  readonly #writer: Pick<Writer, "call" | "request">;
  readonly #clock: Clock;
  /** The rows whose count may still increase, by their key, oldest first. */
  readonly #open = new Map<string, OpenRow>();
  /** The number of open rows in each group. */
  readonly #sizes = new Map<string, number>();
  /** The rows whose minute is over and whose count is not stored yet. They count no more calls. */
  #ended: OpenRow[] = [];
  readonly #counts: Periodic<void>;

  constructor(writer: Pick<Writer, "call" | "request">, clock: Clock) {
    this.#writer = writer;
    this.#clock = clock;
    this.#counts = new Periodic({
      intervalMs: AUDIT_COUNT_DELAY_MS,
      nowMs: clock.now(),
      work: () => this.#storeCounts(),
      ready: () => this.#hasCounts(),
    });
  }

  /**
   * Records a rejected call.
   * @param done called at once if the call only increases the count of a row; otherwise called when the row was written
   * or its write has failed
   */
  record(refused: RefusedCall, context: CallContext, done: () => void): void {
    this.#endRows();
    const bounds = boundsOf(refused);
    const groups = bounds.map(([group]) => group);
    for (const [step, kind] of kindsOf(refused).entries()) {
      const row = this.#open.get(kind.key);
      if (row !== undefined) {
        row.count += 1;
        done();
        return;
      }
      // The last kind has no limit, so it always has room: a single row counts all calls with the same status.
      const hasRoom = bounds.slice(step).every(([group, most]) => (this.#sizes.get(group) ?? 0) < most);
      if (!hasRoom) continue;
      this.#write(kind, groups.slice(step), context, done);
      return;
    }
  }

  tick(nowMs: number): void {
    this.#endRows();
    this.#counts.tick(nowMs);
  }

  /**
   * Stores the counts up to now, so that a read of the log includes them. Returns null if there are none to store. The
   * promise resolves after at most AUDIT_COUNT_WAIT_MS.
   */
  settle(): Promise<void> | null {
    return this.#hasCounts() ? this.#storeSoon() : null;
  }

  async #storeSoon(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, AUDIT_COUNT_WAIT_MS);
    });
    await Promise.race([this.#counts.run(), late]);
    clearTimeout(timer);
  }

  /** Forgets all open rows, because a restore has replaced the log. Later calls get new rows. */
  forget(): void {
    this.#open.clear();
    this.#sizes.clear();
    this.#ended = [];
  }

  async close(): Promise<void> {
    await this.#counts.run();
    await this.#counts.close();
  }

  #write(kind: RowKind, groups: readonly string[], context: CallContext, done: () => void): void {
    const row: OpenRow = { since_ms: this.#clock.now(), groups, stored: null, count: 1 };
    this.#open.set(kind.key, row);
    for (const group of groups) this.#sizes.set(group, (this.#sizes.get(group) ?? 0) + 1);
    const { action, resource, detail } = kind;
    this.#writer.call(refuseCall, { action, resource, detail }, kind.ofMany ? NO_CALLER : context, (reply) => {
      // The row was not written, so it is dropped. The next call of this kind writes a row again.
      if (reply instanceof Failure) this.#drop(kind.key, row);
      else row.stored = { id: reply.id, at: reply.at, count: 1 };
      done();
    });
  }

  #endRows(): void {
    const nowMs = this.#clock.now();
    for (const [key, row] of this.#open) {
      if (nowMs - row.since_ms < AUDIT_REPEAT_MS) return;
      this.#drop(key, row);
      if (hasUnstoredCount(row)) this.#ended.push(row);
    }
  }

  #drop(key: string, row: OpenRow): void {
    if (this.#open.get(key) !== row) return;
    this.#open.delete(key);
    for (const group of row.groups) {
      const size = this.#sizes.get(group) ?? 0;
      if (size > 1) this.#sizes.set(group, size - 1);
      else this.#sizes.delete(group);
    }
  }

  #hasCounts(): boolean {
    if (this.#ended.length > 0) return true;
    for (const row of this.#open.values()) if (hasUnstoredCount(row)) return true;
    return false;
  }

  async #storeCounts(): Promise<void> {
    const sent = [...this.#ended, ...this.#open.values()].flatMap((row) => {
      const { stored, count } = row;
      return stored === null || count === stored.count ? [] : [{ stored, count }];
    });
    if (sent.length === 0) return;
    const rows = sent.map(({ stored: { id, at }, count }) => ({ id, at, count }));
    const reply = await this.#writer.request(countRefusals, { rows }, NO_CALLER);
    // Counts that could not be stored stay for the next attempt. Only the rows of a few minutes are kept.
    if (reply instanceof Failure) this.#ended = this.#ended.slice(-AUDIT_REFUSAL_ROWS_MAX);
    else for (const { stored, count } of sent) stored.count = count;
    this.#ended = this.#ended.filter(hasUnstoredCount);
  }
}

type GroupBound = readonly [group: string, rowsMax: number];

/** Returns the groups to which a row for this call belongs, each with its maximum number of rows. */
function boundsOf({ caller, call, failure }: RefusedCall): readonly GroupBound[] {
  // The maximum is one less than the constant, because one row is kept for the kind that all unauthenticated calls
  // share.
  if (failure.http === UNAUTHENTICATED) {
    const most = AUDIT_UNAUTHENTICATED_ROWS_PER_MINUTE_MAX - 1;
    return ["call", "caller", "all"].map((group) => [`${group} of unauthenticated`, most]);
  }
  return [
    [`call ${caller} ${call}`, AUDIT_REFUSAL_ROWS_OF_CALL_MAX],
    [`caller ${caller}`, AUDIT_REFUSAL_ROWS_OF_CALLER_MAX],
    ["all", AUDIT_REFUSAL_ROWS_MAX],
  ];
}

/** Returns whether the count in memory is larger than the stored one. */
function hasUnstoredCount({ stored, count }: OpenRow): boolean {
  return stored !== null && count > stored.count;
}

/**
 * Returns the four rows that can count a rejected call, the most specific one first. The first row counts calls with
 * the same caller, method, resource and reason. The second row: the same caller, method and status. The third row: the
 * same caller and status. The last row: only the same status. Only the first row has values that a caller can vary at
 * will.
 */
function kindsOf({ call, caller, action, resource, failure }: RefusedCall): readonly RowKind[] {
  const detail = refusalDetail(failure);
  const about = resource.slice(0, AUDIT_RESOURCE_CHARACTERS_MAX);
  const several = (key: string, what: string, ofMany: boolean): RowKind => ({
    key,
    action: what,
    resource: SEVERAL,
    detail: JSON.stringify({ error: "refused for several reasons", code: failure.http }),
    ofMany,
  });
  const { http } = failure;
  return [
    { key: `row ${caller} ${call} ${about} ${detail}`, action, resource: about, detail, ofMany: false },
    several(`call ${caller} ${call} ${http}`, action, false),
    several(`caller ${caller} ${http}`, SEVERAL, false),
    several(`all ${http}`, SEVERAL, true),
  ];
}
