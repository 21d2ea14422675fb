/** Spans of time over ids against filtering by hand, with holes, equal times and empty tables. */
import Database from "better-sqlite3";
import * as fc from "fast-check";
import t from "tap";
import { idRange, type TimedTable } from "./id-range.js";
import { migrate } from "./migrate.js";

const INSERTS = {
  event: "INSERT INTO event (id, topic, created_at, source, data) VALUES (?, 't', ?, '', '1')",
  audit: "INSERT INTO audit (id, at, actor, action, resource, detail, outcome) VALUES (?, ?, '', '', '', '', '')",
  llm_usage: "INSERT INTO llm_usage VALUES (?, ?, '', '', '', 'p', 'm', '', 0, 0, 0)",
  compliance_run: "INSERT INTO compliance_run VALUES (?, ?, '', '', '', '[]')",
  state_version: "INSERT INTO state_version VALUES (?, 1, 0, x'', '', ?, '', x'')",
  spec_version: "INSERT INTO spec_version VALUES (?, 1, 0, x'', '', ?, '', x'')",
} as const satisfies Readonly<Record<TimedTable, string>>;
const TABLES = Object.keys(INSERTS) as TimedTable[];

t.test("the span holds exactly the rows of its times", (t) => {
  const rows = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 3 })), { maxLength: 30 });
  const bound = fc.option(fc.integer({ min: -2, max: 40 }), { nil: null });
  const property = fc.property(fc.constantFrom(...TABLES), rows, bound, bound, (table, steps, from, to) => {
    const db = new Database(":memory:");
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
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }));
  t.end();
});

t.test("nothing is bounded by nothing, and a row that comes later is in an open span", (t) => {
  const db = new Database(":memory:");
  t.teardown(() => {
    db.close();
  });
  migrate(db);
  t.same(idRange(db, "event", null, null), { first: 0, end: Number.MAX_SAFE_INTEGER });
  db.prepare(INSERTS.event).run(5, 100);
  const { first, end } = idRange(db, "event", 101, null);
  t.ok(first <= 6 && end > 6, "from now on: the next id is in it");
  t.end();
});
