/**
 * Group commit: the calls that wait become one transaction, whose commit is one fsync; replies leave
 * after it. Audit rows are written here, for every audited method alike. Runs in the writer.
 *
 * A disk that takes no more writes refuses calls, nothing else: the transaction is rolled back and each
 * of its calls is tried alone, so that a small write is not refused for a large one beside it.
 */
import { AUDIT_DETAIL_BYTES_MAX, BATCH_BYTES_MAX } from "../../schemas/limits.js";
import { METHODS, type Method } from "../../schemas/methods.js";
import { must } from "../../src/base/assert.js";
import type { Clock } from "../../src/base/clock.js";
import { Failure } from "../../src/base/result.js";
import type { CommitNotice } from "../../src/metrics/commit-notice.js";
import type { RpcServer, ServerCall } from "../../src/rpc/server.js";
import { writeFailure, type Db } from "../../src/store/open.js";
import type { WriteContext } from "../../src/store/write-context.js";
import { COMMANDS } from "./commands.js";

type Command = (context: WriteContext, request: unknown) => unknown;

export class Batch {
  readonly #db: Db;
  readonly #context: WriteContext;
  readonly #clock: Clock;
  readonly #committed: BigInt64Array;
  readonly #begin;
  readonly #commit;
  readonly #rollback;

  /** @param committed its first element is set to the id of the last call of each commit, before replies leave. */
  constructor(db: Db, context: WriteContext, clock: Clock, committed: BigInt64Array) {
    this.#db = db;
    this.#context = context;
    this.#clock = clock;
    this.#committed = committed;
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
    this.#rollback = db.prepare("ROLLBACK");
  }

  /** Carries out calls in order, in as few transactions as their size allows. */
  execute(calls: readonly ServerCall[], server: RpcServer): void {
    let group: ServerCall[] = [];
    let bytes = 0;
    for (const call of calls) {
      const size = requestBytes(call.request);
      if (group.length > 0 && bytes + size > BATCH_BYTES_MAX) {
        this.#transact(group, server);
        group = [];
        bytes = 0;
      }
      group.push(call);
      bytes += size;
    }
    this.#transact(group, server);
  }

  #transact(calls: readonly ServerCall[], server: RpcServer): void {
    const started = performance.now();
    const context = this.#context;
    const replies: unknown[] = [];
    try {
      this.#begin.run();
      // A restore moves it ahead of the clock, where the snapshot's times are.
      context.now_ms = Math.max(context.now_ms, this.#clock.now());
      for (const call of calls) replies.push(this.#run(call));
      this.#commit.run();
    } catch (error) {
      if (this.#db.inTransaction) this.#rollback.run();
      const failure = writeFailure(error);
      if (failure === undefined) throw error;
      context.reload();
      if (calls.length > 1) for (const call of calls) this.#transact([call], server);
      else server.fail(must(calls[0], "a transaction has calls"), failure);
      return;
    }
    Atomics.store(this.#committed, 0, BigInt(must(calls[calls.length - 1], "a transaction has calls").id));
    if (context.published.length > 0) {
      server.notify("events", context.published);
      context.published = [];
    }
    const outbox = context.outbox.takeNotice();
    if (outbox !== null) server.notify("outbox", outbox);
    const notice: CommitNotice = {
      calls: calls.length,
      duration_us: Math.round((performance.now() - started) * 1000),
      waiting: server.depth,
      state_keys: context.state.keys,
    };
    server.notify("commit", notice);
    for (const [at, call] of calls.entries()) {
      const reply = replies[at];
      if (reply instanceof Failure) server.fail(call, reply);
      else server.reply(call, reply);
    }
    server.flush();
  }

  /** One command and its audit row. */
  #run(call: ServerCall): unknown {
    const context = this.#context;
    const method: Method = METHODS[call.method];
    const command = COMMANDS[call.method as keyof typeof COMMANDS] as Command;
    context.actor = call.actor;
    const reply = command(context, call.request);
    const audit = method.audit;
    if (audit === null) return reply;
    if (!(reply instanceof Failure)) {
      context.audit.append(
        context.now_ms,
        call.actor,
        audit.action,
        audit.resource(call.request, reply),
        audit.detail(call.request, reply),
        "success",
      );
    } else if (reply.http < 500) {
      context.audit.append(
        context.now_ms,
        call.actor,
        audit.action,
        audit.resource(call.request, null),
        refusalDetail(reply),
        "error",
      );
    }
    return reply;
  }
}

function refusalDetail(failure: Failure): string {
  return JSON.stringify({ error: failure.message.slice(0, AUDIT_DETAIL_BYTES_MAX), code: failure.http });
}

/** What a request weighs: the bytes of its value, where it has one. */
function requestBytes(request: unknown): number {
  const value = (request as { readonly value?: unknown } | null)?.value;
  return value instanceof Uint8Array || typeof value === "string" ? value.length : 0;
}
