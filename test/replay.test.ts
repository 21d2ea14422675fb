/**
 * Tests that a write is a function of the database, the call and the batch's time alone. The same batches run on two
 * databases, the second time with another clock, other random numbers and a restart in between, and leave the same rows
 * and the same answers. Every row of the writer's table is in it: its calls are generated from the schema of its
 * request. The second time a client watches changes, and each table that was written to has to be reported.
 */
import { copyFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import t from "tap";
import { Check } from "typebox/value";
import { CHANGE_KINDS, type ChangeKind, type ChangesPush } from "../schemas/changes.js";
import { must } from "../src/base/assert.js";
import { auditTrail } from "../src/features/audit/table.js";
import { MonotonicClock } from "../src/base/clock.js";
import { Failure } from "../src/base/result.js";
import { SharedCounter } from "../src/base/shared-counter.js";
import type { PushMessage, PayloadOf } from "../src/platform/rpc/method.js";
import { packingOf } from "../src/platform/rpc/packing.js";
import type { RpcServer, ServerCall } from "../src/platform/rpc/server.js";
import { newestTime } from "../src/platform/store/id-range.js";
import { databasePath, openWriter } from "../src/platform/store/open.js";
import { Batch } from "../src/platform/threads/batch.js";
import { Models } from "../src/platform/threads/model.js";
import { BUG, CHANGES } from "../src/platform/threads/push-messages.js";
import { WatchedKinds } from "../src/platform/threads/watched-kinds.js";
import type { WriterMethod } from "../src/platform/threads/writer-method.js";
import {
  BY_NAME,
  elsewhere,
  generateBatches,
  prologueOf,
  ROWS,
  SETTINGS,
  START_MS,
  TAKEN,
  type Batches,
  type Call,
} from "./support/generated-calls.js";
import { countRounds } from "./support/test-size.js";
import { makeDirectory, type Owner } from "./support/server-process.js";
import { openDatabase } from "../src/platform/store/sqlite/choice.js";
import type { Db } from "../src/platform/store/sqlite/library.js";

/** The greatest number of further rounds for methods of which no call succeeded yet. */
const ROUNDS_MORE_MAX = 60;
/** Runs of a further round. About half of its calls are of the missing methods, so a few runs are enough. */
const RUNS_A_ROUND_MORE = 8;

/**
 * The kind under which clients know each table's rows; null for rows that no answer shows. The first prefix of the name
 * counts.
 */
const KINDS_OF_TABLES: readonly (readonly [prefix: string, kind: ChangeKind | null])[] = [
  ["state_", "state"],
  ["spec_", "spec"],
  ["rule", "rule"],
  ["template", "template"],
  ["webhook_queue", null],
  ["webhook_body", null],
  ["webhook", "webhook"],
  ["instance", "instance"],
  ["agent_session", null],
  ["event", "event"],
  ["llm_usage", "usage"],
  ["remembered_request", null],
  ["claim_counter", null],
  ["lease", "lease"],
  ["radar_", "radar"],
  ["budget", "budget"],
  ["rate_limit", "rate_limit"],
  ["message", "message"],
  ["task", "task"],
  ["evidence", "evidence"],
  ["agent_metric_flush", null],
  ["agent_metric", "agent_metric"],
  ["compliance_run", "compliance"],
  ["audit", "audit"],
  ["session", null],
];

function kindOf(table: string): ChangeKind | null {
  const row = must(
    KINDS_OF_TABLES.find(([prefix]) => table.startsWith(prefix)),
    `KINDS_OF_TABLES has a row for ${table}`,
  );
  return row[1];
}

const emptyDatabases = new Map<boolean, string>();

/**
 * Returns the path of an empty database. It is made once for each of both kinds of replica, because to make the tables
 * takes longer than the calls of a run.
 */
function emptyDatabase(watching: boolean): string {
  const made = emptyDatabases.get(watching);
  if (made !== undefined) return made;
  const dataDir = makeDirectory(t);
  openWriter(dataDir).close();
  emptyDatabases.set(watching, databasePath(dataDir));
  return databasePath(dataDir);
}

/** The writer thread without its thread: batches in, answers out. */
class Replica {
  readonly answers: unknown[] = [];
  readonly bugs: string[] = [];
  /** Batches that changed more than they reported: the kinds, and the names of the calls. */
  readonly unreported: string[] = [];
  readonly #watched = new WatchedKinds();
  readonly #watching: boolean;
  readonly #dataDir: string;
  #db: Db;
  #batch: Batch;
  #nowMs = START_MS;
  #id = 0;

  constructor(t: Owner, watching: boolean) {
    this.#watching = watching;
    if (watching) this.#watched.set(new Set(CHANGE_KINDS));
    this.#dataDir = makeDirectory(t);
    copyFileSync(emptyDatabase(watching), databasePath(this.#dataDir));
    this.#db = openWriter(this.#dataDir);
    this.#batch = this.#open();
  }

  run(calls: readonly Call[], nowMs: number): void {
    this.#nowMs = nowMs;
    const reported = new Set<ChangeKind>();
    const server = {
      depth: 0,
      push: (message: PushMessage, payload: unknown) => {
        if (message === CHANGES) {
          const { changes, left_out } = payload as ChangesPush;
          for (const kind of [...changes.map((change) => change.kind), ...left_out]) reported.add(kind);
        }
        if (message === BUG) this.bugs.push((payload as PayloadOf<typeof BUG>).error.split("\n")[0] ?? "");
      },
      reply: (_call: ServerCall, reply: unknown) => this.answers.push(reply),
      fail: (_call: ServerCall, failure: Failure) => this.answers.push(failure),
      flush: () => undefined,
    };
    this.#batch.execute(
      calls.map(({ name, request, actor }) => {
        const method = must(BY_NAME.get(name), name);
        const packing = packingOf(method.reply);
        return { id: ++this.#id, method, packing, request, actor, trace: "", weight: method.weight(request) };
      }),
      server as unknown as RpcServer<WriterMethod>,
    );
    if (!this.#watching) {
      if (reported.size > 0) this.unreported.push(`reported without a reader: ${[...reported].join()}`);
      return;
    }
    // The claim of a task without leases is a row of leases, too, and is reported as its task.
    const isReported = (kind: ChangeKind): boolean => reported.has(kind) || (kind === "lease" && reported.has("task"));
    const missing = this.#takeTouched().filter((kind) => !isReported(kind));
    if (missing.length > 0) this.unreported.push(`${missing.join()} by ${calls.map(({ name }) => name).join()}`);
  }

  /** Returns the kinds whose tables were written to since the previous call. */
  #takeTouched(): ChangeKind[] {
    const tables = this.#db.prepare<[], string>("SELECT DISTINCT name FROM touched").pluck().all();
    this.#db.exec("DELETE FROM touched");
    return [...new Set(tables.flatMap((table) => kindOf(table) ?? []))];
  }

  /** Makes the database itself record which tables are written to. */
  #noteWrites(): void {
    const tables = this.#db.prepare<[], string>("SELECT name FROM main.sqlite_schema WHERE type = 'table'").pluck();
    this.#db.exec("CREATE TEMP TABLE touched (name TEXT)");
    for (const table of tables.all()) {
      if (table.startsWith("sqlite_")) continue;
      for (const verb of ["INSERT", "UPDATE", "DELETE"])
        this.#db.exec(
          `CREATE TEMP TRIGGER touched_${table}_${verb} AFTER ${verb} ON main.${table}
           BEGIN INSERT INTO touched VALUES ('${table}'); END`,
        );
    }
  }

  restart(): void {
    this.#db.close();
    this.#db = openWriter(this.#dataDir);
    this.#batch = this.#open();
  }

  /** Returns every row of every table. */
  close(): unknown {
    this.#db.close();
    const db = openDatabase(databasePath(this.#dataDir), { readonly: true });
    const tables = db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").pluck();
    const content = tables.all().map((name) => [name, db.prepare(`SELECT * FROM ${name}`).raw().all()] as const);
    db.close();
    return Object.fromEntries(content);
  }

  #open(): Batch {
    if (this.#watching) this.#noteWrites();
    return new Batch({
      db: this.#db,
      models: new Models(this.#db, SETTINGS),
      methods: ROWS,
      audit: auditTrail,
      clock: new MonotonicClock({ now: () => this.#nowMs }, newestTime(this.#db, "main")),
      committed: new SharedCounter(),
      watched: this.#watched,
    });
  }
}

/** Runs all batches; with `restarts` the writer is restarted in the middle. */
function replay(
  t: Owner,
  all: Batches,
  {
    restarts,
    watched,
    prologue,
  }: { readonly restarts: boolean; readonly watched: boolean; readonly prologue: readonly Call[] },
): {
  readonly content: unknown;
  readonly answers: unknown[];
  readonly bugs: string[];
  readonly unreported: readonly string[];
} {
  const replica = new Replica(t, watched);
  let nowMs = START_MS;
  if (prologue.length > 0) replica.run(prologue, nowMs);
  replica.answers.length = 0;
  for (const [at, { calls, afterMs }] of all.entries()) {
    // The clock goes back, but the batch's time does not.
    nowMs = Math.max(nowMs, nowMs + afterMs);
    if (restarts && at === Math.floor(all.length / 2)) replica.restart();
    replica.run(calls, nowMs);
  }
  return { content: replica.close(), answers: replica.answers, bugs: replica.bugs, unreported: replica.unreported };
}

t.test("the calls before all others are such as a log may hold", (t) => {
  for (const { name, request } of [...prologueOf("ask"), ...prologueOf("fail")])
    t.ok(
      Check(must(BY_NAME.get(name), "a method of the prologue").request, request),
      `${name}: its schema accepts the request`,
    );
  t.end();
});

t.test("the writer itself refuses groups of names that can never be granted", (t) => {
  const replica = new Replica(t, false);
  replica.run(prologueOf("ask"), START_MS);
  const lease = prologueOf("ask").find((call) => call.name === "lease.acquire");
  const { request, actor, name } = must(lease, "the prologue has a lease");
  replica.answers.length = 0;
  replica.run([{ name, actor, request: { ...(request as object), resources: ["a"], any: ["x", "a"] } }], START_MS);
  t.match(replica.answers, [{ message: /^any has too few names/ }]);
  t.end();
});

t.test("the same batches leave the same rows and the same answers", (t) => {
  const prologues = fc.constantFrom([], prologueOf("ask"), prologueOf("fail"));
  const called = new Map<string, { done: number; refused: number }>();
  const replayBoth = (all: Batches, prologue: readonly Call[]): boolean => {
    const here = replay(t, all, { restarts: false, watched: false, prologue });
    const there = elsewhere(() => replay(t, all, { restarts: true, watched: true, prologue }));
    // tap's comparison of what is equal takes longer than the replay itself.
    if (isDeepStrictEqual(there.answers, here.answers)) t.pass("answers");
    else t.same(there.answers, here.answers, "answers");
    if (isDeepStrictEqual(there.content, here.content)) t.pass("rows");
    else t.strictSame(there.content, here.content, "rows");
    t.same(here.bugs, there.bugs, "a method that throws does so again, and stores nothing");
    t.same(here.unreported, [], "without a watching client nothing is reported");
    t.same(there.unreported, [], "with a watching client each table that was written to is reported");
    t.same(
      here.bugs.filter((bug) => !TAKEN.test(bug)),
      [],
      "no method throws",
    );
    const calls = all.flatMap((batch) => batch.calls);
    for (const [at, { name }] of calls.entries()) {
      const count = called.get(name) ?? { done: 0, refused: 0 };
      if (here.answers[at] instanceof Failure) count.refused += 1;
      else count.done += 1;
      called.set(name, count);
    }
    return t.passing();
  };
  const attempt = (numRuns: number, preferred?: ReadonlySet<string>): void =>
    fc.assert(fc.property(generateBatches(preferred), prologues, replayBoth), { numRuns, endOnFailure: true });
  attempt(countRounds(75, 300));
  for (let round = 0; round < ROUNDS_MORE_MAX && t.passing(); round++) {
    const missing = ROWS.filter(({ name }) => (called.get(name)?.done ?? 0) === 0).map(({ name }) => name);
    if (missing.length === 0) break;
    t.comment(`no call of ${missing.join(", ")} succeeded yet`);
    attempt(RUNS_A_ROUND_MORE, new Set(missing));
  }
  for (const { name } of ROWS) t.ok((called.get(name)?.done ?? 0) > 0, `${name} was called`);
  t.end();
});
