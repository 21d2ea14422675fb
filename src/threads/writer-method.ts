/**
 * A row of this kind is a method of the writer: its request and reply, its weight, its audit rule, its changes, and the
 * function that executes it. The function's effect depends only on the database, the request and the members of
 * `WriteCall`. So another node that executes the same calls reaches the same state. The rows are in the features'
 * commands.ts.
 */
import type { Static, TSchema } from "typebox";
import { WRITER_DEADLINE_MS } from "../../schemas/limits.js";
import type { Failure } from "../base/result.js";
import type { Method } from "../rpc/method.js";
import type { Db } from "../store/open.js";
import type { ChangeRule } from "./changes.js";
import type { Model, Models, OpenedModels } from "./model.js";

/** The members are the same for all calls of a batch, except for the actor. */
export interface WriteCall {
  /** The batch's time in ms, which never goes back. A restore moves it forward to the times in its snapshot. */
  now_ms: number;
  /** The id of the calling instance; "" if unknown. */
  readonly actor: string;
  /** Makes every model read its tables again, because they were filled without the models. */
  reload(): void;
}

/** Says how a call is written to the audit log: when its batch commits, or when it is refused before that. */
export interface AuditRule<Request, Reply> {
  readonly action: string;
  /**
   * Returns the name of the thing that the call was about. If the front refused the call, the request has only the
   * members that were read by then. If the call was refused, the reply is null: a thing that it would have created has
   * no id.
   */
  resource(request: Partial<Request>, reply: Reply | null): string;
  /** Whether a successful call writes a row; by default each does. False for a call that changed nothing. */
  writesRow?(reply: Reply): boolean;
  /** JSON text for the row's `detail` on success. */
  detail(request: Request, reply: Reply): string;
}

/** The `resource` of a thing that is named by its id. */
export function resourceId({ id = "" }: { readonly id?: string }): string {
  return id;
}

/** The `detail` of a call that has none. */
export function noDetail(): string {
  return "{}";
}

/** Controls the writer thread after a transaction. */
export interface WriterControl {
  readonly db: Db;
  /** Ends the thread: it serves no more calls. */
  stop(): void;
}

/** The function of a writer method, with its models bound. */
export type Command<Request, Reply> = (request: Request, call: WriteCall) => Reply | Failure;

/**
 * The nodes of a cluster that execute a call. `leader`: all nodes, but only the leader may make the call. `here`: only
 * the node that is asked, because the call changes nothing. `never`: none, only a single server. By default all nodes
 * execute it.
 */
export type InCluster = "leader" | "here" | "never";

/**
 * The methods of one family know of each other's buffered rows, so the rows are not written between their calls
 * (transaction.ts).
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
  /** The bytes of the request in mailbox and batch: `weightOf` unless a cheaper sum is right. */
  readonly weight: (request: Static<Request>) => number;
  /** WRITER_DEADLINE_MS by default. */
  readonly deadline_ms?: number;
  /** Null for a method without audit rows: background calls, and writes that record their author themselves. */
  readonly audit: AuditRule<Static<Request>, Static<Reply>> | null;
  /** The kinds of things that a call changes, and which of them; `[]` if no client or cache has copies of them. */
  readonly changes: readonly ChangeRule<Static<Request>, Static<Reply>>[];
  readonly models: Named;
  readonly family?: MethodFamily;
  readonly in_cluster?: InCluster;
  /** Executes the call inside the batch's transaction. Every check comes before the first effect. */
  readonly run: (models: OpenedModels<Named>, request: Static<Request>, call: WriteCall) => Static<Reply> | Failure;
  /** Runs in the thread after the transaction, whether or not the call succeeded. */
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
