/**
 * Defines the methods of the writer. A method declares its request and reply, its weight, its audit rule, its changes,
 * and the function that executes it. The function's effect depends only on the database, the request and the members of
 * `WriteCall`. So another node that executes the same calls reaches the same state. The methods are declared in the
 * features' commands.ts.
 */
import type { Static, TSchema } from "typebox";
import { WRITER_DEADLINE_MS } from "../../schemas/limits/writer.js";
import type { Failure } from "../base/result.js";
import type { Method } from "../rpc/method.js";
import type { Db } from "../store/open.js";
import type { ChangeRule } from "./changes.js";
import type { Model, Models, OpenedModels } from "./model.js";

/** The context in which a call is executed. Except for the actor, the members are the same for all calls of a batch. */
export interface WriteCall {
  /** The time of the batch in ms. It never goes back, and a restore moves it forward to the times in its snapshot. */
  now_ms: number;
  /** The id of the calling instance; "" if unknown. */
  readonly actor: string;
  /** Makes every model read its tables again. Needed after the tables were filled without the models. */
  reload(): void;
}

/** Defines the row that a call gets in the audit log when its batch commits, or when it is refused. */
export interface AuditRule<Request, Reply> {
  readonly action: string;
  /**
   * Returns the name of the thing that the call was about. For a refused call the reply is null, so a thing that the
   * call would have created has no id. If the front has refused the call, the request has only the members that the
   * front had read by then.
   */
  resource(request: Partial<Request>, reply: Reply | null): string;
  /**
   * Whether a successful call writes a row. It returns false for a call that changed nothing. By default each call
   * writes a row.
   */
  writesRow?(reply: Reply): boolean;
  /** Returns the row's `detail` for a successful call, as JSON text. */
  detail(request: Request, reply: Reply): string;
}

/** Returns the `resource` of a thing that is named by its id. */
export function resourceId({ id = "" }: { readonly id?: string }): string {
  return id;
}

/** Returns the `detail` of a call without details. */
export function noDetail(): string {
  return "{}";
}

/** Controls the writer thread after a transaction. */
export interface WriterControl {
  readonly db: Db;
  /** Ends the writer thread, which then serves no more calls. */
  stop(): void;
}

/** The function that executes a writer method, with the method's models bound to it. */
export type Command<Request, Reply> = (request: Request, call: WriteCall) => Reply | Failure;

/**
 * Which nodes of a cluster execute a call. `leader`: all nodes, but only the leader may make the call. `here`: only the
 * node that is called, because the call changes nothing. `never`: no node, only a single server. By default all nodes
 * execute a call, and each may make it.
 */
export type InCluster = "leader" | "here" | "never";

/**
 * A group of methods that take each other's buffered rows into account. So the rows need not be written between calls
 * of one family (transaction.ts).
 */
export type MethodFamily = "claims";

export interface WriterMethod<Request extends TSchema = TSchema, Reply extends TSchema = TSchema>
  extends Method<Request, Reply> {
  readonly kind: "unary";
  readonly runs_in: "writer";
  readonly audit: AuditRule<Static<Request>, Static<Reply>> | null;
  readonly changes: readonly ChangeRule<Static<Request>, Static<Reply>>[];
  readonly family?: MethodFamily;
  readonly in_cluster?: InCluster;
  rows?(request: Static<Request>): number;
  bind(models: Models): Command<Static<Request>, Static<Reply>>;
  afterwards?(control: WriterControl): void;
}

export interface WriterRow<
  Request extends TSchema,
  Reply extends TSchema,
  Named extends Readonly<Record<string, Model>>,
> {
  /** `feature.verb`; unique among all methods. */
  readonly name: string;
  readonly request: Request;
  readonly reply: Reply;
  /**
   * Returns the size of the request in bytes, which counts towards the limits of the mailbox and of a batch. This is
   * `weightOf`, unless the method can compute the sum more cheaply.
   */
  readonly weight: (request: Static<Request>) => number;
  /** Returns the number of tasks, events or recipients in the request, if one request may have many. */
  readonly rows?: (request: Static<Request>) => number;
  /** WRITER_DEADLINE_MS by default. */
  readonly deadline_ms?: number;
  /**
   * The audit rule; null for a method without audit rows. Background calls have none, and neither have writes that
   * store their author themselves.
   */
  readonly audit: AuditRule<Static<Request>, Static<Reply>> | null;
  /**
   * The rules that say which kinds of things and which keys a call changes; `[]` if no client or cache keeps copies of
   * them.
   */
  readonly changes: readonly ChangeRule<Static<Request>, Static<Reply>>[];
  readonly models: Named;
  readonly family?: MethodFamily;
  readonly in_cluster?: InCluster;
  /** Executes the call inside the batch's transaction. All checks must come before the first effect. */
  readonly run: (models: OpenedModels<Named>, request: Static<Request>, call: WriteCall) => Static<Reply> | Failure;
  /** Called in the writer thread after the transaction, whether or not the call has succeeded. */
  readonly afterwards?: (control: WriterControl) => void;
}

export function writerMethod<
  Request extends TSchema,
  Reply extends TSchema,
  Named extends Readonly<Record<string, Model>>,
>(row: WriterRow<Request, Reply, Named>): WriterMethod<Request, Reply> {
  const { models: named, run, deadline_ms = WRITER_DEADLINE_MS, ...rest } = row;
  return {
    ...rest,
    kind: "unary",
    runs_in: "writer",
    deadline_ms,
    bind: (models) => run.bind(undefined, models.bind(named)),
  };
}
