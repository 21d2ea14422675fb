/**
 * A transaction of the writer: its commands, the audit rows of those that succeeded and are audited, and, once it has
 * committed, what the front is told of it. Which calls share one, and what becomes of those of one that failed, is up
 * to who uses it: a server alone (batch.ts), or a node of a cluster (entries.ts). Runs in the writer.
 */
import { must } from "../base/assert.js";
import { Failure } from "../base/result.js";
import type { Method } from "../rpc/method.js";
import type { RpcServer, ServerCall } from "../rpc/server.js";
import type { WriteBuffer } from "../store/write-buffer.js";
import { isDamage, setSynced, type Db } from "../store/open.js";
import { ChangeSet } from "./change-set.js";
import type { Model, Models, ReloadReason, WritingModel } from "./model.js";
import { CHANGES, COMMIT } from "./push-messages.js";
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

/** What of a call its command depends on. */
export type Served = Pick<ServerCall<WriterMethod>, "method" | "actor" | "request">;

export interface TransactionOptions {
  readonly db: Db;
  readonly models: Models;
  readonly methods: readonly WriterMethod[];
  readonly audit: Model<AuditTrail>;
  /** Which kinds of changes are to be told of. */
  readonly watched: WatchedKinds;
  /** Whether others carry out calls, too: then the models tell of what only who called would know. */
  readonly replicated?: boolean;
}

export class Transaction {
  readonly #db: Db;
  readonly #models: readonly WritingModel[];
  readonly #rows: WriteBuffer;
  readonly #watched: WatchedKinds;
  readonly #audit: AuditTrail;
  readonly #replicated: boolean;
  readonly #commands: ReadonlyMap<Method, Command<unknown, unknown>>;
  readonly #begin;
  readonly #commit;
  readonly #rollback;
  readonly #call: { now_ms: number; actor: string; readonly reload: () => void };
  #before: WriterMethod | null = null;
  #synced = true;

  constructor({ db, models, methods, audit, watched, replicated = false }: TransactionOptions) {
    this.#db = db;
    this.#watched = watched;
    this.#replicated = replicated;
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

  /** The time in ms of the calls that run: of the last ones where none do. A restore moves it on. */
  get now_ms(): number {
    return this.#call.now_ms;
  }

  set now_ms(now_ms: number) {
    this.#call.now_ms = now_ms;
  }

  /** @param synced whether it is to be on disk when `commit` returns: where not, only with the next one that is */
  begin(synced = true): void {
    if (synced !== this.#synced) {
      setSynced(this.#db, synced);
      this.#synced = synced;
    }
    this.#begin.run();
    this.#before = null;
  }

  /** Writes what was put off: what comes next may read it. */
  write(): void {
    this.#rows.write();
    this.#before = null;
  }

  commit(): void {
    this.#rows.write();
    this.#commit.run();
  }

  /**
   * Undoes what was done since `begin`, if it was begun; the models forget it, too.
   * @param error why
   * @throws error where it says that the database cannot be relied on
   */
  rollBack(error: unknown): void {
    this.#rows.forget();
    if (this.#db.inTransaction) this.#rollback.run();
    if (isDamage(error)) throw error;
    this.#reload("rollback");
  }

  /** The tables were filled behind the models' backs. */
  refill(): void {
    this.#reload("refill");
  }

  /** One command and its audit row. */
  run(served: Served): unknown {
    const { method, request, actor } = served;
    // A method knows which rows it and its family may have put off; another one reads what is written.
    if (!isRelated(method, this.#before)) this.#rows.write();
    this.#before = method;
    const call = this.#call;
    call.actor = actor;
    const command = must(this.#commands.get(method), "a method of the writer");
    const reply = command(request, call satisfies WriteCall);
    const resource = auditedResource(served, reply);
    const { audit } = method;
    if (audit !== null && resource !== null)
      this.#audit.append(call.now_ms, actor, audit.action, resource, audit.detail(request, reply), "success");
    return reply;
  }

  /**
   * What was committed, to whom watches it. Who begins to watch and then reads has either read what is committed here,
   * or is seen here: so this looks only now that it is committed.
   */
  pushChanges(calls: readonly Served[], replies: readonly unknown[], server: RpcServer<WriterMethod>): void {
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
        if (changed.wants(rule.kind)) changed.addAll(rule.kind, rule.report(call.request, reply));
    }
    for (const model of this.#models) model.addChanges?.(changed);
    const notice = changed.take();
    if (notice !== null) server.push(CHANGES, notice);
  }

  /** What the models have to say of what was committed, then what it took. */
  pushAll(calls: number, started: number, server: RpcServer<WriterMethod>): void {
    for (const model of this.#models) {
      const said = model.drainPush?.(this.#replicated) ?? null;
      if (said !== null) server.push(said.message, said.payload);
    }
    const duration_us = Math.round((performance.now() - started) * 1000);
    server.push(COMMIT, { calls, duration_us, waiting: server.depth });
  }

  #reload(why: ReloadReason): void {
    for (const model of this.#models) model.reload?.(why);
  }
}

function isRelated(method: WriterMethod, before: WriterMethod | null): boolean {
  return method === before || (method.family !== undefined && method.family === before?.family);
}

/**
 * What a call is about, as its row in the audit log says it; null where it leaves none. What was refused has its row
 * from the front, whoever refused it (audit/refusal-log.ts).
 */
function auditedResource({ method: { audit }, request }: Served, reply: unknown): string | null {
  if (audit === null || reply instanceof Failure || audit.writesRow?.(reply) === false) return null;
  return audit.resource(request as object, reply);
}
