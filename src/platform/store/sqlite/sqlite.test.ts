/** Tests that every SQLite library that this Node can load behaves like better-sqlite3. */
import { join } from "node:path";
import t, { type Test } from "tap";
import { chooseSqlite, waysOf } from "./choice.js";
import { nameOfCode, sqliteCode, sqliteError, TEXT_NOT_KEPT } from "./codes.js";
import { SQLITE_WAYS, type Db, type SqliteLibrary } from "./library.js";
import { openFailure, writeFailure } from "../open.js";

interface Loaded {
  readonly library: SqliteLibrary;
  readonly memory: () => Db;
}

function load(way: string): Loaded | string {
  try {
    const { library } = chooseSqlite(way);
    return { library, memory: () => library.open(":memory:", {}) };
  } catch (error) {
    return (error as Error).message;
  }
}

/** Returns SQLite's code of the error that `work` throws. */
function codeOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    return sqliteCode(error) ?? String(error);
  }
  return undefined;
}

t.test("the preferred library of a Node comes first", (t) => {
  for (const version of ["22.16.0", "24.0.0", "26.10.0"]) t.equal(waysOf(version)[0], "node:sqlite", version);
  for (const version of ["20.18.1", "21.7.0", "22.15.1"]) t.equal(waysOf(version)[0], "better-sqlite3", version);
  t.throws(() => chooseSqlite("oracle"), /KOOR_SQLITE must be auto, node:sqlite, .*, not "oracle"/);
  const { library, fallback } = chooseSqlite("auto");
  t.equal(fallback === "", library.way === waysOf(process.versions.node)[0], "a fallback has its reason");
  t.end();
});

t.test("codes have SQLite's names", (t) => {
  t.equal(nameOfCode(13), "SQLITE_FULL");
  t.equal(nameOfCode(778), "SQLITE_IOERR_WRITE");
  t.equal(nameOfCode(2067), "SQLITE_CONSTRAINT_UNIQUE");
  t.equal(nameOfCode(516), "SQLITE_ABORT_ROLLBACK");
  t.equal(nameOfCode(517), "SQLITE_BUSY_SNAPSHOT");
  t.equal(nameOfCode(5642), "SQLITE_IOERR_SEEK");
  t.equal(nameOfCode(11 + 99 * 256), "SQLITE_CORRUPT", "an unknown extended code keeps its primary name");
  t.equal(nameOfCode(255), "SQLITE_UNKNOWN_255");
  t.equal(sqliteCode(sqliteError("x", "SQLITE_FULL")), "SQLITE_FULL");
  t.equal(sqliteCode(new Error("x")), undefined);
  t.equal(sqliteCode(Object.assign(new Error("x"), { code: "ENOENT" })), undefined);
  t.equal(sqliteCode("SQLITE_FULL"), undefined);
  t.end();
});

for (const way of SQLITE_WAYS) {
  const loaded = load(way);
  if (typeof loaded === "string") {
    t.test(way, { skip: loaded }, () => undefined);
    continue;
  }
  t.test(way, (t) => {
    checkValues(t, loaded);
    checkRows(t, loaded);
    checkTransactions(t, loaded);
    checkErrors(t, loaded);
    checkHandles(t, loaded);
    t.end();
  });
}

function checkValues(t: Test, { memory }: Loaded): void {
  t.test("values", (t) => {
    const db = memory();
    db.exec("CREATE TABLE kept (i INTEGER, r REAL, s TEXT, b BLOB)");
    const insert = db.prepare("INSERT INTO kept VALUES (?, ?, ?, ?)");
    const kept = db.prepare<[number | bigint], Record<string, unknown>>("SELECT * FROM kept WHERE rowid = ?");
    const bytes = Buffer.from([0, 1, 255]);
    const { changes, lastInsertRowid } = insert.run(Date.now(), 1.5, "ä\u{1F600}", bytes);
    t.equal(changes, 1);
    const row = kept.get(lastInsertRowid);
    t.match(row, { r: 1.5, s: "ä\u{1F600}" });
    t.type(row?.["i"], "number");
    t.ok(Buffer.isBuffer(row?.["b"]), "blobs are Buffers");
    t.ok(bytes.equals(row?.["b"] as Buffer));
    insert.run(Number.MAX_SAFE_INTEGER, null, "", Buffer.alloc(0));
    t.strictSame(kept.get(2), { i: Number.MAX_SAFE_INTEGER, r: null, s: "", b: Buffer.alloc(0) });
    insert.run(5n, -0.5, "x", new Uint8Array([1, 2, 3, 4]).subarray(1, 3));
    t.strictSame(kept.get(3), { i: 5, r: -0.5, s: "x", b: Buffer.from([2, 3]) });
    const types = db.prepare("SELECT typeof(i), typeof(r), typeof(s), typeof(b) FROM kept WHERE rowid = 1").raw().get();
    t.strictSame(types, ["integer", "real", "text", "blob"]);
    const large = db.prepare("SELECT 9007199254740993 AS large, x'01' AS bytes");
    t.strictSame(large.get(), { large: 2 ** 53, bytes: Buffer.from([1]) }, "integers beyond 2^53 are rounded");
    t.strictSame(large.all(), [{ large: 2 ** 53, bytes: Buffer.from([1]) }]);
    t.equal(db.prepare("SELECT 1").pluck().get(), 1, "and the others stay numbers");
    db.close();
    t.end();
  });

  t.test("a text with a NUL is stored as a whole, or refused", (t) => {
    const db = memory();
    db.exec("CREATE TABLE kept (s TEXT)");
    const insert = db.prepare("INSERT INTO kept VALUES (?)");
    const named = db.prepare<{ s: string }>("INSERT INTO kept VALUES ($s)");
    for (const write of [() => insert.run("a\0b"), () => named.run({ s: "a\0b" })]) {
      const code = codeOf(write);
      if (code === undefined) {
        t.equal(db.prepare("SELECT s FROM kept").pluck().get(), "a\0b");
        db.exec("DELETE FROM kept");
      } else {
        t.equal(code, TEXT_NOT_KEPT);
        t.match(writeFailure(sqliteError("why", code)), { status: "INVALID_ARGUMENT", message: "why" });
        t.equal(db.prepare("SELECT count(*) FROM kept").pluck().get(), 0, "and nothing is stored");
      }
    }
    db.close();
    t.end();
  });
}

function checkRows(t: Test, { memory }: Loaded): void {
  t.test("rows", (t) => {
    const db = memory();
    db.exec("CREATE TABLE line (id INTEGER PRIMARY KEY, s TEXT)");
    const insert = db.prepare<[string]>("INSERT INTO line (s) VALUES (?)");
    for (const s of ["a", "b", "c"]) insert.run(s);
    const rows = [1, 2, 3].map((id) => ({ id, s: "abc"[id - 1] }));
    const text = "SELECT id, s FROM line WHERE id >= ? ORDER BY id";
    t.strictSame(db.prepare(text).all(1), rows);
    t.strictSame(db.prepare(text).get(2), rows[1]);
    t.equal(db.prepare(text).get(4), undefined);
    t.strictSame(db.prepare(text).all(4), []);
    t.strictSame([...db.prepare(text).iterate(1)], rows);
    t.strictSame(db.prepare(text).raw().all(1), [[1, "a"], [2, "b"], [3, "c"]]); // biome-ignore format: a table
    t.strictSame([...db.prepare(text).raw().iterate(3)], [[3, "c"]]);
    t.strictSame(db.prepare(text).pluck().all(2), [2, 3]);
    t.strictSame([...db.prepare(text).pluck().iterate(2)], [2, 3]);
    const named = db.prepare<{ s: string; unused?: string }>("SELECT id FROM line WHERE s = $s");
    t.strictSame(named.all({ s: "b", unused: "" }), [{ id: 2 }], "a name that the statement does not have is no error");
    t.strictSame(db.prepare("UPDATE line SET s = 'd' WHERE id > ?").run(1).changes, 2);
    t.equal(db.prepare("DELETE FROM line WHERE id = ?").run(9).changes, 0);
    t.strictSame(db.prepare("SELECT max(id) FROM line WHERE id > 9").pluck().get(), null);

    const some = db.prepare(text);
    const iterator = some.iterate(1);
    t.strictSame(iterator.next(), { value: rows[0], done: false });
    iterator.return?.();
    insert.run("e");
    t.equal(some.all(1).length, 4, "an abandoned iterator holds nothing");
    for (const row of some.iterate(1)) {
      t.match(row, { id: 1 });
      break;
    }
    insert.run("f");
    db.close();
    t.end();
  });
}

function checkTransactions(t: Test, { memory }: Loaded): void {
  t.test("transactions", (t) => {
    const db = memory();
    db.exec("CREATE TABLE line (id INTEGER PRIMARY KEY)");
    const count = db.prepare("SELECT count(*) FROM line").pluck();
    const [begin, commit, rollback] = ["BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"].map((sql) => db.prepare(sql));
    t.notOk(db.inTransaction);
    begin?.run();
    t.ok(db.inTransaction);
    db.exec("INSERT INTO line DEFAULT VALUES");
    rollback?.run();
    t.notOk(db.inTransaction);
    begin?.run();
    db.exec("INSERT INTO line DEFAULT VALUES");
    commit?.run();
    t.equal(count.get(), 1);
    db.transaction(() => db.exec("INSERT INTO line DEFAULT VALUES; PRAGMA user_version = 3"))();
    t.equal(count.get(), 2);
    t.throws(
      db.transaction(() => {
        db.exec("DELETE FROM line; PRAGMA user_version = 4");
        throw new Error("no");
      }),
      { message: "no" },
    );
    t.equal(count.get(), 2);
    t.notOk(db.inTransaction);
    t.equal(db.pragma("user_version", { simple: true }), 3);
    t.strictSame(db.pragma("user_version"), [{ user_version: 3 }]);
    t.equal(db.pragma("foreign_keys", { simple: true }), 1, "foreign keys are on, whatever the library's default");
    t.equal(db.pragma("cache_size", { simple: true }), -16_000);
    db.close();
    t.end();
  });
}

function checkErrors(t: Test, { library, memory }: Loaded): void {
  t.test("errors", (t) => {
    const db = memory();
    db.exec(
      `CREATE TABLE kept (id INTEGER PRIMARY KEY, s TEXT UNIQUE NOT NULL);
       CREATE TABLE child (of INTEGER REFERENCES kept (id));
       INSERT INTO kept VALUES (1, 'a');
       CREATE TRIGGER fixed BEFORE DELETE ON kept BEGIN SELECT RAISE(ABORT, 'fixed'); END`,
    );
    const run = (sql: string) => codeOf(() => db.prepare(sql).run());
    t.equal(run("INSERT INTO kept VALUES (2, 'a')"), "SQLITE_CONSTRAINT_UNIQUE");
    t.equal(run("INSERT INTO kept VALUES (1, 'b')"), "SQLITE_CONSTRAINT_PRIMARYKEY");
    t.equal(run("INSERT INTO kept VALUES (2, NULL)"), "SQLITE_CONSTRAINT_NOTNULL");
    t.equal(run("INSERT INTO child VALUES (7)"), "SQLITE_CONSTRAINT_FOREIGNKEY");
    t.equal(run("DELETE FROM kept"), "SQLITE_CONSTRAINT_TRIGGER");
    t.equal(run("SELECT nothing"), "SQLITE_ERROR");
    t.equal(run('SELECT "a text"'), "SQLITE_ERROR", "double quotes are only for names");
    t.equal(
      codeOf(() => db.exec("BEGIN; BEGIN")),
      "SQLITE_ERROR",
    );
    db.exec("ROLLBACK");
    db.pragma("max_page_count = 10");
    const fill = db.prepare("INSERT INTO kept (s) VALUES (?)");
    t.equal(
      codeOf(() => fill.run("x".repeat(100_000))),
      "SQLITE_FULL",
    );
    t.match(writeFailure(sqliteError("", "SQLITE_FULL")), { status: "DISK_FULL" });
    db.close();

    const folder = t.testdir({ "text.db": "no database at all, ".repeat(100) });
    t.equal(
      codeOf(() => library.open(join(folder, "text.db"), {}).pragma("user_version")),
      "SQLITE_NOTADB",
    );
    t.equal(
      codeOf(() => library.open(join(folder, "none.db"), { readonly: true })),
      "SQLITE_CANTOPEN",
    );
    t.equal(openFailure(sqliteError("", "SQLITE_NOTADB")), "SQLITE_NOTADB");
    t.end();
  });
}

function checkHandles(t: Test, { library }: Loaded): void {
  t.test("handles", (t) => {
    const path = join(t.testdir({}), "data.db");
    const db = library.open(path, { timeoutMs: 0 });
    db.pragma("journal_mode = WAL");
    db.exec("CREATE TABLE line (id INTEGER PRIMARY KEY)");
    t.equal(db.pragma("busy_timeout", { simple: true }), 0);
    const other = library.open(path, { timeoutMs: 0 });
    db.exec("BEGIN IMMEDIATE");
    t.equal(
      codeOf(() => other.exec("BEGIN IMMEDIATE")),
      "SQLITE_BUSY",
    );
    t.match(writeFailure(sqliteError("", "SQLITE_BUSY")), { status: "UNAVAILABLE" });
    db.exec("INSERT INTO line DEFAULT VALUES");
    const reader = library.open(path, { readonly: true });
    t.equal(reader.pragma("busy_timeout", { simple: true }), 5000);
    const count = reader.prepare("SELECT count(*) FROM line").pluck();
    reader.exec("BEGIN");
    t.equal(count.get(), 0, "uncommitted rows are invisible");
    db.exec("COMMIT");
    t.equal(count.get(), 0, "and so are rows that were committed after the snapshot");
    reader.exec("COMMIT");
    t.equal(count.get(), 1);
    t.equal(
      codeOf(() => reader.exec("DELETE FROM line")),
      "SQLITE_READONLY",
    );

    // If a reader leaves a stream early, the stream must release its snapshot. Otherwise a checkpoint could never empty
    // the WAL.
    db.exec("INSERT INTO line DEFAULT VALUES; INSERT INTO line DEFAULT VALUES");
    const rows = reader.prepare("SELECT id FROM line").iterate();
    rows.next();
    rows.return?.();
    other.close();
    t.strictSame(db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").raw().get(), [0, 0, 0]);

    const left = library.open(path, {});
    left.exec("BEGIN IMMEDIATE");
    left.prepare("INSERT INTO line DEFAULT VALUES").run();
    left.close();
    t.equal(
      codeOf(() => db.exec("BEGIN IMMEDIATE; ROLLBACK")),
      undefined,
      "a closed handle holds no lock",
    );

    const thrown = library.open(join(path, "..", "thrown.db"), {});
    t.equal(
      thrown.pragma("journal_mode = MEMORY", { simple: true }),
      "memory",
      "for a database that is worthless until it is complete",
    );
    thrown.close();
    reader.close();
    db.close();
    db.close();
    t.throws(() => db.exec("SELECT 1"), "a closed handle cannot be used");
    t.end();
  });
}
