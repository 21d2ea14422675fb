/**
 * Tests group commit on a real database, with methods that fail on request. Checks which calls share a transaction,
 * what happens to a call that fails, which rows the audit log gets, and in which order the front gets its messages.
 */
import * as fc from "fast-check";
import t from "tap";
import * as Type from "typebox";
import type { TSchema } from "typebox";
import type { ChangesPush } from "../../../schemas/changes.js";
import { CHANGE_NAMES_MAX } from "../../../schemas/limits/changes.js";
import { BATCH_BYTES_MAX } from "../../../schemas/limits/writer.js";
import { framesOf, messageOf } from "../../../test/support/frames.js";
import { makeDirectory } from "../../../test/support/server-process.js";
import { must } from "../../base/assert.js";
import { Failure } from "../../base/result.js";
import { SharedCounter } from "../../base/shared-counter.js";
import { FRAME, type Frame, payloadOf } from "../rpc/frames.js";
import { MethodTable, type PushMessage } from "../rpc/method.js";
import { packingOf } from "../rpc/packing.js";
import { RpcServer, type ServerCall } from "../rpc/server.js";
import { databasePath, openReader, openWriter, type Db } from "../store/open.js";
import { Batch } from "./batch.js";
import type { AuditTrail } from "./transaction.js";
import { changes, inRequest, reportByName } from "./changes.js";
import { type Model, Models, type Publication, PublishingModel } from "./model.js";
import { BUG, CHANGES, COMMIT } from "./push-messages.js";
import { WatchedKinds } from "./watched-kinds.js";
import { writerMethod, type WriterMethod } from "./writer-method.js";
import { openDatabase } from "../store/sqlite/choice.js";
import { sqliteError } from "../store/sqlite/codes.js";

const TABLES = `
  CREATE TABLE line (id INTEGER PRIMARY KEY, name TEXT NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL);
  CREATE TABLE trail (at, actor, action, resource, detail, outcome);
  CREATE TABLE child (line INTEGER REFERENCES line DEFERRABLE INITIALLY DEFERRED);
`;
const LINES = { name: "lines", payload: Type.Array(Type.String()) } as const satisfies PushMessage;

/**
 * Stores lines. The model numbers them with a counter in memory. After a rollback it must forget the lines of the
 * transaction.
 */
class LineTable extends PublishingModel {
  readonly #insert;
  readonly #count;
  #next = 1;
  #added: string[] = [];

  constructor(db: Db) {
    super();
    this.#insert = db.prepare("INSERT INTO line VALUES (?, ?, ?, ?)");
    this.#count = db.prepare<[], number>("SELECT count(*) FROM line").pluck();
    this.reload();
  }

  /** The number of lines that were added since the last commit. */
  get added(): number {
    return this.#added.length;
  }

  add(name: string, at: number, actor: string): number {
    const id = this.#next++;
    this.#insert.run(id, name, at, actor);
    this.#added.push(name);
    this.markDirty();
    return id;
  }

  reload(): void {
    this.#next = (this.#count.get() ?? 0) + 1;
    this.#added = [];
  }

  afterCommit(publication: Publication): void {
    for (const name of this.#added) if (name.startsWith("loud")) publication.changes?.add("event", name, null);
    if (this.#added.length > 0) publication.push(LINES, this.#added);
    this.#added = [];
  }
}

const lineTable: Model<LineTable> = { open: ({ db }) => new LineTable(db) };
const handle: Model<Db> = { open: ({ db }) => db };
const trail: Model<AuditTrail> = {
  open: ({ rows }) => {
    const table = rows.into<[number, string, string, string, string, string]>("INSERT INTO trail", 6);
    return { append: (...row) => table.add(...row) };
  },
};

/**
 * A model that delays writing new lines until the commit. Its reads see only the lines that the database already has.
 */
interface LaterLines {
  add(name: string): void;
  readonly written: readonly string[];
}
const laterLines: Model<LaterLines> = {
  open: ({ db, rows }) => {
    const table = rows.into<[string, number, string]>("INSERT INTO line (name, at, actor)", 3);
    const names = db.prepare<[], string>("SELECT name FROM line ORDER BY id").pluck();
    return {
      add: (name) => table.add(name, 0, ""),
      get written() {
        return names.all();
      },
    };
  },
};

/** The faults that the test method can cause after it has added a line. The name of the line selects the fault. */
const FAULTS = {
  throw: () => {
    throw new Error("thrown on purpose");
  },
  full: () => {
    throw sqliteError("no room", "SQLITE_FULL");
  },
  held: () => {
    throw sqliteError("held", "SQLITE_BUSY");
  },
  twice: ({ db }) => void db.exec("INSERT INTO line VALUES (1, 'twice', 0, '')"),
  orphan: ({ db }) => void db.exec("INSERT INTO child VALUES (-1)"),
  // When the disk is full, SQLite rolls back the transaction by itself.
  undone: ({ db }) => {
    db.exec("ROLLBACK");
    throw sqliteError("no room", "SQLITE_FULL");
  },
  // A large call fits on the disk only if no other call shares its transaction.
  large: ({ lines }) => {
    if (lines.added > 1) throw sqliteError("no room", "SQLITE_FULL");
  },
  damage: () => {
    throw sqliteError("malformed", "SQLITE_CORRUPT");
  },
} as const satisfies Readonly<Record<string, (models: { readonly db: Db; readonly lines: LineTable }) => void>>;
type Fault = keyof typeof FAULTS;

const AddRequest = Type.Object({ name: Type.String(), waitMs: Type.Optional(Type.Integer()) });
const row = {
  request: AddRequest,
  reply: Type.Object({ id: Type.Integer() }),
  weight: () => 0,
  changes: [],
  models: { lines: lineTable, db: handle },
};

const add = writerMethod({
  ...row,
  name: "lines.add",
  audit: {
    action: "lines.add",
    resource: ({ name = "?" }, reply) => `${name}:${reply?.id ?? "none"}`,
    detail: ({ name }, { id }) => JSON.stringify({ name, id }),
    writesRow: ({ id }) => id > 0,
  },
  run: (models, { name, waitMs = 0 }, call) => {
    if (name === "nothing") return { id: 0 };
    if (name.startsWith("refuse")) return new Failure("NOT_FOUND", name);
    if (name === "busy") return new Failure("UNAVAILABLE", "not now");
    // A restore moves the time forward in the same way, to the newest time in its snapshot.
    call.nowMs += waitMs;
    const id = models.lines.add(name, call.nowMs, call.actor);
    if (name in FAULTS) FAULTS[name as Fault](models);
    return { id };
  },
});
const nameOf = ({ name }: { readonly name: string }): string => name;
const addQuietly = writerMethod({
  ...row,
  name: "lines.add_quietly",
  audit: null,
  changes: [
    changes(
      "state",
      reportByName(nameOf, ({ id }: { readonly id: number }) => id),
      inRequest(({ name }: { readonly name: string }) => [name]),
    ),
  ],
  run: ({ lines }, { name }, { nowMs, actor }) => ({ id: lines.add(name, nowMs, actor) }),
});
const later = {
  ...row,
  audit: null,
  reply: Type.Object({ written: Type.Array(Type.String()) }),
  models: { lines: laterLines },
};
const addLater = writerMethod({
  ...later,
  name: "lines.add_later",
  run: ({ lines }, { name }, call) => {
    if (name === "throw") throw new Error("thrown on purpose");
    lines.add(name);
    if (name === "reload") call.reload();
    return { written: [...lines.written] };
  },
});
const look = writerMethod({
  ...later,
  name: "lines.look",
  run: ({ lines }) => ({ written: [...lines.written] }),
});
const METHODS = new MethodTable<WriterMethod>([add, addQuietly, addLater, look]);

/** A message to the front, and the rows that were on disk when it was sent. */
interface Message {
  readonly frames: readonly Frame[];
  readonly committed: number;
  readonly stored: number;
}

/** Returns the payload schema of a push message in this test. */
function schemaOf(name: string): TSchema {
  return must(
    [LINES, BUG, CHANGES, COMMIT].find((message) => message.name === name),
    `a push message ${name}`,
  ).payload;
}

class World {
  readonly messages: Message[] = [];
  readonly clock = { nowMs: 1000, now: (): number => this.clock.nowMs };
  readonly db: Db;
  readonly #outside: Db;
  readonly watched = new WatchedKinds();
  readonly #batch: Batch;
  readonly #server: RpcServer<WriterMethod>;
  #receive: (message: unknown) => void = () => undefined;
  #nextId = 1;

  constructor(directory: string) {
    this.db = openWriter(directory);
    this.db.exec(TABLES);
    this.#outside = openReader(directory);
    const stored = this.#outside.prepare<[], number>("SELECT count(*) FROM line").pluck();
    const committed = new SharedCounter();
    this.#server = new RpcServer<WriterMethod>(
      {
        postMessage: (message) =>
          void this.messages.push({
            frames: framesOf(message),
            committed: committed.value,
            stored: stored.get() ?? 0,
          }),
        on: (_event, listener) => {
          this.#receive = listener;
        },
        off: () => undefined,
      },
      { methods: METHODS, clock: this.clock, execute: () => undefined },
    );
    this.#batch = new Batch({
      db: this.db,
      models: new Models(this.db, { state_history: 0, state_events: false, event_history: 0 }),
      methods: METHODS.rows,
      audit: trail,
      clock: this.clock,
      committed,
      watched: this.watched,
    });
  }

  call(
    name: string,
    more: Partial<ServerCall<WriterMethod>> & { readonly waitMs?: number } = {},
  ): ServerCall<WriterMethod> {
    const { waitMs, ...rest } = more;
    const request = { name, ...(waitMs === undefined ? {} : { waitMs }) };
    return {
      id: this.#nextId++,
      method: add,
      packing: packingOf((more.method ?? add).reply),
      weight: 10,
      actor: "me",
      trace: "",
      request,
      ...rest,
    };
  }

  /**
   * Executes calls together. Returns the messages to the front, each as a list: its replies, and the names of its push
   * messages.
   */
  execute(...calls: readonly ServerCall<WriterMethod>[]): readonly (readonly string[])[] {
    const from = this.messages.length;
    this.#batch.execute(calls, this.#server);
    this.#server.flush();
    return this.messages.slice(from).map(({ frames }) => frames.map(summary));
  }

  /** Adds calls to the mailbox while the batch runs. */
  arrive(count: number): void {
    for (let at = 0; at < count; at++)
      this.#receive(messageOf([FRAME.CALL, 1_000_000 + at, 0, Number.POSITIVE_INFINITY, 0, "", "", { name: "late" }]));
  }

  pushes(name: string): unknown[] {
    return this.messages.flatMap(({ frames }) =>
      frames.flatMap((frame) =>
        frame[0] === FRAME.PUSH && frame[1] === name ? [payloadOf(frame, packingOf(schemaOf(name)))] : [],
      ),
    );
  }

  rows(table: "line" | "trail"): unknown[] {
    return this.#outside.prepare(`SELECT * FROM ${table}`).all();
  }

  close(): void {
    this.#server.close();
    this.#outside.close();
    this.db.close();
  }
}

/** Describes a frame: `reply 3`, `NOT_FOUND 4`, or the name of a push message. */
function summary(frame: Frame): string {
  if (frame[0] === FRAME.PUSH) return frame[1];
  if (frame[0] === FRAME.FAILURE) return `${frame[2]} ${frame[1]}`;
  return frame[0] === FRAME.REPLY ? `reply ${frame[1]}` : `frame ${frame[0]}`;
}

function openWorld(t: Parameters<typeof makeDirectory>[0] & { teardown(done: () => void): void }): World {
  const world = new World(makeDirectory(t));
  t.teardown(() => world.close());
  return world;
}

t.test("the calls of a batch are one transaction, answered once it is on disk and after its push messages", (t) => {
  const world = openWorld(t);
  t.same(world.execute(world.call("a"), world.call("refuse"), world.call("b", { method: addQuietly, actor: "" })), [
    ["lines", "commit", "reply 1", "NOT_FOUND 2", "reply 3"],
  ]);
  t.match(world.messages, [{ committed: 3, stored: 2 }], "when the replies are sent, the commit is on disk and known");
  t.same(world.pushes("lines"), [["a", "b"]]);
  t.match(world.pushes("commit"), [{ calls: 3, waiting: 0 }]);
  const [{ duration_us }] = world.pushes("commit") as [{ readonly duration_us: number }];
  t.ok(Number.isInteger(duration_us) && duration_us > 0);
  t.same(world.rows("line"), [
    { id: 1, name: "a", at: 1000, actor: "me" },
    { id: 2, name: "b", at: 1000, actor: "" },
  ]);
  t.same(world.execute(world.call("refuse")), [["commit", "NOT_FOUND 4"]], "a refused call publishes no change");
  world.arrive(2);
  world.execute(world.call("c"));
  t.match(world.pushes("commit").at(-1), { calls: 1, waiting: 2 });
  t.end();
});

t.test("a call that changes nothing or is refused writes no audit row", (t) => {
  const world = openWorld(t);
  world.watched.set(new Set(["audit"]));
  world.execute(world.call("nothing"));
  t.same(world.rows("trail"), []);
  t.same(world.pushes("changes"), [], "and publishes no change of the audit log");
  world.execute(world.call("refuse"), world.call("some"));
  t.match(world.rows("trail"), [{ resource: "some:1", outcome: "success" }]);
  t.match(world.pushes("changes"), [{ changes: [{ key: "some:1" }] }]);
  t.end();
});

t.test("a transaction takes as many calls as fit into its bytes", (t) => {
  const world = openWorld(t);
  const weights = [BATCH_BYTES_MAX - 1, 1, 1, BATCH_BYTES_MAX, BATCH_BYTES_MAX + 5, 0, 7];
  const published = world.execute(...weights.map((weight, at) => world.call(`line ${at}`, { weight })));
  t.same(published, [
    ["lines", "commit", "reply 1", "reply 2"],
    ["lines", "commit", "reply 3"],
    ["lines", "commit", "reply 4"],
    ["lines", "commit", "reply 5"],
    ["lines", "commit", "reply 6", "reply 7"],
  ]);
  t.same(
    world.messages.map(({ committed, stored }) => [committed, stored]),
    [2, 3, 4, 5, 7].map((id) => [id, id]),
  );
  t.end();
});

t.test("buffered rows are written before another method's call, a model's reload and the commit", (t) => {
  const world = openWorld(t);
  const calls = (...names: readonly string[]): ServerCall<WriterMethod>[] =>
    names.map((name) => world.call(name, { method: name === "look" ? look : addLater }));
  const written = (): unknown[] =>
    world.messages.flatMap(({ frames }) => frames).flatMap((frame) => (frame[0] === FRAME.REPLY ? [frame[2]] : []));
  world.execute(...calls("a", "b", "look", "c", "reload", "d"));
  t.same(written(), [[], [], ["a", "b"], ["a", "b"], ["a", "b", "c", "reload"], ["a", "b", "c", "reload"]]);
  t.equal(world.messages.at(-1)?.stored, 5, "all of them are on disk when the replies are sent");
  world.execute(...calls("e", "throw", "look", "f"));
  t.same(
    world
      .rows("line")
      .map((line) => (line as { readonly name: string }).name)
      .slice(5),
    ["e", "f"],
    "each once",
  );
  t.end();
});

t.test("a method that throws fails its own call and changes nothing", (t) => {
  const world = openWorld(t);
  const names = ["a", "throw", "b"];
  t.same(world.execute(...names.map((name) => world.call(name))), [
    ["lines", "commit", "reply 1"],
    ["bug", "INTERNAL 2", "lines", "commit", "reply 3"],
  ]);
  t.same(
    world.messages.map(({ committed, stored }) => [committed, stored]),
    [
      [1, 1],
      [3, 2],
    ],
  );
  t.same(
    world.rows("line"),
    ["a", "b"].map((name, at) => ({ id: at + 1, name, at: 1000, actor: "me" })),
    "the models have forgotten the rolled-back lines: the numbers are consecutive",
  );
  t.same(world.pushes("lines"), [["a"], ["b"]]);
  t.match(world.rows("trail"), [{ resource: "a:1" }, { resource: "b:2" }], "the audit log has no row for it either");
  const [bug] = world.pushes("bug") as [{ readonly method: string; readonly error: string }];
  t.equal(bug.method, "lines.add");
  t.match(bug.error, /^Error: thrown on purpose\n +at /);
  const failure = world.messages.flatMap(({ frames }) => frames).find((frame) => frame[0] === FRAME.FAILURE);
  t.same(failure?.slice(2), ["INTERNAL", "internal error", null], "the client does not see the error");
  t.end();
});

t.test("a row that violates a constraint is a bug, found when it is written or at the commit", (t) => {
  const world = openWorld(t);
  t.same(world.execute(...["a", "twice", "orphan", "b"].map((name) => world.call(name))), [
    ["lines", "commit", "reply 1"],
    ["bug", "INTERNAL 2", "bug", "INTERNAL 3", "lines", "commit", "reply 4"],
  ]);
  t.same(world.execute(world.call("orphan")), [["bug", "INTERNAL 5"]]);
  t.match(world.rows("line"), [{ name: "a" }, { name: "b" }]);
  t.match(world.pushes("bug"), [{ error: /UNIQUE/ }, { error: /FOREIGN KEY/ }, { error: /FOREIGN KEY/ }]);
  t.end();
});

t.test("only the call that does not fit on the disk is refused, and a call that fits alone succeeds", (t) => {
  const world = openWorld(t);
  t.same(world.execute(...["a", "large", "full", "b", "undone", "held", "c"].map((name) => world.call(name))), [
    ["lines", "commit", "reply 1"],
    ["lines", "commit", "reply 2"],
    ["DISK_FULL 3", "lines", "commit", "reply 4"],
    ["DISK_FULL 5", "UNAVAILABLE 6", "lines", "commit", "reply 7"],
  ]);
  t.match(world.rows("line"), [
    { id: 1, name: "a" },
    { id: 2, name: "large" },
    { id: 3, name: "b" },
    { id: 4, name: "c" },
  ]);
  t.same(world.pushes("bug"), [], "it is no bug");
  t.end();
});

t.test("while another program holds the database, all calls are refused at once, not one after the other", (t) => {
  const directory = makeDirectory(t);
  const world = new World(directory);
  t.teardown(() => world.close());
  const other = openDatabase(databasePath(directory));
  t.teardown(() => other.close());
  world.db.pragma("busy_timeout = 50");
  other.exec("BEGIN IMMEDIATE");
  const started = performance.now();
  const calls = Array.from({ length: 100 }, (_, at) => world.call(`a${at}`));
  const refused = world.execute(...calls).flat();
  t.same(
    refused,
    calls.map(({ id }) => `UNAVAILABLE ${id}`),
  );
  t.ok(performance.now() - started < (calls.length * 50) / 2, "they share one wait");
  other.exec("ROLLBACK");
  t.same(world.execute(world.call("again")), [["lines", "commit", "reply 101"]]);
  t.end();
});

t.test("damage is thrown, and no call is answered afterwards", (t) => {
  const world = openWorld(t);
  t.throws(() => world.execute(world.call("a"), world.call("damage"), world.call("b")), { code: "SQLITE_CORRUPT" });
  t.same(world.messages, []);
  t.same(world.rows("line"), []);
  t.notOk(world.db.inTransaction);
  t.end();
});

t.test("the audit log names the caller of each call", (t) => {
  const world = openWorld(t);
  world.execute(
    world.call("a", { actor: "someone" }),
    world.call("refuse", { actor: "" }),
    world.call("quiet", { method: addQuietly }),
    world.call("busy"),
    world.call("b"),
  );
  const common = { at: 1000, action: "lines.add", outcome: "success" };
  t.same(world.rows("trail"), [
    { ...common, actor: "someone", resource: "a:1", detail: '{"name":"a","id":1}' },
    { ...common, actor: "me", resource: "b:3", detail: '{"name":"b","id":3}' },
  ]);
  t.end();
});

t.test("the time of a batch never goes back, not even after a restore", (t) => {
  const world = openWorld(t);
  const at = (nowMs: number, name: string, waitMs?: number): void => {
    world.clock.nowMs = nowMs;
    world.execute(world.call(name, waitMs === undefined ? {} : { waitMs }), world.call(`${name} too`));
  };
  at(2000, "a");
  at(500, "b");
  at(3000, "c", 10_000);
  at(4000, "d");
  at(20_000, "e");
  const times = [2000, 2000, 13_000, 13_000, 20_000];
  t.same(
    world.rows("line").map((line) => (line as { readonly at: number }).at),
    times.flatMap((time) => [time, time]),
  );
  t.end();
});

t.test("in any batch each call behaves as if it were the only one", (t) => {
  const STATUSES: Readonly<Record<string, string>> = {
    refuse: "NOT_FOUND",
    busy: "UNAVAILABLE",
    throw: "INTERNAL",
    full: "DISK_FULL",
    undone: "DISK_FULL",
    held: "UNAVAILABLE",
    twice: "INTERNAL",
    orphan: "INTERNAL",
  };
  const anyName = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("a", "b", "large") },
    fc.constantFrom(...Object.keys(STATUSES)),
  );
  const world = openWorld(t);
  const stored: string[] = ["first"];
  world.execute(world.call("first"));
  const anyBatch = fc.array(fc.tuple(anyName, fc.constantFrom(10, BATCH_BYTES_MAX / 2)), {
    minLength: 1,
    maxLength: 8,
  });
  const property = fc.property(anyBatch, (batch) => {
    const calls = batch.map(([name, weight]) => world.call(name, { weight }));
    const answers = new Map(
      world
        .execute(...calls)
        .flat()
        .flatMap((published) => {
          const [word = "", id] = published.split(" ");
          return id === undefined ? [] : [[Number(id), word] as const];
        }),
    );
    for (const [at, [name]] of batch.entries()) {
      const status = STATUSES[name];
      if (status === undefined) stored.push(name);
      const id = calls[at]?.id ?? 0;
      if (answers.get(id) !== (status ?? "reply")) throw new Error(`${name} was answered ${answers.get(id)}`);
    }
    if (answers.size !== calls.length) throw new Error("each call is answered once");
    return true;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 100, endOnFailure: true }));
  t.same(
    world.rows("line").map((line) => {
      const { id, name } = line as { readonly id: number; readonly name: string };
      return [id, name];
    }),
    stored.map((name, at) => [at + 1, name]),
  );
  t.same(world.pushes("lines").flat(), stored, "each is published to the front, in order");
  t.equal(world.rows("trail").length, stored.length);
  t.end();
});

t.test("a watcher is notified of the changes of a commit, before the commit's figures", (t) => {
  const world = openWorld(t);
  const quietly = (name: string): ServerCall<WriterMethod> => world.call(name, { method: addQuietly });
  world.execute(quietly("before"));
  t.same(world.pushes("changes"), [], "nothing is published while no client watches");

  world.watched.set(new Set(["state", "audit", "event"]));
  t.same(world.execute(world.call("a"), quietly("b"), world.call("refuse me"), quietly("loud"), quietly("b")), [
    ["lines", "changes", "commit", "reply 2", "reply 3", "NOT_FOUND 4", "reply 5", "reply 6"],
  ]);
  t.same(world.pushes("changes"), [
    {
      changes: [
        { kind: "audit", key: "a:2", version: null },
        { kind: "state", key: "b", version: 5 },
        { kind: "state", key: "loud", version: 4 },
        { kind: "event", key: "loud", version: null },
      ],
      left_out: [],
    },
  ]);
  t.same(world.execute(world.call("busy")), [["commit", "UNAVAILABLE 7"]], "a call without an audit row is no change");

  world.watched.set(new Set(["event"]));
  world.execute(world.call("c"), quietly("d"));
  t.equal(world.pushes("changes").length, 1, "unwatched kinds are not published");
  world.watched.set(new Set());
  world.execute(quietly("loud"));
  t.equal(world.pushes("changes").length, 1);
  t.end();
});

t.test("a commit asks only the models that the transaction has changed", (t) => {
  const published: string[] = [];
  class Noted extends PublishingModel {
    constructor(readonly name: string) {
      super();
    }

    change(): void {
      this.markDirty();
    }

    reload(): void {
      published.push(`${this.name} reload`);
    }

    afterCommit(): void {
      published.push(this.name);
    }
  }
  const models = new Models(openDatabase(":memory:"), { state_history: 0, state_events: false, event_history: 0 });
  const base: Model<Noted> = { open: () => new Noted("base") };
  const [user, other] = ["user", "other"].map(
    (name): Model<Noted> => ({
      open: ({ use }) => {
        use(base);
        return new Noted(name);
      },
    }),
  ) as [Model<Noted>, Model<Noted>];
  const commit = (...changed: readonly Model<Noted>[]): string[] => {
    for (const model of changed) models.use(model).change();
    models.afterCommit({ changes: null, isReplicated: false, push: () => undefined });
    return published.splice(0);
  };
  models.bind({ user, other });
  t.same(commit(), ["base", "user", "other"], "each once at the start, because the front has nothing yet");
  t.same(commit(), []);
  t.same(commit(other), ["other"]);
  t.same(commit(user, base, user), ["base", "user"], "a model comes after those that it uses, and only once");
  models.reload("rollback");
  t.same(commit(), ["base reload", "user reload", "other reload"]);
  models.reload("refill");
  t.same(
    commit(),
    ["base reload", "user reload", "other reload", "base", "user", "other"],
    "all of them after a restore",
  );
  t.end();
});

t.test("a change that was rolled back is published once, after its second try, or not at all", (t) => {
  const world = openWorld(t);
  world.watched.set(new Set(["state", "audit"]));
  world.execute(world.call("b", { method: addQuietly }), world.call("throw"), world.call("a"));
  t.same(world.pushes("changes"), [
    { changes: [{ kind: "state", key: "b", version: 1 }], left_out: [] },
    { changes: [{ kind: "audit", key: "a:2", version: null }], left_out: [] },
  ]);
  t.end();
});

t.test("at most CHANGE_NAMES_MAX names of a kind are published", (t) => {
  const world = openWorld(t);
  world.watched.set(new Set(["state", "audit"]));
  const calls = Array.from({ length: CHANGE_NAMES_MAX + 1 }, (_, at) => world.call(`n${at}`, { method: addQuietly }));
  world.execute(...calls, world.call("n0", { method: addQuietly }), world.call("a"));
  const [{ changes: published, left_out }] = world.pushes("changes") as [ChangesPush];
  t.same(
    published.map(({ kind }) => kind),
    [...Array.from({ length: CHANGE_NAMES_MAX }, () => "state"), "audit"],
  );
  t.same(published.find(({ key }) => key === "n0")?.version, calls.length + 1, "with the newest version of a name");
  t.same(left_out, ["state"]);
  t.end();
});

t.test("a client that begins to watch during a batch is notified of it", (t) => {
  const world = openWorld(t);
  const call = world.call("a", { method: addQuietly });
  const watching = Object.defineProperty({ ...call }, "request", {
    get: () => {
      world.watched.set(new Set(["state"]));
      return call.request;
    },
  });
  world.execute(watching);
  t.match(world.pushes("changes"), [{ changes: [{ kind: "state", key: "a" }] }]);
  t.end();
});
