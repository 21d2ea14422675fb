/**
 * Tests the repair of databases whose times are ahead of the clock. After the repair, a search by time must still find
 * the right rows.
 */
import t from "tap";
import type { Owner } from "../../../test/support/owner.js";
import { idRange, newestTime, type TimedTable } from "./id-range.js";
import { migrate } from "./migrate.js";
import { findSteps, PassedTimes, settleTimes } from "./settle-times.js";
import { openDatabase } from "./sqlite/choice.js";
import type { Db } from "./sqlite/library.js";

const HOUR_MS = 3_600_000;
const NOW = 1_800_000_000_000;
const AHEAD = NOW + 8 * HOUR_MS;

function opened(t: Owner): Db {
  const db = openDatabase(":memory:");
  migrate(db);
  t.teardown(() => void db.close());
  return db;
}

function publish(db: Db, at: number): void {
  db.prepare<[number]>("INSERT INTO event (topic, created_at, source, data) VALUES ('a', ?, '', 'null')").run(at);
}

/** Returns the rows of a time span, found in the same way as the features find them. */
function found(db: Db, table: TimedTable, from: number | null, to: number | null): number[] {
  const range = idRange(db, table, from, to);
  return db
    .prepare<number[], number>(
      `SELECT id FROM ${table} WHERE id >= ? AND id < ? AND created_at BETWEEN ? AND ? ORDER BY id`,
    )
    .pluck()
    .all(range.first, range.end, range.from, range.to);
}

t.test("live things last as long as they would have, and history keeps its times", (t) => {
  const db = opened(t);
  db.exec(`
    INSERT INTO instance_life VALUES (1, 'active', ${AHEAD}, ${AHEAD + 60_000}), (2, 'active', ${NOW - 5}, 0);
    INSERT INTO lease VALUES
      (1, 'held', 1, 'i', 'i', '', '[]', 0, '', NULL, NULL, 3, 3, 0, ${AHEAD - 9}, ${AHEAD}, NULL, 0, 'repo', NULL, NULL, ${AHEAD}, NULL, NULL, NULL),
      (2, 'waiting', 0, 'i', 'i', '', '[]', 0, '', NULL, NULL, 3, 3, 0, ${AHEAD}, NULL, NULL, 0, 'repo', NULL, NULL, NULL, NULL, NULL, NULL),
      (3, 'released', 2, 'i', 'i', '', '[]', 0, '', NULL, NULL, 3, 3, 0, ${AHEAD}, ${AHEAD}, ${AHEAD}, 0, 'repo', NULL, NULL, NULL, NULL, NULL, NULL),
      (4, 'held', 3, 'i', 'i', '', '[]', 0, '', NULL, NULL, 3, 3, 0, ${NOW - 9}, ${NOW - 9}, NULL, 0, 'repo', NULL, NULL, ${AHEAD}, NULL, NULL, NULL);
    INSERT INTO agent_session VALUES ('s', '', 'i', '', 'claude', ${AHEAD}), ('t', '', 'j', '', 'claude', ${NOW - 5});
    INSERT INTO task_life VALUES
      (1, 'ready', 0, 1, ${AHEAD + 2_000}, NULL, NULL, 0, NULL, NULL, 0, 1, ${AHEAD}, ${AHEAD}, NULL, NULL),
      (2, 'ready', 0, 0, ${AHEAD + 2_000}, NULL, NULL, 0, NULL, NULL, 0, 1, ${AHEAD}, ${AHEAD}, NULL, NULL),
      (3, 'done', 0, 0, NULL, NULL, NULL, 0, NULL, NULL, 0, 1, ${AHEAD}, ${AHEAD}, ${AHEAD}, ${AHEAD});
    INSERT INTO remembered_request (at, kind, caller, request_id, made) VALUES (${AHEAD}, 'lease', '', 'r', '1');
    INSERT INTO message (sent_at, expires_at, sender, sender_name, intent, importance, subject, recipients, body)
      VALUES (${AHEAD}, ${AHEAD + 5_000}, '', '', '', '', '', '[]', '');
    INSERT INTO webhook (id, url, patterns, secret, active, epoch, fail_count, created_at, last_error,
      last_failure_at, head_event, head_since, head_tries, head_spent, next_try_at) VALUES
      ('a', '', '', '', 1, 0, 5, ${NOW}, 'e', ${AHEAD}, 1, ${AHEAD - 5_000}, 5, 5, ${AHEAD + 6_000}),
      ('b', '', '', '', 1, 0, 5, ${NOW}, 'e', ${NOW - 9}, 1, ${NOW - 9}, 1, 1, ${NOW + 300}),
      ('c', '', '', '', 1, 0, 0, ${NOW}, 'e', ${AHEAD}, NULL, NULL, NULL, NULL, NULL);
    INSERT INTO agent_metric VALUES
      (${Math.floor(NOW / HOUR_MS)}, 'i', 'rest_calls', 2), (${Math.floor(AHEAD / HOUR_MS)}, 'i', 'rest_calls', 3);
  `);
  publish(db, NOW - 10);
  publish(db, AHEAD);
  t.equal(settleTimes(db, NOW), NOW);
  const values = (sql: string): unknown => db.prepare(sql).raw().all();
  t.same(values("SELECT last_seen, busy_until FROM instance_life"), [
    [NOW, NOW + 60_000],
    [NOW - 5, 0],
  ]);
  t.same(values("SELECT requested_at, granted_at, touched_at, ended_at FROM lease"), [
    [NOW, NOW, NOW, null],
    [NOW, null, null, null],
    [AHEAD, AHEAD, null, NOW],
    [NOW - 9, NOW - 9, NOW, null],
  ]);
  t.same(values("SELECT ended_at FROM agent_session ORDER BY session"), [[NOW], [NOW - 5]]);
  t.same(values("SELECT not_before, ready_at, ended_at FROM task_life"), [
    [NOW + 2_000, NOW, null],
    [AHEAD + 2_000, NOW, null],
    [null, AHEAD, NOW],
  ]);
  t.same(values("SELECT at FROM remembered_request"), [[NOW]]);
  t.same(values("SELECT sent_at, expires_at FROM message"), [[NOW, NOW + 5_000]]);
  t.same(values("SELECT last_failure_at, head_since, next_try_at FROM webhook"), [
    [NOW, NOW, NOW + 6_000],
    [NOW - 9, NOW - 9, NOW + 300],
    [NOW, null, null],
  ]);
  t.same(values("SELECT hour, value FROM agent_metric"), [[Math.floor(NOW / HOUR_MS), 5]]);
  t.same(values("SELECT created_at FROM event"), [[NOW - 10], [AHEAD]]);
  t.same(values("SELECT * FROM time_step"), [["event", 2, AHEAD]]);
  t.equal(new PassedTimes(db).newestMs, AHEAD);

  publish(db, NOW + 20);
  publish(db, NOW + 30);
  t.equal(newestTime(db, "main"), NOW + 30, "time continues from the newest row");
  t.equal(settleTimes(db, NOW + 40), NOW + 40);
  t.equal(new PassedTimes(db).newestMs, AHEAD, "the newest skipped time is still known after a restart");
  t.same(found(db, "event", NOW, null), [2, 3, 4], "a lookup by time misses no row");
  t.same(found(db, "event", NOW, NOW + 25), [3], "and finds no row outside the span");
  t.same(found(db, "event", null, NOW + 25), [1, 3]);
  t.same(found(db, "event", AHEAD, null), [2]);
  t.same(found(db, "event", null, null), [1, 2, 3, 4]);
  t.same(found(db, "event", NOW - 9, NOW + 19), []);

  const other = opened(t);
  for (const at of [NOW - 10, AHEAD, NOW + 20]) publish(other, at);
  findSteps(other);
  t.same(found(other, "event", NOW, NOW + 25), [3], "a snapshot of all tables gives the same result");

  db.exec("DELETE FROM event WHERE id <= 2");
  settleTimes(db, NOW + 50);
  t.equal(new PassedTimes(db).newestMs, 0, "a pruned row is no longer ahead");
  t.end();
});

t.test("a small lead is no wrong clock: time continues from there", (t) => {
  const db = opened(t);
  publish(db, NOW + 900);
  t.equal(settleTimes(db, NOW), NOW + 900);
  t.equal(new PassedTimes(db).newestMs, 0);
  t.equal(settleTimes(db, NOW + 1_000), NOW + 1_000);
  t.end();
});
