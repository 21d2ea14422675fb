/**
 * A small set of methods for tests of replicas: lines under numbers that a model caches, a register with
 * compare-and-set, a method that throws, one that only the leader may call, and one that crashes the process. They show
 * whether calls were applied twice, in another order, or partly.
 */
import * as Type from "typebox";
import { Failure } from "../../src/base/result.js";
import { MethodTable } from "../../src/platform/rpc/method.js";
import type { Db } from "../../src/platform/store/open.js";
import { openDatabase } from "../../src/platform/store/sqlite/choice.js";
import type { Model, CachingModel } from "../../src/platform/threads/model.js";
import type { AuditTrail } from "../../src/platform/threads/transaction.js";
import { writerMethod, type WriterMethod } from "../../src/platform/threads/writer-method.js";

const TABLES = `
  CREATE TABLE line (id INTEGER PRIMARY KEY, name TEXT NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL);
  CREATE TABLE register (only INTEGER PRIMARY KEY CHECK (only = 1), value INTEGER NOT NULL);
  INSERT INTO register VALUES (1, 0);
  CREATE TABLE trail (id INTEGER PRIMARY KEY, at, actor, action, resource, detail, outcome);
  CREATE TABLE log_position (
    only INTEGER PRIMARY KEY CHECK (only = 1), generation TEXT NOT NULL, position INTEGER NOT NULL,
    now_ms INTEGER NOT NULL, entry BLOB NOT NULL, outcome BLOB NOT NULL, commands INTEGER NOT NULL,
    settings TEXT NOT NULL, term INTEGER NOT NULL, leader TEXT NOT NULL
  );
  CREATE TABLE cluster_node (
    node TEXT PRIMARY KEY, store TEXT NOT NULL, run TEXT NOT NULL, version TEXT NOT NULL, incarnation INTEGER NOT NULL,
    number INTEGER NOT NULL, heard_at INTEGER NOT NULL, position INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE data_directory (only INTEGER PRIMARY KEY CHECK (only = 1), store TEXT NOT NULL);
`;

/** The tables whose rows must be equal on all nodes. */
export const SHARED_TABLES = ["line", "register", "trail", "log_position", "cluster_node"] as const;

export function openFakeDb(): Db {
  const db = openDatabase(":memory:");
  db.exec(TABLES);
  return db;
}

/** All rows of the shared tables, as JSON. */
export function contentOf(db: Db, tables: readonly string[] = SHARED_TABLES): string {
  return JSON.stringify(tables.map((table) => db.prepare(`SELECT * FROM ${table}`).raw().all()));
}

/** Replaces the rows of the shared tables. */
export function fillWith(db: Db, content: string): void {
  const tables = JSON.parse(content, (_key, value: unknown) => {
    const { type, data } = (value ?? {}) as { type?: string; data?: number[] };
    return type === "Buffer" && data !== undefined ? Buffer.from(data) : value;
  }) as unknown[][][];
  db.transaction(() => {
    for (const [at, table] of SHARED_TABLES.entries()) {
      db.exec(`DELETE FROM ${table}`);
      for (const row of tables[at] ?? [])
        db.prepare(`INSERT INTO ${table} VALUES (${row.map(() => "?").join()})`).run(...row);
    }
  })();
}

class Lines implements CachingModel {
  readonly #insert;
  readonly #count;
  #next = 1;

  constructor(db: Db) {
    this.#insert = db.prepare("INSERT INTO line VALUES (?, ?, ?, ?)");
    this.#count = db.prepare<[], number>("SELECT count(*) FROM line").pluck();
    this.reload();
  }

  add(name: string, at: number, actor: string): number {
    const id = this.#next++;
    this.#insert.run(id, name, at, actor);
    return id;
  }

  reload(): void {
    this.#next = (this.#count.get() ?? 0) + 1;
  }
}

const lines: Model<Lines> = { open: ({ db }) => new Lines(db) };
const register: Model<{ swap(from: number, to: number): boolean }> = {
  open: ({ db }) => {
    const swap = db.prepare("UPDATE register SET value = ? WHERE value = ?");
    return { swap: (from, to) => swap.run(to, from).changes > 0 };
  },
};
export const trail: Model<AuditTrail> = {
  open: ({ rows }) => {
    const table = rows.into<[number, string, string, string, string, string]>(
      "INSERT INTO trail (at, actor, action, resource, detail, outcome)",
      6,
    );
    return { append: (...row) => table.add(...row) };
  },
};

const NAMED = Type.Object({ name: Type.String() });

/** Adds a line and returns its number. */
export const addLine = writerMethod({
  name: "line.add",
  request: NAMED,
  reply: Type.Integer(),
  weight: () => 100,
  audit: { action: "line.add", resource: ({ name = "" }) => name, detail: () => "{}" },
  changes: [],
  models: { lines },
  run: ({ lines: all }, { name }, { nowMs, actor }) => all.add(name, nowMs, actor),
});

/** Adds a line, and then throws. */
export const breakLine = writerMethod({
  name: "line.break",
  request: NAMED,
  reply: Type.Null(),
  weight: () => 100,
  audit: null,
  changes: [],
  models: { lines },
  run: ({ lines: all }, { name }, { nowMs, actor }) => {
    all.add(name, nowMs, actor);
    throw new Error("broken on purpose");
  },
});

/** Sets the register if it has the value that the call expects. */
export const swapRegister = writerMethod({
  name: "register.swap",
  request: Type.Object({ name: Type.String(), from: Type.Integer(), to: Type.Integer() }),
  reply: Type.Boolean(),
  weight: () => 100,
  audit: { action: "register.swap", resource: ({ name = "" }) => name, detail: () => "{}" },
  changes: [],
  models: { register },
  run: ({ register: one }, { from, to }) =>
    one.swap(from, to) ? true : new Failure("FAILED_PRECONDITION", "it is another"),
});

/** Adds a line. Only the leader may call it. */
export const leadLine = writerMethod({
  name: "line.lead",
  request: NAMED,
  reply: Type.Integer(),
  weight: () => 100,
  audit: null,
  changes: [],
  inCluster: "leader",
  models: { lines },
  run: ({ lines: all }, { name }, { nowMs, actor }) => all.add(name, nowMs, actor),
});

/** Crashes the process that applies it. That is not a failure of the call: nothing in the process survives it. */
export const endProgram = writerMethod({
  name: "program.end",
  request: NAMED,
  reply: Type.Null(),
  weight: () => 100,
  audit: null,
  changes: [],
  models: {},
  // The caller must look for this method before it applies an entry, because an exception in it would be caught.
  run: () => {
    throw new Error("the program has ended");
  },
});

export const FAKE_METHODS = new MethodTable<WriterMethod>([addLine, breakLine, swapRegister, leadLine, endProgram]);
