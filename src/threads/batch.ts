/**
 * Group commit: the calls that wait become one transaction, whose commit is one fsync; replies leave
 * after it. Audit rows are written here, for every audited method alike. Runs in the writer.
 *
 * What fails in a transaction refuses a call, nothing else: the transaction is rolled back and each of its
 * calls is tried alone. So a small write is not refused for a large one beside it that the disk does not
 * take, and a method that throws (a bug) fails its own call and leaves nothing behind.
 */
import { BATCH_BYTES_MAX } from "../../schemas/limits.js";
import { must } from "../base/assert.js";
import type { Clock } from "../base/clock.js";
import { traceOf } from "../base/reason.js";
import { Failure } from "../base/result.js";
import type { Method } from "../rpc/method.js";
import type { RpcServer, ServerCall } from "../rpc/server.js";
import { isDamage, writeFailure, type Db } from "../store/open.js";
import type { DeferredRows } from "../store/deferred-rows.js";
import type { Model, Models, ReloadReason, WritingModel } from "./model.js";
import { ChangeSet } from "./change-set.js";
import { BUG, CHANGES, COMMIT } from "./notices.js";
import { leavesRow, refusalDetail } from "./refusal-row.js";
import type { WatchedKinds } from "./watched-kinds.js";
import type { Command, WriteCall, WriterMethod } from "./writer-method.js";

/** Where the rows of audited calls go. */
export interface AuditTrail {
  /** @param detail JSON text */
  append(
    now_ms: number,
    actor: string,
    action: string,
    resource: string,
    detail: string,
    outcome: "success" | "error",
  ): void;
}

export interface BatchOptions {
  readonly db: Db;
  readonly models: Models;
  readonly methods: readonly WriterMethod[];
  readonly audit: Model<AuditTrail>;
  /** Never goes back. */
  readonly clock: Clock;
  /** Its first element is set to the id of the last call of each commit, before replies leave. */
  readonly committed: BigInt64Array;
  /** Which kinds of changes are to be told of. */
  readonly watched: WatchedKinds;
}

export class Batch {
  readonly #db: Db;
  readonly #models: readonly WritingModel[];
  readonly #rows: DeferredRows;
  readonly #clock: Clock;
  readonly #committed: BigInt64Array;
  readonly #watched: WatchedKinds;
  readonly #audit: AuditTrail;
  readonly #commands: ReadonlyMap<Method, Command<unknown, unknown>>;
  readonly #begin;
  readonly #commit;
  readonly #rollback;
  readonly #call: { now_ms: number; actor: string; readonly reload: () => void };

  constructor({ db, models, methods, audit, clock, committed, watched }: BatchOptions) {
    this.#db = db;
    this.#clock = clock;
    this.#committed = committed;
    this.#watched = watched;
    this.#audit = models.use(audit);
    this.#commands = new Map(methods.map((method) => [method, method.bind(models)]));
    this.#models = [...models.opened()];
    this.#rows = models.rows;
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
    this.#rollback = db.prepare("ROLLBACK");
    this.#call = {
      now_ms: 0,
      actor: "",
      reload: () => {
        this.#rows.write();
        this.#reload("refill");
      },
    };
  }

  /** Carries out calls in order, in as few transactions as their size allows. */
  execute(calls: readonly ServerCall<WriterMethod>[], server: RpcServer<WriterMethod>): void {
    let group: ServerCall<WriterMethod>[] = [];
    let bytes = 0;
    for (const call of calls) {
      if (group.length > 0 && bytes + call.weight > BATCH_BYTES_MAX) {
        this.#transact(group, server);
        group = [];
        bytes = 0;
      }
      group.push(call);
      bytes += call.weight;
    }
    this.#transact(group, server);
  }

  #transact(calls: readonly ServerCall<WriterMethod>[], server: RpcServer<WriterMethod>): void {
    const started = performance.now();
    const replies: unknown[] = [];
    let begun = false;
    try {
      this.#begin.run();
      begun = true;
      // A restore moves it ahead of the clock, where the snapshot's times are.
      this.#call.now_ms = Math.max(this.#call.now_ms, this.#clock.now());
      let before: WriterMethod | null = null;
      for (const call of calls) {
        // A method knows which rows it and its family may have put off; another one reads what is written.
        if (!isRelated(call.method, before)) this.#rows.write();
        before = call.method;
        replies.push(this.#run(call));
      }
      this.#rows.write();
      this.#commit.run();
    } catch (error) {
      this.#rows.forget();
      if (this.#db.inTransaction) this.#rollback.run();
      if (isDamage(error)) throw error;
      this.#reload("rollback");
      // Where nobody may begin, nobody may begin alone: each of many would wait for a lock as long as all of them did.
      if (begun && calls.length > 1) for (const call of calls) this.#transact([call], server);
      else for (const call of calls) this.#refuse(call, error, server);
      return;
    }
    Atomics.store(this.#committed, 0, BigInt(must(calls[calls.length - 1], "a transaction has calls").id));
    this.#tellChanges(calls, replies, server);
    this.#tell(calls.length, started, server);
    for (const [at, call] of calls.entries()) {
      const reply = replies[at];
      if (reply instanceof Failure) server.fail(call, reply);
      else server.reply(call, reply);
    }
    server.flush();
  }

  /** One command and its audit row. */
  #run(served: ServerCall<WriterMethod>): unknown {
    const { method, request, actor } = served;
    const call = this.#call;
    call.actor = actor;
    const command = must(this.#commands.get(method), "a method of the writer");
    const reply = command(request, call satisfies WriteCall);
    const resource = auditedResource(served, reply);
    const { audit } = method;
    if (audit === null || resource === null) return reply;
    if (reply instanceof Failure) {
      this.#audit.append(call.now_ms, actor, audit.action, resource, refusalDetail(reply), "error");
    } else {
      this.#audit.append(call.now_ms, actor, audit.action, resource, audit.detail(request, reply), "success");
    }
    return reply;
  }

  /** A call of a transaction that was rolled back. */
  #refuse(call: ServerCall<WriterMethod>, error: unknown, server: RpcServer<WriterMethod>): void {
    const failure = writeFailure(error);
    if (failure === undefined) server.notify(BUG, { method: call.method.name, error: traceOf(error) });
    server.fail(call, failure ?? new Failure("INTERNAL", "internal error"));
  }

  /**
   * What the transaction changed, to whom watches it. Who begins to watch and then reads has either read what is
   * committed here, or is seen here: so this looks only now that it is committed.
   */
  #tellChanges(
    calls: readonly ServerCall<WriterMethod>[],
    replies: readonly unknown[],
    server: RpcServer<WriterMethod>,
  ): void {
    const wants = this.#watched.load();
    if (wants === null) return;
    const changed = new ChangeSet(wants);
    for (const [at, call] of calls.entries()) {
      const reply = replies[at];
      if (changed.wants("audit")) {
        const resource = auditedResource(call, reply);
        if (resource !== null) changed.add("audit", resource, null);
      }
      if (reply instanceof Failure) continue;
      for (const rule of call.method.changes)
        if (changed.wants(rule.kind)) changed.addAll(rule.kind, rule.told(call.request, reply));
    }
    for (const model of this.#models) model.tellChanges?.(changed);
    const notice = changed.take();
    if (notice !== null) server.notify(CHANGES, notice);
  }

  /** What the models have to say of the transaction, then what it took. */
  #tell(calls: number, started: number, server: RpcServer<WriterMethod>): void {
    for (const model of this.#models) {
      const said = model.takeNotice?.() ?? null;
      if (said !== null) server.notify(said.notice, said.payload);
    }
    const duration_us = Math.round((performance.now() - started) * 1000);
    server.notify(COMMIT, { calls, duration_us, waiting: server.depth });
  }

  #reload(why: ReloadReason): void {
    for (const model of this.#models) model.reload?.(why);
  }
}

function isRelated(method: WriterMethod, before: WriterMethod | null): boolean {
  return method === before || (method.family !== undefined && method.family === before?.family);
}

/** What a call is about, as its row in the audit log says it; null where it leaves none. */
function auditedResource({ method: { audit }, request }: ServerCall<WriterMethod>, reply: unknown): string | null {
  if (audit === null) return null;
  if (!(reply instanceof Failure))
    return audit.leaves?.(reply) === false ? null : audit.resource(request as object, reply);
  return leavesRow(reply) ? audit.resource(request as object, null) : null;
}
