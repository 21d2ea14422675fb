/**
 * Repairs a database whose stored times are ahead of the machine's clock. A server may find such times at its start or
 * after a restore. Times are in ms. Rows of history, such as events, keep their times, and new rows get the right time.
 * So in each table of history the times go back once, and only the ids show the order of the rows. The table
 * `time_step` stores the last row before the times go back. Other times say how long a thing lasts: leases, claims,
 * agents, sessions, idempotency records, and pruning by age. They are moved back to the current time, so that each
 * thing lasts as long as it should.
 */
import { INSTANCE_BUSY_S_MAX } from "../../../schemas/limits/instances.js";
import { CLOCK_LEAD_MS_MAX } from "../../../schemas/limits/store.js";
import { TASK_BACKOFF_MS_MAX, TASK_RESERVED_MS } from "../../../schemas/limits/tasks.js";
import { WEBHOOK_RETRY_AFTER_MS_MAX } from "../../../schemas/limits/webhooks.js";
import { HOUR_MS, SECOND_MS } from "../../../shared/duration.js";
import { newestTime, TIME_COLUMNS, TIMED_TABLES } from "./id-range.js";
import type { Db, Statement } from "./sqlite/library.js";

/**
 * Returns the SQL that moves back the times of live things, such as agents and open tasks. It is fast, because these
 * rows are few, or an index finds them.
 */
function moveLive(nowMs: number, limitMs: number): string {
  return `
    UPDATE instance_life SET last_seen = ${nowMs},
      busy_until = iif(busy_until > last_seen,
        ${nowMs} + min(busy_until - last_seen, ${INSTANCE_BUSY_S_MAX * SECOND_MS}), 0)
      WHERE last_seen > ${limitMs};
    UPDATE session SET created_at = min(created_at, ${nowMs}), last_used_at = ${nowMs} WHERE last_used_at > ${limitMs};
    UPDATE lease INDEXED BY lease_live
      SET requested_at = min(requested_at, ${nowMs}), granted_at = min(granted_at, ${nowMs}),
        touched_at = min(touched_at, ${nowMs})
      WHERE ended_at IS NULL AND max(requested_at, coalesce(granted_at, 0), coalesce(touched_at, 0)) > ${limitMs};
    -- A task that a client has delayed until a certain time keeps that time. A task that waits after a failure waits
    -- for as long as it would have.
    UPDATE task_life INDEXED BY task_live
      SET ready_at = min(ready_at, ${nowMs}), claimed_at = min(claimed_at, ${nowMs}), updated_at = ${nowMs},
        reserved_until = min(reserved_until, ${nowMs + TASK_RESERVED_MS}),
        not_before = iif(attempts > 0 AND not_before BETWEEN updated_at AND updated_at + ${TASK_BACKOFF_MS_MAX},
          not_before - updated_at + ${nowMs}, not_before)
      WHERE ended_at IS NULL AND updated_at > ${limitMs};
    -- The next attempt of a delivery comes as long after the last failure as it would have.
    UPDATE webhook
      SET head_since = min(head_since, ${nowMs}), last_failure_at = ${nowMs},
        next_try_at = ${nowMs} + max(0, min(next_try_at - last_failure_at, ${WEBHOOK_RETRY_AFTER_MS_MAX}))
      WHERE last_failure_at > ${limitMs};`;
}

/**
 * Returns the SQL that moves back the times of things that have ended or are kept only for a while. Also adds the
 * counters of future hours to the counters of the current hour.
 */
function moveKept(nowMs: number, limitMs: number): string {
  const hour = Math.floor(nowMs / HOUR_MS);
  return `
    UPDATE lease SET ended_at = ${nowMs} WHERE ended_at > ${limitMs};
    UPDATE agent_session SET ended_at = ${nowMs} WHERE ended_at > ${limitMs};
    UPDATE task_life SET ended_at = ${nowMs} WHERE ended_at > ${limitMs};
    UPDATE budget SET since = ${nowMs} WHERE since > ${limitMs};
    UPDATE rate_limit SET until = until - reported_at + ${nowMs}, reported_at = ${nowMs} WHERE reported_at > ${limitMs};
    UPDATE radar_report SET reported_at = ${nowMs} WHERE reported_at > ${limitMs};
    UPDATE remembered_request SET at = ${nowMs} WHERE at > ${limitMs};
    UPDATE message SET expires_at = expires_at - sent_at + ${nowMs}, sent_at = ${nowMs} WHERE sent_at > ${limitMs};
    INSERT INTO agent_metric (hour, instance, metric, value)
      SELECT ${hour}, instance, metric, sum(value) FROM agent_metric WHERE hour > ${hour} GROUP BY instance, metric
      ON CONFLICT (hour, instance, metric) DO UPDATE SET value = value + excluded.value;
    DELETE FROM agent_metric WHERE hour > ${hour};`;
}

/**
 * Repairs the times. The caller must have begun a transaction. After the repair, stored times are at most
 * CLOCK_LEAD_MS_MAX ahead of `nowMs`. Only rows of history may have later times, and `time_step` has the last of them
 * for each table.
 * @returns the time with which the server starts
 */
export function settleTimes(db: Db, nowMs: number): number {
  const newestMs = newestTime(db, "main");
  const limitMs = nowMs + CLOCK_LEAD_MS_MAX;
  db.exec(moveLive(nowMs, limitMs));
  for (const table of TIMED_TABLES)
    db.exec(`DELETE FROM time_step WHERE name = '${table}' AND NOT EXISTS (
      SELECT 1 FROM ${table} WHERE id <= time_step.row)`);
  if (newestMs <= limitMs) return Math.max(nowMs, newestMs);
  db.exec(moveKept(nowMs, limitMs));
  for (const table of TIMED_TABLES) {
    const time = TIME_COLUMNS[table];
    db.exec(`INSERT OR IGNORE INTO time_step (name, row, newest)
      SELECT '${table}', id, ${time} FROM (SELECT id, ${time} FROM ${table} ORDER BY id DESC LIMIT 1)
      WHERE ${time} > ${limitMs}`);
  }
  return nowMs;
}

/** Finds and stores the rows after which the times go back. Used after a snapshot has filled the tables. */
export function findSteps(db: Db): void {
  for (const table of TIMED_TABLES) {
    const time = TIME_COLUMNS[table];
    db.exec(`INSERT OR IGNORE INTO time_step (name, row, newest)
      SELECT '${table}', id, time FROM (
        SELECT id, ${time} AS time, lead(${time}) OVER (ORDER BY id) AS next FROM ${table}) WHERE next < time`);
  }
}

/** Reads the newest time, in ms, of the rows of history that are ahead of the clock; 0 if there are none. */
export class PassedTimes {
  readonly #newest: Statement<[], number>;

  constructor(db: Db) {
    this.#newest = db.prepare<[], number>("SELECT coalesce(max(newest), 0) FROM time_step").pluck();
  }

  get newestMs(): number {
    return this.#newest.get() ?? 0;
  }
}

export const passedTimes: { readonly open: (opening: { readonly db: Db }) => PassedTimes } = {
  open: ({ db }) => new PassedTimes(db),
};
