/**
 * A write is a function of the database, the call and the batch's time, and of nothing else: the same batches are
 * carried out on two databases, the second time with another clock, other randomness and a restart in between, and
 * leave the same rows and the same answers behind. Every row of the writer is in it by being a row: its calls are
 * drawn from the schema of its request. The second time somebody watches what changes, and hears of each table
 * that was written to.
 */
import * as fc from "fast-check";
import type { Arbitrary } from "fast-check";
import t from "tap";
import type { TSchema } from "typebox";
import { CHANGE_KINDS, type ChangeKind, type ChangeNotice } from "../schemas/changes.js";
import { must } from "../src/base/assert.js";
import { auditTrail } from "../src/audit/table.js";
import { MonotonicClock } from "../src/base/clock.js";
import { Failure } from "../src/base/result.js";
import { METHODS } from "../src/methods.js";
import type { Notice, PayloadOf } from "../src/rpc/method.js";
import { packingOf } from "../src/rpc/packing.js";
import type { RpcServer, ServerCall } from "../src/rpc/server.js";
import { newestTime } from "../src/store/id-range.js";
import { databasePath, openWriter } from "../src/store/open.js";
import { Batch } from "../src/threads/batch.js";
import { isWriterMethod } from "../src/threads/methods.js";
import { Models } from "../src/threads/model.js";
import { BUG, CHANGES } from "../src/threads/notices.js";
import { WatchedKinds } from "../src/threads/watched-kinds.js";
import type { WriterMethod } from "../src/threads/writer-method.js";
import { countRounds } from "./support/effort.js";
import { NEW_TASK } from "./support/new-task.js";
import { arbitraryOf } from "./support/schema-arbitrary.js";
import { makeDirectory, type Owner } from "./support/server-process.js";
import { openDatabase } from "../src/store/sqlite/choice.js";
import type { Db } from "../src/store/sqlite/library.js";

/** Rows that never are one of several machines' calls, and why. */
const LEFT_OUT = new Map([
  ["store.close", "ends the thread"],
  ["restore.apply", "reads a file beside the database"],
]);

const SETTINGS = { state_history: 70, state_events: true, event_history: 10 };
/** Between the times at which somebody is said to have been seen; a batch is up to an hour behind the one before. */
const SEEN_STEP_MS = 1_800_000;
const START_MS = Date.UTC(2026, 1, 9, 14, 30);
/** So many times as many attempts for a row that chance has passed by: in one run of some four there is one. */
const ROUNDS_MORE_MAX = 8;
/** Few, so that calls meet what others have written. */
const WORDS = ["a", "a.b"];

/** A UUID and a token are drawn by the front, and never twice; here they are drawn from two. */
const TAKEN = /UNIQUE constraint failed: instance\.(id|token_hash)/;

/** What clients know of each table's rows as; null for what no answer shows. The first whose name begins so counts. */
const KINDS_OF_TABLES: readonly (readonly [prefix: string, kind: ChangeKind | null])[] = [
  ["state_", "state"],
  ["spec_", "spec"],
  ["rule", "rule"],
  ["template", "template"],
  ["webhook_queue", null],
  ["webhook_body", null],
  ["webhook", "webhook"],
  ["instance", "instance"],
  ["event", "event"],
  ["llm_usage", "usage"],
  ["remembered_request", null],
  ["claim_counter", null],
  ["lease", "lease"],
  ["message", "message"],
  ["task", "task"],
  ["agent_metric_flush", null],
  ["agent_metric", "agent_metric"],
  ["compliance_run", "compliance"],
  ["audit", "audit"],
  ["session", null],
];

function kindOf(table: string): ChangeKind | null {
  const row = must(
    KINDS_OF_TABLES.find(([prefix]) => table.startsWith(prefix)),
    `it is said what ${table} is to clients`,
  );
  return row[1];
}

const ROWS: readonly WriterMethod[] = METHODS.rows.filter(isWriterMethod).filter(({ name }) => !LEFT_OUT.has(name));
const BY_NAME = new Map(ROWS.map((row) => [row.name, row]));

type Json = Readonly<Record<string, unknown>>;

/** The schema with free texts and numbers drawn from a few, and texts that are JSON drawn as such. */
function narrowed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(narrowed);
  if (typeof schema !== "object" || schema === null) return schema;
  const { type, enum: words, pattern, format, contentSchema, const: fixed, ...rest } = schema as Json;
  if (contentSchema !== undefined)
    return { type: "object", required: ["$json"], properties: { $json: narrowed(contentSchema) } };
  const free = words === undefined && pattern === undefined && format === undefined && fixed === undefined;
  if (type === "string" && free) return { enum: WORDS };
  if (type === "integer" && free) return { type, minimum: 1, maximum: Math.min(4, Number(rest["maximum"] ?? 4)) };
  return Object.fromEntries(
    Object.entries(schema).map(([name, member]) => [name, NUMBERED.has(name) ? numbered(member) : narrowed(member)]),
  );
}

/** Numbers that the writer gives out: what calls name by them is met only if few are named. */
const NUMBERED = new Set(["row", "fence"]);

function numbered(member: unknown): unknown {
  return "anyOf" in (member as object)
    ? { anyOf: [{ type: "integer", enum: [1, 2] }, { type: "null" }] }
    : { enum: [1, 2] };
}

/** Texts that are JSON as texts; what has no schema (bytes, mostly) as a text. */
function written(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(written);
  if (typeof value !== "object" || value === null) return value;
  if ("$json" in value) return JSON.stringify(written(value.$json));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, written(member)]));
}

/** Members without a schema of their own are bytes: a text stands for them. */
function withTexts(schema: TSchema): Json {
  const copy = JSON.parse(JSON.stringify(schema)) as { properties?: Record<string, Json> };
  for (const [name, member] of Object.entries(copy.properties ?? {}))
    if (Object.keys(member).length === 0 && copy.properties !== undefined)
      copy.properties[name] = { enum: ["{}", "[1]", "x"] };
  return copy;
}

/**
 * What a schema does not say: lists that stand side by side are as long as each other, and who is seen is seen while
 * the batches go on.
 */
function paired(request: unknown): unknown {
  const { rows, last_seen, busy_until } = request as Readonly<Record<string, unknown>>;
  if (!Array.isArray(rows) || !Array.isArray(last_seen)) return request;
  const length = Math.min(rows.length, last_seen.length);
  const timesOf = (drawn: readonly unknown[]): number[] =>
    Array.from({ length }, (_, at) => START_MS + Number(drawn[at] ?? 0) * SEEN_STEP_MS);
  return {
    ...(request as object),
    rows: rows.slice(0, length),
    last_seen: timesOf(last_seen),
    ...(Array.isArray(busy_until) ? { busy_until: timesOf(busy_until) } : {}),
  };
}

interface Call {
  /** A row's name: a report of what failed is to be read. */
  readonly name: string;
  readonly request: unknown;
  readonly actor: string;
}

const call: Arbitrary<Call> = fc.oneof(
  ...ROWS.map((method) =>
    fc.record({
      name: fc.constant(method.name),
      request: arbitraryOf(narrowed(withTexts(method.request)) as object).map((drawn) => paired(written(drawn))),
      // Ids of instances are drawn from the same words.
      actor: fc.constantFrom("", "someone", ...WORDS),
    }),
  ),
);
const batches = fc.array(
  fc.record({
    calls: fc.array(call, { minLength: 1, maxLength: 6 }),
    after_ms: fc.integer({ min: -50, max: 3_600_000 }),
  }),
  { minLength: 2, maxLength: 25 },
);
type Batches = typeof batches extends Arbitrary<infer Value> ? Value : never;

/** The writer's thread without the thread: batches in, answers out. */
class Replica {
  readonly answers: unknown[] = [];
  readonly bugs: string[] = [];
  /** Batches of which more was changed than told: the kinds, and the names of the calls. */
  readonly untold: string[] = [];
  readonly #watched = new WatchedKinds();
  readonly #watching: boolean;
  readonly #data_dir: string;
  #db: Db;
  #batch: Batch;
  #now_ms = START_MS;
  #id = 0;

  constructor(t: Owner, watching: boolean) {
    this.#watching = watching;
    if (watching) this.#watched.set(new Set(CHANGE_KINDS));
    this.#data_dir = makeDirectory(t);
    this.#db = openWriter(this.#data_dir);
    this.#batch = this.#open();
  }

  carryOut(calls: readonly Call[], now_ms: number): void {
    this.#now_ms = now_ms;
    const told = new Set<ChangeKind>();
    const server = {
      depth: 0,
      notify: (notice: Notice, payload: unknown) => {
        if (notice === CHANGES) {
          const { changes, left_out } = payload as ChangeNotice;
          for (const kind of [...changes.map((change) => change.kind), ...left_out]) told.add(kind);
        }
        if (notice === BUG) this.bugs.push((payload as PayloadOf<typeof BUG>).error.split("\n")[0] ?? "");
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
      if (told.size > 0) this.untold.push(`told to nobody: ${[...told].join()}`);
      return;
    }
    // The claim of a task that leases nothing is a row of leases, too, and told as its task.
    const toldOf = (kind: ChangeKind): boolean => told.has(kind) || (kind === "lease" && told.has("task"));
    const missing = this.#takeTouched().filter((kind) => !toldOf(kind));
    if (missing.length > 0) this.untold.push(`${missing.join()} by ${calls.map(({ name }) => name).join()}`);
  }

  /** The kinds whose tables were written to since it was asked last. */
  #takeTouched(): ChangeKind[] {
    const tables = this.#db.prepare<[], string>("SELECT DISTINCT name FROM touched").pluck().all();
    this.#db.exec("DELETE FROM touched");
    return [...new Set(tables.flatMap((table) => kindOf(table) ?? []))];
  }

  /** Has the database itself note which tables are written to. */
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
    this.#db = openWriter(this.#data_dir);
    this.#batch = this.#open();
  }

  /** Every row of every table. */
  close(): unknown {
    this.#db.close();
    const db = openDatabase(databasePath(this.#data_dir), { readonly: true });
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
      clock: new MonotonicClock({ now: () => this.#now_ms }, newestTime(this.#db, "main")),
      committed: new BigInt64Array(1),
      watched: this.#watched,
    });
  }
}

/**
 * What is there before all: values; of two instances one that holds what the other waits for; and of two claimed tasks
 * one that is given back with a question, or has failed. Chance alone would rarely come so far.
 */
function prologueOf(ending: "ask" | "fail"): readonly Call[] {
  const held = { text: "x", value: null, retry: false };
  const stored = { key: "a", value: "x", content_type: "text/plain", condition: null, fence: null };
  return [
    ...["state.put", "spec.put", "state.put"].map((name) => ({ name, request: stored, actor: "" })),
    ...WORDS.flatMap((id, at) => [
      {
        name: "instance.register",
        request: { id, token_hash: `0${at}`, name: id, workspace: "", intent: "", stack: "", capabilities: [] },
        actor: "",
      },
      {
        name: "lease.acquire",
        request: {
          resources: ["a"],
          shared: false,
          workspace: "",
          ttl_s: 60,
          max_s: 60,
          reason: "",
          waits: true,
          queued: true,
          request_id: null,
        },
        actor: id,
      },
    ]),
    { name: "task.create", request: { tasks: WORDS.map((id) => ({ ...NEW_TASK, id })) }, actor: "" },
    ...WORDS.map((id) => ({
      name: "task.claim",
      request: { workspace: "", labels: [], id, ttl_s: null, request_id: null },
      actor: id,
    })),
    // The lease has the first fence, and the claims the two that follow.
    { name: `task.${ending}`, request: { ...held, id: "a.b", fence: 3, call: ending }, actor: "a.b" },
  ];
}

/** Carries out all batches, the writer started anew in the middle where `restarts`. */
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
  readonly untold: readonly string[];
} {
  const replica = new Replica(t, watched);
  let now_ms = START_MS;
  if (prologue.length > 0) replica.carryOut(prologue, now_ms);
  replica.answers.length = 0;
  for (const [at, { calls, after_ms }] of all.entries()) {
    // A clock that goes back: the batch's time does not.
    now_ms = Math.max(now_ms, now_ms + after_ms);
    if (restarts && at === Math.floor(all.length / 2)) replica.restart();
    replica.carryOut(calls, now_ms);
  }
  return { content: replica.close(), answers: replica.answers, bugs: replica.bugs, untold: replica.untold };
}

/** Runs with another clock and another randomness than this process has. */
function elsewhere<Result>(run: () => Result): Result {
  const { now } = Date;
  const { random } = Math;
  Date.now = () => now() + 86_400_000;
  Math.random = () => 0.25;
  try {
    return run();
  } finally {
    Date.now = now;
    Math.random = random;
  }
}

t.test("the same batches leave the same rows behind, and answer the same", (t) => {
  const prologues = fc.constantFrom([], prologueOf("ask"), prologueOf("fail"));
  const carried = new Map<string, { done: number; refused: number }>();
  const attempts = fc.property(batches, prologues, (all, prologue) => {
    const here = replay(t, all, { restarts: false, watched: false, prologue });
    const there = elsewhere(() => replay(t, all, { restarts: true, watched: true, prologue }));
    t.same(there.answers, here.answers, "answers");
    t.strictSame(there.content, here.content, "rows");
    t.same(here.bugs, there.bugs, "what throws does so again, and leaves nothing behind");
    t.same(here.untold, [], "with nobody watching nothing is told");
    t.same(there.untold, [], "whoever watches hears of each table that was written to");
    t.same(
      here.bugs.filter((bug) => !TAKEN.test(bug)),
      [],
      "no method throws",
    );
    const calls = all.flatMap((batch) => batch.calls);
    for (const [at, { name }] of calls.entries()) {
      const count = carried.get(name) ?? { done: 0, refused: 0 };
      if (here.answers[at] instanceof Failure) count.refused += 1;
      else count.done += 1;
      carried.set(name, count);
    }
    return t.passing();
  });
  const passedBy = (): boolean => ROWS.some(({ name }) => (carried.get(name)?.done ?? 0) === 0);
  for (let round = 0; round === 0 || (round <= ROUNDS_MORE_MAX && t.passing() && passedBy()); round++)
    fc.assert(attempts, { numRuns: countRounds(150, 1_200), endOnFailure: true });
  for (const { name } of ROWS) t.ok((carried.get(name)?.done ?? 0) > 0, `${name} was carried out`);
  t.end();
});
