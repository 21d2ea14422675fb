/** Tests that any number of buffered rows is written in order, and that either all or none of them are written. */
import { openDatabase } from "./sqlite/choice.js";
import * as fc from "fast-check";
import t from "tap";
import { WriteBuffer } from "./write-buffer.js";

function openTables(): {
  readonly rows: WriteBuffer;
  readonly names: () => string[];
  readonly values: () => unknown[];
} {
  const db = openDatabase(":memory:");
  db.exec("CREATE TABLE name (id INTEGER PRIMARY KEY, name TEXT NOT NULL)");
  db.exec("CREATE TABLE value (key TEXT PRIMARY KEY, at INTEGER, bytes BLOB) WITHOUT ROWID");
  return {
    rows: new WriteBuffer(db),
    names: () => db.prepare<[], string>("SELECT name FROM name ORDER BY id").pluck().all(),
    values: () => db.prepare("SELECT * FROM value ORDER BY key").raw().all(),
  };
}

t.test("any number of rows, written at any time", async () => {
  const operation = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constantFrom("write", "forget"));
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 12 }), (operations) => {
      const { rows, names } = openTables();
      const table = rows.into<[string]>("INSERT INTO name (name)", 1);
      let written: string[] = [];
      let waiting: string[] = [];
      let next = 0;
      for (const each of operations) {
        if (each === "forget") rows.forget();
        else if (each === "write") rows.write();
        else
          for (let at = 0; at < each; at++) {
            table.add(`name ${next}`);
            waiting.push(`name ${next++}`);
            // The buffer writes its rows as soon as it has 32 of them, because the largest statement writes 32 rows.
            if (waiting.length === 32) [written, waiting] = [[...written, ...waiting], []];
          }
        if (each === "write") written.push(...waiting);
        if (typeof each === "string") waiting = [];
        if (names().join() !== written.join()) throw new Error(`${names().join()} is not ${written.join()}`);
      }
    }),
  );
});

t.test("several tables and kinds of columns; a later row of a key replaces the earlier one", async (t) => {
  const { rows, names, values } = openTables();
  const heads = rows.into<[string, number, Uint8Array]>("REPLACE INTO value", 3);
  const other = rows.into<[string]>("INSERT INTO name (name)", 1);
  heads.add("b", 1, Buffer.from("x"));
  other.add("first");
  heads.add("a", 2, Buffer.alloc(0));
  heads.add("b", 3, Buffer.from("y"));
  t.same([names(), values()], [[], []], "nothing is written before it is requested");
  rows.write();
  t.same(names(), ["first"]);
  t.same(values(), [
    ["a", 2, Buffer.alloc(0)],
    ["b", 3, Buffer.from("y")],
  ]);
});

t.test("refused rows are not tried again", async (t) => {
  const { rows, names } = openTables();
  const table = rows.into<[number, string]>("INSERT INTO name", 2);
  table.add(1, "one");
  table.add(1, "another one");
  t.throws(() => rows.write(), /UNIQUE constraint failed/);
  rows.write();
  t.same(names(), []);
});

t.test("what waits for the commit is written by finish only, and forgotten with the rest", (t) => {
  const { rows } = openTables();
  const calls: string[] = [];
  const waiting = { write: () => calls.push("write"), forget: () => calls.push("forget") };
  rows.addLast(waiting);
  rows.write();
  t.same(calls, []);
  rows.finish();
  rows.finish();
  t.same(calls, ["write"]);
  rows.addLast(waiting);
  rows.forget();
  rows.finish();
  t.same(calls, ["write", "forget"]);
  t.end();
});
