/**
 * Tests how entries of the log are applied to a real database. Checks which entries share a transaction, what happens
 * if a method throws or the disk is full, and which messages about remote calls the front gets.
 */
import t from "tap";
import * as Type from "typebox";
import { makeDirectory } from "../../../test/support/server-process.js";
import { must } from "../../base/assert.js";
import { Failure } from "../../base/result.js";
import { SharedCounter } from "../../base/shared-counter.js";
import type { PushMessage } from "../rpc/method.js";
import { packingOf } from "../rpc/packing.js";
import type { RpcServer, ServerCall } from "../rpc/server.js";
import { openWriter, type Db } from "../store/open.js";
import { sqliteError } from "../store/sqlite/codes.js";
import { changes, inRequest, reportByName } from "./changes.js";
import { Entries, NotStored, type BatchEntry } from "./entries.js";
import { DATABASE, Models } from "./model.js";
import { BUG, REMOTE_CHANGES } from "./push-messages.js";
import { Transaction } from "./transaction.js";
import { WatchedKinds } from "./watched-kinds.js";
import { type Served, writerMethod, type WriterMethod } from "./writer-method.js";

const LINE = Type.Object({ name: Type.String() });

/** Adds a line. Its name decides which fault the call then causes. */
const addLine = writerMethod({
  name: "line.add",
  request: LINE,
  reply: Type.String(),
  weight: () => 1,
  audit: null,
  changes: [
    changes(
      "state",
      reportByName(({ name }: { readonly name: string }) => name),
      inRequest(({ name }: { readonly name: string }) => [name]),
    ),
  ],
  models: { db: DATABASE },
  run: ({ db }, { name }, { nowMs }) => {
    db.prepare("INSERT INTO line VALUES (?, ?)").run(name, nowMs);
    if (name.startsWith("throws")) throw new Error(`${name} on purpose`);
    if (name.startsWith("nul")) throw sqliteError("a text holds a NUL", "SQLITE_MISMATCH_TEXT");
    return name.startsWith("refused") ? new Failure("NOT_FOUND", "refused") : `did ${name}`;
  },
});

interface World {
  readonly entries: Entries<BatchEntry>;
  readonly remoteWrites: SharedCounter;
  /** The push messages and replies, in order. */
  readonly published: string[];
  /** The number of entries in each transaction that was sealed and committed. */
  readonly sealed: number[];
  /** The error code with which `seal` fails; "" if it does not fail. */
  broken: string;
  readonly lines: () => string[];
  /** Whether SQLite currently syncs each commit to the disk. */
  readonly synced: () => boolean;
}

/** SQLite's number for synchronous=FULL. */
const FULL = 2;

function open(t: Parameters<typeof makeDirectory>[0]): World {
  const db: Db = openWriter(makeDirectory(t));
  t.teardown(() => void db.close());
  db.exec("CREATE TABLE line (name TEXT NOT NULL, at INTEGER NOT NULL)");
  const remoteWrites = new SharedCounter();
  const published: string[] = [];
  const sealed: number[] = [];
  const server = {
    depth: 0,
    push: (message: PushMessage, payload: unknown) => {
      if (message === REMOTE_CHANGES)
        published.push(`remote_changes ${JSON.stringify((payload as { changes: unknown }).changes)}`);
      if (message === BUG) published.push(`bug ${(payload as { error: string }).error.split("\n")[0]}`);
    },
    reply: (call: ServerCall, reply: unknown) => published.push(`${call.id}: ${String(reply)}`),
    fail: (call: ServerCall, failure: Failure) => published.push(`${call.id}: ${failure.status}`),
    flush: () => undefined,
  } as unknown as RpcServer<WriterMethod>;
  const audit = { open: () => ({ append: () => undefined }) };
  const models = new Models(db, { state_history: 0, state_events: false, event_history: 0 });
  const transaction = new Transaction({
    db,
    models,
    methods: [addLine],
    audit,
    watched: new WatchedKinds(),
    remoteWrites,
  });
  let sealing = 0;
  const world: World = {
    remoteWrites,
    published,
    sealed,
    broken: "",
    lines: () => db.prepare<[], string>("SELECT name || ' ' || at FROM line ORDER BY rowid").pluck().all(),
    synced: () => db.pragma("synchronous", { simple: true }) === FULL,
    entries: new Entries<BatchEntry>(transaction, server, {
      seal: (entries) => {
        sealing = entries.length;
        if (world.broken !== "") throw sqliteError("as the test wants it", world.broken);
      },
      committed: () => void sealed.push(sealing),
    }),
  };
  return world;
}

/** Creates an entry. The calls of a local entry get the ids 1, 2, 3 and so on. */
function entryOf(nowMs: number, names: readonly string[], own = false, refused: readonly number[] = []): BatchEntry {
  const calls = names.map((name): Served => ({ method: addLine, actor: "", request: { name } }));
  const refusals = new Map(refused.map((at) => [at, new Failure("UNAVAILABLE", "not here")]));
  const packing = packingOf(addLine.reply);
  const callers = calls.map((call, at) => ({ ...call, id: at + 1, packing, weight: 1, trace: "" }));
  return { nowMs, calls, refusals, callers: own ? callers : null };
}

t.test("entries that arrive together share a transaction, each with its own time", (t) => {
  const { entries, published, sealed, lines } = open(t);
  entries.apply([entryOf(5, ["a", "b"]), entryOf(7, ["refused c", "d"], true), entryOf(9, [])]);
  t.same(lines(), ["a 5", "b 5", "refused c 7", "d 7"]);
  t.same(sealed, [3]);
  t.same(published, ['remote_changes [{"kind":"state","keys":["a","b"]}]', "1: NOT_FOUND", "2: did d"]);
  t.end();
});

t.test(
  "in an entry with calls of several nodes, the local callers are answered and the remote changes are pushed",
  (t) => {
    const { entries, published, lines } = open(t);
    const own = entryOf(5, ["own 1", "refused own 2"], true);
    const calls = [...entryOf(5, ["a"]).calls, ...own.calls, ...entryOf(5, ["b"]).calls];
    entries.apply([{ ...own, calls, callersFrom: 1 }]);
    t.same(lines(), ["a 5", "own 1 5", "refused own 2 5", "b 5"]);
    t.same(published, ['remote_changes [{"kind":"state","keys":["a","b"]}]', "1: did own 1", "2: NOT_FOUND"]);
    t.end();
  },
);

t.test("only a transaction with a local entry waits for the disk", (t) => {
  const { entries, synced, lines } = open(t);
  t.ok(synced());
  entries.apply([entryOf(1, ["a"])]);
  t.notOk(synced(), "the log keeps the remote entry");
  entries.apply([entryOf(2, ["b"]), entryOf(3, ["c"], true)]);
  t.ok(synced(), "one of them is local");
  entries.apply([entryOf(4, ["d"])]);
  entries.apply([entryOf(5, [], true)]);
  t.ok(synced(), "a local one without calls: a heartbeat");
  t.same(lines(), ["a 1", "b 2", "c 3", "d 4"]);
  t.end();
});

t.test("a method that throws fails its own call on every node, and its entry is applied by itself", (t) => {
  const { entries, published, sealed, lines } = open(t);
  entries.apply([entryOf(1, ["a"]), entryOf(2, ["b", "throws 1", "c", "throws 2", "nul"], true), entryOf(3, ["d"])]);
  t.same(lines(), ["a 1", "b 2", "c 2", "d 3"]);
  t.same(sealed, [1, 1, 1]);
  t.same(published, [
    'remote_changes [{"kind":"state","keys":["a"]}]',
    "bug Error: throws 1 on purpose",
    "bug Error: throws 2 on purpose",
    "1: did b",
    "2: INTERNAL",
    "3: did c",
    "4: INTERNAL",
    "5: INVALID_ARGUMENT",
    'remote_changes [{"kind":"state","keys":["d"]}]',
  ]);
  t.end();
});

t.test("a refused call is not executed, whatever it asks", (t) => {
  const { entries, published, lines } = open(t);
  entries.apply([entryOf(1, ["a", "throws", "b"], true, [1, 2])]);
  t.same(lines(), ["a 1"]);
  t.same(published, ["1: did a", "2: UNAVAILABLE", "3: UNAVAILABLE"]);
  t.end();
});

t.test("a full disk refuses no call: the entries wait", (t) => {
  const world = open(t);
  const { entries, published, sealed, lines } = world;
  for (const code of ["SQLITE_FULL", "SQLITE_BUSY"]) {
    world.broken = code;
    t.throws(() => entries.apply([entryOf(1, ["a"], true), entryOf(2, ["b"])]), NotStored, code);
  }
  t.same([lines(), published, sealed], [[], [], []]);
  world.broken = "";
  entries.apply([entryOf(1, ["a"], true), entryOf(2, ["b"])]);
  t.same(lines(), ["a 1", "b 2"]);
  t.same(published, ['remote_changes [{"kind":"state","keys":["b"]}]', "1: did a"]);
  t.end();
});

t.test("a damaged database ends the thread", (t) => {
  const world = open(t);
  world.broken = "SQLITE_CORRUPT";
  t.throws(() => world.entries.apply([entryOf(1, ["a"])]), { code: "SQLITE_CORRUPT" });
  t.end();
});

t.test("remote changes are counted before the commit, and pushed after it", (t) => {
  const { entries, remoteWrites } = open(t);
  entries.apply([entryOf(1, ["a"], true)]);
  t.equal(remoteWrites.value, 0, "the replies report the changes of local calls");
  entries.apply([entryOf(2, ["refused"])]);
  t.equal(remoteWrites.value, 0, "nothing has changed");
  entries.apply([entryOf(3, ["b"]), entryOf(3, ["c"])]);
  t.equal(remoteWrites.value, 1);
  t.end();
});

t.test("a count without a commit is followed by a push message without changes", (t) => {
  const db = openWriter(makeDirectory(t));
  t.teardown(() => void db.close());
  db.exec("CREATE TABLE line (name TEXT NOT NULL, at INTEGER NOT NULL)");
  db.exec("CREATE TABLE child (line TEXT REFERENCES parent(name) DEFERRABLE INITIALLY DEFERRED)");
  db.exec("CREATE TABLE parent (name TEXT PRIMARY KEY)");
  const remoteWrites = new SharedCounter();
  const published: unknown[] = [];
  const server = {
    depth: 0,
    push: (message: PushMessage, payload: unknown) => message === REMOTE_CHANGES && published.push(payload),
    flush: () => undefined,
  } as unknown as RpcServer<WriterMethod>;
  const models = new Models(db, { state_history: 0, state_events: false, event_history: 0 });
  const audit = { open: () => ({ append: () => undefined }) };
  const transaction = new Transaction({
    db,
    models,
    methods: [addLine],
    audit,
    watched: new WatchedKinds(),
    remoteWrites,
  });
  let attempts = 0;
  const entries = new Entries<BatchEntry>(transaction, server, {
    // The commit itself fails the first time, because SQLite checks the foreign key of this row only in the commit.
    seal: () => void (attempts++ === 0 && db.exec("INSERT INTO child VALUES ('missing')")),
    committed: () => undefined,
  });
  entries.apply([entryOf(1, ["a"])]);
  const counts = published.map((payload) => must(payload as { count: number; changes: unknown[] }, "a push message"));
  t.same(counts[0], { count: 1, changes: [] });
  t.equal(counts[counts.length - 1]?.count, remoteWrites.value);
  t.same(counts[counts.length - 1]?.changes, [{ kind: "state", keys: ["a"] }]);
  t.end();
});
