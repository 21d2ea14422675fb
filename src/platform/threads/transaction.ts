/**
 * Runs the transactions of the writer thread. A transaction executes calls, and adds an audit row for each call that
 * succeeds. It remembers which calls (dirty-set.ts) and which models (model.ts) have changed something. After the
 * commit, `publish` uses this to make all messages about the commit. This class is used by a single server (batch.ts)
 * and by a node of a cluster (entries.ts). They decide which calls share a transaction, and what happens to the calls
 * of a transaction that fails.
 */
import { must } from "../../base/assert.js";
import { Failure } from "../../base/result.js";
import type { Method } from "../rpc/method.js";
import type { RpcServer } from "../rpc/server.js";
import type { WriteBuffer } from "../store/write-buffer.js";
import { isDamage, setSynced, type Db } from "../store/open.js";
import { ChangeSet } from "./change-set.js";
import { DirtySet } from "./dirty-set.js";
import type { Model, Models } from "./model.js";
import { CHANGES, COMMIT, REMOTE_CHANGES, type RemoteChanges } from "./push-messages.js";
import type { SharedCounter } from "../../base/shared-counter.js";
import type { WatchedKinds } from "./watched-kinds.js";
import type { Command, Served, WriteCall, WriterMethod } from "./writer-method.js";

/** Stores the rows of audited calls. */
export interface AuditTrail {
  /** @param detail JSON text */
  append(
    nowMs: number,
    actor: string,
    action: string,
    resource: string,
    detail: string,
    outcome: "success" | "error",
  ): void;
}

export interface TransactionOptions {
  readonly db: Db;
  readonly models: Models;
  readonly methods: readonly WriterMethod[];
  readonly audit: Model<AuditTrail>;
  /** The kinds of changes that clients watch. Changes of other kinds are not published. */
  readonly watched: WatchedKinds;
  /**
   * Counts the commits with changes by other nodes; null or absent on a single server. If it is set, the models publish
   * every change to the front. On a single server they can leave some changes out, because the front learns those from
   * the replies to its own calls.
   */
  readonly remoteWrites?: SharedCounter | null;
}

export class Transaction {
  readonly #db: Db;
  readonly #models: Models;
  readonly #rows: WriteBuffer;
  readonly #watched: WatchedKinds;
  readonly #audit: AuditTrail;
  readonly #remoteWrites: SharedCounter | null;
  readonly #commands: ReadonlyMap<Method, Command<unknown, unknown>>;
  readonly #begin;
  readonly #commit;
  readonly #rollback;
  readonly #call: { nowMs: number; actor: string; readonly reload: () => void };
  readonly #dirty = new DirtySet();
  /**
   * The changes by other nodes that `commit` has counted, and that `publish` has not sent to the front yet; null if
   * there are none.
   */
  #counted: RemoteChanges | null = null;
  #before: WriterMethod | null = null;
  #synced = true;

  constructor({ db, models, methods, audit, watched, remoteWrites = null }: TransactionOptions) {
    this.#db = db;
    this.#watched = watched;
    this.#remoteWrites = remoteWrites;
    this.#audit = models.use(audit);
    this.#commands = new Map(methods.map((method) => [method, method.bind(models)]));
    this.#models = models;
    this.#rows = models.rows;
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
    this.#rollback = db.prepare("ROLLBACK");
    this.#call = {
      nowMs: 0,
      actor: "",
      reload: () => {
        this.#rows.write();
        this.#models.reload("refill");
      },
    };
  }

  /** The time in ms at which calls are executed. A restore moves it forward. */
  get nowMs(): number {
    return this.#call.nowMs;
  }

  set nowMs(nowMs: number) {
    this.#call.nowMs = nowMs;
  }

  /**
   * Begins a transaction.
   * @param synced whether the transaction must be on disk when `commit` returns. If false, it is on disk after the next
   * synced commit
   */
  begin(synced = true): void {
    if (synced !== this.#synced) {
      setSynced(this.#db, synced);
      this.#synced = synced;
    }
    this.#begin.run();
    this.#before = null;
    this.#dirty.clear();
  }

  /** Writes the buffered rows to the database, so that the next call can read them. */
  write(): void {
    this.#rows.finish();
    this.#before = null;
  }

  /**
   * Commits the transaction. If calls from other nodes have changed cached things, increments `remoteWrites` before the
   * commit. So the front reads no stale copy after the commit.
   */
  commit(): void {
    this.#rows.finish();
    if (this.#remoteWrites !== null) {
      const changes = this.#dirty.staleCopies();
      if (changes.length > 0) this.#counted = { count: this.#remoteWrites.increment(), changes };
    }
    this.#commit.run();
  }

  /**
   * Rolls back the open transaction, if there is one. Makes the models forget the changes of the transaction.
   * @param error the error that has caused the rollback
   * @throws `error` itself if it reports that the database is damaged
   */
  rollBack(error: unknown, server: Pick<RpcServer<WriterMethod>, "push">): void {
    // Tell the front that the counted changes did not happen, so that it uses its copies again.
    if (this.#counted !== null) server.push(REMOTE_CHANGES, { count: this.#counted.count, changes: [] });
    this.#counted = null;
    this.#dirty.clear();
    this.#rows.forget();
    if (this.#db.inTransaction) this.#rollback.run();
    if (isDamage(error)) throw error;
    this.#models.reload("rollback");
  }

  /** Reloads the models after a restore, which fills the tables without them. */
  refill(): void {
    this.#models.reload("refill");
  }

  /**
   * Executes one call and adds its audit row.
   * @param isRemote whether the call was made at another node
   */
  run(served: Served, isRemote = false): unknown {
    const { method, request, actor } = served;
    // The call may read rows that are still buffered, so write them first. Methods of the same family do not need this,
    // because they take each other's buffered rows into account.
    if (!isRelated(method, this.#before)) this.#rows.write();
    this.#before = method;
    const call = this.#call;
    call.actor = actor;
    const command = must(this.#commands.get(method), "a method of the writer");
    const reply = command(request, call satisfies WriteCall);
    const resource = auditedResource(served, reply);
    const { audit } = method;
    if (audit !== null && resource !== null)
      this.#audit.append(call.nowMs, actor, audit.action, resource, audit.detail(request, reply), "success");
    // A call that has failed has changed nothing.
    if (!(reply instanceof Failure)) this.#dirty.add(served, reply, resource, isRemote);
    return reply;
  }

  /**
   * Publishes the effect of the last commit. Sends, in this order: the keys of the front's stale copies, the push
   * messages of the changed models, the changes that clients watch, and the metrics of the commit. The watched kinds
   * are read only now, after the commit. A client first starts to watch, and then reads. So either its read sees this
   * commit, or the client is notified of it.
   * @param calls the number of calls, including the failed ones
   * @param startedMs the time at which the transaction began, by `performance.now()`
   */
  publish(calls: number, startedMs: number, server: Pick<RpcServer<WriterMethod>, "push" | "depth">): void {
    if (this.#counted !== null) server.push(REMOTE_CHANGES, this.#counted);
    this.#counted = null;
    const wants = this.#watched.load();
    const changes = wants === null ? null : new ChangeSet(wants);
    if (changes !== null) this.#dirty.report(changes);
    this.#dirty.clear();
    this.#models.afterCommit({
      changes,
      isReplicated: this.#remoteWrites !== null,
      push: (message, payload) => server.push(message, payload),
    });
    const changed = changes?.take() ?? null;
    if (changed !== null) server.push(CHANGES, changed);
    const durationUs = Math.round((performance.now() - startedMs) * 1000);
    server.push(COMMIT, { calls, duration_us: durationUs, waiting: server.depth });
  }
}

function isRelated(method: WriterMethod, before: WriterMethod | null): boolean {
  return method === before || (method.family !== undefined && method.family === before?.family);
}

/**
 * Returns the `resource` of a call's row in the audit log. Returns null if the writer adds no row for the call. The
 * front adds the rows of refused calls (audit/refusal-log.ts).
 */
function auditedResource({ method: { audit }, request }: Served, reply: unknown): string | null {
  if (audit === null || reply instanceof Failure || audit.writesRow?.(reply) === false) return null;
  return audit.resource(request as object, reply);
}
