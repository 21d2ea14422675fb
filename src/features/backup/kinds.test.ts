/** Compares the list of kinds with the tables and columns of the database. A snapshot must contain all stored data. */
import t from "tap";
import { migrate } from "../../platform/store/migrate.js";
import { KINDS, LEFT_OUT } from "./kinds.js";
import { openDatabase } from "../../platform/store/sqlite/choice.js";

t.test("every table belongs to one kind, or is left out for a reason", (t) => {
  const db = openDatabase(":memory:");
  migrate(db);
  const tables = db
    .prepare<[], string>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .pluck()
    .all();
  const known = [...KINDS.flatMap((kind) => kind.tables), ...Object.keys(LEFT_OUT)];
  t.same(known.toSorted(), tables);
  t.equal(new Set(known).size, known.length, "once");
  t.equal(new Set(KINDS.map(({ name }) => name)).size, KINDS.length, "each kind has a name of its own");
  for (const [table, why] of Object.entries(LEFT_OUT)) t.ok(why.length > 20, `${table}: ${why}`);
  db.close();
  t.end();
});

t.test("every column of a row is in its records, or its kind supplies it", (t) => {
  const db = openDatabase(":memory:");
  migrate(db);
  for (const kind of KINDS) t.doesNotThrow(() => kind.writer(db), `${kind.name} names columns that are there`);
  // The columns with a default. If a kind omitted such a column, a restore would silently set it to the default.
  const defaults = db
    .prepare<[], string>(
      `SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c
       WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND c.dflt_value IS NOT NULL`,
    )
    .pluck()
    .all();
  t.same(defaults, [], "no column has a default that could hide that it was forgotten");
  db.close();
  t.end();
});
