/**
 * Defines the form of a writer method. A method declares its request and reply, its weight, its audit rule, the things
 * that it changes, and the function that executes it. Each feature declares its methods in its commands.ts.
 *
 * The effect of the function depends only on the database, the request and the members of `WriteCall`. So another node
 * that executes the same calls reaches the same state.
 */
import type { Static, TSchema } from "typebox";
import { WRITER_DEADLINE_MS } from "../../../schemas/limits/writer.js";
import type { Failure } from "../../base/result.js";
import type { Method } from "../rpc/method.js";
import type { ServerCall } from "../rpc/server.js";
import type { Db } from "../store/open.js";
import type { ChangeRule } from "./changes.js";
import type { Model, Models, OpenedModels } from "./model.js";

/** The data about a call that its method may use. All calls of a batch share it, except for the actor. */
export interface WriteCall {
  /** The time of the batch in ms. It never goes back. A restore moves it forward to the newest time in its snapshot. */
  nowMs: number;
  /** The id of the instance that made the call; "" if it is unknown. */
  readonly actor: string;
  /** Makes every model read its tables again. A restore needs this, because it fills the tables without the models. */
  reload(): void;
}

/** Defines the audit row of a call. The row is written when the call's batch commits, or when the call is refused. */
export interface AuditRule<Request, Reply> {
  readonly action: string;
  /**
   * Returns the name of the thing that the call was about. If the call was refused, the reply is null, and a thing that
   * the call would have created has no id. If the front refused the call, the request has only the members that the
   * front had read by that time.
   */
  resource(request: Partial<Request>, reply: Reply | null): string;
  /**
   * Returns whether a successful call gets a row. A call that changed nothing gets none. By default every call gets a
   * row.
   */
  writesRow?(reply: Reply): boolean;
  /** Returns the row's `detail` for a successful call, as JSON text. */
  detail(request: Request, reply: Reply): string;
}

/** Returns the `resource` of a thing whose name is its id. */
export function resourceId({ id = "" }: { readonly id?: string }): string {
  return id;
}

/** Returns the `detail` of a call without details. */
export function noDetail(): string {
  return "{}";
}

/** Lets a method control the writer thread after its transaction. */
export interface WriterControl {
  readonly db: Db;
  /** Ends the writer thread, which then serves no more calls. */
  stop(): void;
}

/** The function that executes calls of a method. It already has the method's models. */
export type Command<Request, Reply> = (request: Request, call: WriteCall) => Reply | Failure;

/**
 * Says which nodes of a cluster may make a call, and which nodes execute it. If absent, every node may make the call,
 * and all nodes execute it. `leader`: only the leader may make the call. `here`: only the node that makes the call
 * executes it, because the call changes nothing. `never`: only a single server may make the call.
 */
export type InCluster = "leader" | "here" | "never";

/**
 * A group of methods that take each other's buffered rows into account. Between two calls of one family, the buffered
 * rows need not be written to the database (transaction.ts).
 */
export type MethodFamily = "claims";

export interface WriterMethod<Request extends TSchema = TSchema, Reply extends TSchema = TSchema>
  extends Method<Request, Reply> {
  readonly kind: "unary";
  readonly runsIn: "writer";
  readonly audit: AuditRule<Static<Request>, Static<Reply>> | null;
  readonly changes: readonly ChangeRule<Static<Request>, Static<Reply>>[];
  readonly family?: MethodFamily;
  readonly inCluster?: InCluster;
  rows?(request: Static<Request>): number;
  bind(models: Models): Command<Static<Request>, Static<Reply>>;
  afterwards?(control: WriterControl): void;
}

/** The members of a call that are needed to execute it. */
export type Served = Pick<ServerCall<WriterMethod>, "method" | "actor" | "request">;

export interface WriterRow<
  Request extends TSchema,
  Reply extends TSchema,
  Named extends Readonly<Record<string, Model>>,
> {
  /** The name, `feature.verb`. It is unique among all methods. */
  readonly name: string;
  readonly request: Request;
  readonly reply: Reply;
  /**
   * Returns the size of the request in bytes, which counts towards the limits of the mailbox and of a batch. Most
   * methods use `weightOf`. Some compute the size more cheaply.
   */
  readonly weight: (request: Static<Request>) => number;
  /**
   * Returns the number of rows that the request stores or changes, or an upper limit. Present if one request may have
   * many rows: tasks, events, recipients, marks, contracts.
   */
  readonly rows?: (request: Static<Request>) => number;
  /** The deadline in ms; WRITER_DEADLINE_MS by default. */
  readonly deadlineMs?: number;
  /**
   * The audit rule; null if the method has no audit rows. Two groups of methods have none: background calls, and writes
   * whose stored rows already name their author.
   */
  readonly audit: AuditRule<Static<Request>, Static<Reply>> | null;
  /**
   * The rules for the things that a call changes. `[]` if clients cannot watch these things and the front does not
   * cache them.
   */
  readonly changes: readonly ChangeRule<Static<Request>, Static<Reply>>[];
  readonly models: Named;
  readonly family?: MethodFamily;
  readonly inCluster?: InCluster;
  /** Executes the call inside the batch's transaction. The function must make all checks before its first change. */
  readonly run: (models: OpenedModels<Named>, request: Static<Request>, call: WriteCall) => Static<Reply> | Failure;
  /** Called in the writer thread after the transaction of the call, whether the call has succeeded or failed. */
  readonly afterwards?: (control: WriterControl) => void;
}

export function writerMethod<
  Request extends TSchema,
  Reply extends TSchema,
  Named extends Readonly<Record<string, Model>>,
>(row: WriterRow<Request, Reply, Named>): WriterMethod<Request, Reply> {
  const { models: named, run, deadlineMs = WRITER_DEADLINE_MS, ...rest } = row;
  return {
    ...rest,
    kind: "unary",
    runsIn: "writer",
    deadlineMs,
    bind: (models) => run.bind(undefined, models.bind(named)),
  };
}
