/**
 * Tests `idRange` with random time spans. The rows in the range must be those that a simple filter by time finds. The
 * tables have gaps, rows of equal times, or no rows.
 */
import * as fc from "fast-check";
import { join } from "node:path";
import t from "tap";
import { makeDirectory } from "../../../test/support/server-process.js";
import { idRange, newestTime, type TimedTable } from "./id-range.js";
import { TIME_MS_MAX, TIME_MS_MIN } from "../../base/time.js";
import { migrate } from "./migrate.js";
import { openDatabase } from "./sqlite/choice.js";
import { countRounds } from "../../../test/support/test-size.js";

const INSERTS = {
  event: "INSERT INTO event (id, topic, created_at, source, data) VALUES (?, 't', ?, '', '1')",
  audit: "INSERT INTO audit (id, at, actor, action, resource, detail, outcome) VALUES (?, ?, '', '', '', '', '')",
  llm_usage: "INSERT INTO llm_usage VALUES (?, ?, '', '', '', 'p', 'm', '', 0, 0, 0)",
  compliance_run: "INSERT INTO compliance_run VALUES (?, ?, '', '', '', '[]')",
  state_version: "INSERT INTO state_version VALUES (?, 1, 0, x'', '', ?, '', x'')",
  spec_version: "INSERT INTO spec_version VALUES (?, 1, 0, x'', '', ?, '', x'')",
} as const satisfies Readonly<Record<TimedTable, string>>;
const TABLES = Object.keys(INSERTS) as TimedTable[];

t.test("the range contains exactly the rows of its times", (t) => {
  const rows = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 3 })), { maxLength: 30 });
  const bound = fc.option(fc.integer({ min: -2, max: 40 }), { nil: null });
  const property = fc.property(fc.constantFrom(...TABLES), rows, bound, bound, (table, steps, from, to) => {
    const db = openDatabase(":memory:");
    try {
      migrate(db);
      const insert = db.prepare(INSERTS[table]);
      const stored: { readonly id: number; readonly time: number }[] = [];
      let id = 0;
      let time = 0;
      for (const [idStep, timeStep] of steps) {
        id += idStep;
        time += timeStep;
        stored.push({ id, time });
        insert.run(id, time);
      }
      const { first, end } = idRange(db, table, from, to);
      const found = stored.filter((row) => row.id >= first && row.id < end);
      const wanted = stored.filter((row) => (from === null || row.time >= from) && (to === null || row.time <= to));
      return JSON.stringify(found) === JSON.stringify(wanted);
    } finally {
      db.close();
    }
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: countRounds(125, 500) }));
  t.end();
});

t.test("no bounds give all ids, and a later row is in an open span", (t) => {
  const db = openDatabase(":memory:");
  t.teardown(() => {
    db.close();
  });
  migrate(db);
  t.same(idRange(db, "event", null, null), {
    first: 0,
    end: Number.MAX_SAFE_INTEGER,
    from: TIME_MS_MIN,
    to: TIME_MS_MAX,
  });
  db.prepare(INSERTS.event).run(5, 100);
  const { first, end } = idRange(db, "event", 101, null);
  t.ok(first <= 6 && end > 6, "an open span from now on contains the next id");
  t.end();
});

t.test("the newest time is that of the last row of any table, here and in an attached database", (t) => {
  const directory = makeDirectory(t);
  const path = join(directory, "other.db");
  const other = openDatabase(path);
  const db = openDatabase(":memory:");
  t.teardown(() => {
    other.close();
    db.close();
  });
  migrate(db);
  migrate(other);
  db.prepare("ATTACH ? AS other").run(path);
  t.equal(newestTime(db, "main"), 0);
  t.equal(newestTime(db, "other"), 0);
  for (const [at, table] of TABLES.entries()) {
    const insert = other.prepare(INSERTS[table]);
    insert.run(1, 10 * at + 1);
    insert.run(2, 10 * at + 9);
    t.equal(newestTime(other, "main"), 10 * at + 9, table);
    t.equal(newestTime(db, "other"), 10 * at + 9, `${table}, attached`);
  }
  for (const table of TABLES) other.prepare(INSERTS[table]).run(3, 5);
  t.equal(newestTime(other, "main"), 5, "the last row of each table counts");
  t.equal(newestTime(db, "main"), 0, "the times of one database do not affect the other");
  t.end();
});
