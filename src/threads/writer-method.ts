/**
 * One row is a method of the writer: what it takes and answers, what it weighs, how it is written to the
 * audit log, what it changes, and the function that carries it out. The function's effect depends on nothing
 * but the database, the request and what `WriteCall` says: so the same calls can be carried out again
 * elsewhere with the same outcome. Rows stand in the features' commands.ts.
 */
import type { Static, TSchema } from "typebox";
import { WRITER_DEADLINE_MS } from "../../schemas/limits.js";
import type { Failure } from "../base/result.js";
import type { Method } from "../rpc/method.js";
import type { Db } from "../store/open.js";
import type { ChangeRule } from "./changes.js";
import type { Model, Models, OpenedModels } from "./model.js";

/** What is the same for all calls of a batch but the actor. */
export interface WriteCall {
  /** The batch's time in ms, which never goes back. A restore moves it on to the times that it brings. */
  now_ms: number;
  /** Id of the calling instance, "" where unknown. */
  readonly actor: string;
  /** Has every model read anew what it keeps in memory: the tables were filled behind their backs. */
  reload(): void;
}

/** How a call is written to the audit log when its batch commits, or when it is refused before it got there. */
export interface AuditRule<Request, Reply> {
  readonly action: string;
  /**
   * What the call was about. Of a call that the front refused only those members of the request are there that
   * it had read by then; the reply is null where the call was refused: a thing that it would have made has no id.
   */
  resource(request: Partial<Request>, reply: Reply | null): string;
  /** Whether a call that succeeded leaves a row; where it is not said, each does. False for what changed nothing. */
  writesRow?(reply: Reply): boolean;
  /** JSON text for the row's `detail` on success. */
  detail(request: Request, reply: Reply): string;
}

/** The `resource` of what is named by its id. */
export function resourceId({ id = "" }: { readonly id?: string }): string {
  return id;
}

/** The `detail` of what has none. */
export function noDetail(): string {
  return "{}";
}

/** The writer's thread, for what comes after a transaction. */
export interface WriterControl {
  readonly db: Db;
  /** Serves no more calls. */
  stop(): void;
}

/** What a method of the writer does, its models bound. */
export type Command<Request, Reply> = (request: Request, call: WriteCall) => Reply | Failure;

/**
 * Where several machines carry out the same calls: `leader` is what only the node that leads may call; `here` is
 * carried out by the node that is asked, and by no other: it leaves nothing behind; `never` is what a server alone does.
 * All else is carried out by all.
 */
export type InCluster = "leader" | "here" | "never";

/** Methods of one family know of each other's rows that were put off, and need not be told apart (batch.ts). */
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
  /** Bytes of the request in mailbox and batch: `weightOf` where no cheaper sum is right. */
  readonly weight: (request: Static<Request>) => number;
  /** WRITER_DEADLINE_MS where it is not given. */
  readonly deadline_ms?: number;
  /** Null for what leaves no row: the background's calls, and writes that say of themselves who did them. */
  readonly audit: AuditRule<Static<Request>, Static<Reply>> | null;
  /** The kinds of things that a call changes, and which of them; `[]` for none that anybody keeps a copy of. */
  readonly changes: readonly ChangeRule<Static<Request>, Static<Reply>>[];
  readonly models: Named;
  readonly family?: MethodFamily;
  readonly in_cluster?: InCluster;
  /** Carries the call out, inside the batch's transaction: every check comes before the first effect. */
  readonly run: (models: OpenedModels<Named>, request: Static<Request>, call: WriteCall) => Static<Reply> | Failure;
  /** What is to be done in the thread after the transaction, whatever became of the call. */
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
