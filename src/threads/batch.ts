/**
 * Group commit: the calls that wait become one transaction, whose commit is one fsync; replies leave
 * after it. Audit rows are written here, for every audited method alike. Runs in the writer.
 *
 * What fails in a transaction refuses a call, nothing else: the transaction is rolled back and each of its
 * calls is tried alone. So a small write is not refused for a large one beside it that the disk does not
 * take, and a method that throws (a bug) fails its own call and leaves nothing behind.
 */
import { AUDIT_DETAIL_BYTES_MAX, BATCH_BYTES_MAX } from "../../schemas/limits.js";
import { must } from "../base/assert.js";
import type { Clock } from "../base/clock.js";
import { traceOf } from "../base/reason.js";
import { Failure } from "../base/result.js";
import type { Method } from "../rpc/method.js";
import type { RpcServer, ServerCall } from "../rpc/server.js";
import { isDamage, writeFailure, type Db } from "../store/open.js";
import type { Model, Models, WritingModel } from "./model.js";
import { BUG, COMMIT } from "./notices.js";
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
}

export class Batch {
  readonly #db: Db;
  readonly #models: readonly WritingModel[];
  readonly #clock: Clock;
  readonly #committed: BigInt64Array;
  readonly #audit: AuditTrail;
  readonly #commands: ReadonlyMap<Method, Command<unknown, unknown>>;
  readonly #begin;
  readonly #commit;
  readonly #rollback;
  readonly #call: { now_ms: number; actor: string; readonly reload: () => void };

  constructor({ db, models, methods, audit, clock, committed }: BatchOptions) {
    this.#db = db;
    this.#clock = clock;
    this.#committed = committed;
    this.#audit = models.use(audit);
    this.#commands = new Map(methods.map((method) => [method, method.bind(models)]));
    this.#models = [...models.opened()];
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
    this.#rollback = db.prepare("ROLLBACK");
    this.#call = { now_ms: 0, actor: "", reload: () => this.#reload() };
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
      for (const call of calls) replies.push(this.#run(call));
      this.#commit.run();
    } catch (error) {
      if (this.#db.inTransaction) this.#rollback.run();
      if (isDamage(error)) throw error;
      this.#reload();
      // Where nobody may begin, nobody may begin alone: each of many would wait for a lock as long as all of them did.
      if (begun && calls.length > 1) for (const call of calls) this.#transact([call], server);
      else for (const call of calls) this.#refuse(call, error, server);
      return;
    }
    Atomics.store(this.#committed, 0, BigInt(must(calls[calls.length - 1], "a transaction has calls").id));
    this.#tell(calls.length, started, server);
    for (const [at, call] of calls.entries()) {
      const reply = replies[at];
      if (reply instanceof Failure) server.fail(call, reply);
      else server.reply(call, reply);
    }
    server.flush();
  }

  /** One command and its audit row. */
  #run({ method, request, actor }: ServerCall<WriterMethod>): unknown {
    const call = this.#call;
    call.actor = actor;
    const command = must(this.#commands.get(method), "a method of the writer");
    const reply = command(request, call satisfies WriteCall);
    const { audit } = method;
    if (audit === null) return reply;
    if (!(reply instanceof Failure)) {
      const resource = audit.resource(request as object, reply);
      this.#audit.append(call.now_ms, actor, audit.action, resource, audit.detail(request, reply), "success");
    } else if (reply.http < 500) {
      const resource = audit.resource(request as object, null);
      this.#audit.append(call.now_ms, actor, audit.action, resource, refusalDetail(reply), "error");
    }
    return reply;
  }

  /** A call of a transaction that was rolled back. */
  #refuse(call: ServerCall<WriterMethod>, error: unknown, server: RpcServer<WriterMethod>): void {
    const failure = writeFailure(error);
    if (failure === undefined) server.notify(BUG, { method: call.method.name, error: traceOf(error) });
    server.fail(call, failure ?? new Failure("INTERNAL", "internal error"));
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

  #reload(): void {
    for (const model of this.#models) model.reload?.();
  }
}

/** What the audit log says of a refusal, whoever refused. */
export function refusalDetail(failure: Failure): string {
  return JSON.stringify({ error: failure.message.slice(0, AUDIT_DETAIL_BYTES_MAX), code: failure.http });
}
