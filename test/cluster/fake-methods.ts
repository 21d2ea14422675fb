/**
 * A small program for replicas: lines under numbers that a model knows by heart, a register that is compared and set, a
 * method that throws on demand, one that only the leader may call, one that ends the program. Enough to see whether
 * calls were carried out twice, in another order, or by halves.
 */
import * as Type from "typebox";
import { Failure } from "../../src/base/result.js";
import { MethodTable } from "../../src/rpc/method.js";
import type { Db } from "../../src/store/open.js";
import { openDatabase } from "../../src/store/sqlite/choice.js";
import type { Model, CachingModel } from "../../src/threads/model.js";
import type { AuditTrail } from "../../src/threads/transaction.js";
import { writerMethod, type WriterMethod } from "../../src/threads/writer-method.js";

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

/** Tables whose rows have to be the same everywhere. */
export const SHARED_TABLES = ["line", "register", "trail", "log_position", "cluster_node"] as const;

export function openFakeDb(): Db {
  const db = openDatabase(":memory:");
  db.exec(TABLES);
  return db;
}

/** Every row of the shared tables. */
export function contentOf(db: Db, tables: readonly string[] = SHARED_TABLES): string {
  return JSON.stringify(tables.map((table) => db.prepare(`SELECT * FROM ${table}`).raw().all()));
}

/** Makes the shared tables what they were. */
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

/** Adds a line; its number. */
export const addLine = writerMethod({
  name: "line.add",
  request: NAMED,
  reply: Type.Integer(),
  weight: () => 100,
  audit: { action: "line.add", resource: ({ name = "" }) => name, detail: () => "{}" },
  changes: [],
  models: { lines },
  run: ({ lines: all }, { name }, { now_ms, actor }) => all.add(name, now_ms, actor),
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
  run: ({ lines: all }, { name }, { now_ms, actor }) => {
    all.add(name, now_ms, actor);
    throw new Error("broken on purpose");
  },
});

/** Sets the register where it is what the call expects. */
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

/** Adds a line, where who calls leads. */
export const leadLine = writerMethod({
  name: "line.lead",
  request: NAMED,
  reply: Type.Integer(),
  weight: () => 100,
  audit: null,
  changes: [],
  in_cluster: "leader",
  models: { lines },
  run: ({ lines: all }, { name }, { now_ms, actor }) => all.add(name, now_ms, actor),
});

/** Ends the program of whoever carries it out: not a failure of the call, but what nothing in it outlives. */
export const endProgram = writerMethod({
  name: "program.end",
  request: NAMED,
  reply: Type.Null(),
  weight: () => 100,
  audit: null,
  changes: [],
  models: {},
  // Here whoever carries it out is to look for it before: what is thrown would be caught.
  run: () => {
    throw new Error("the program has ended");
  },
});

export const FAKE_METHODS = new MethodTable<WriterMethod>([addLine, breakLine, swapRegister, leadLine, endProgram]);
