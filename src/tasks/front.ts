/** Serves the HTTP routes of tasks: creates, claims and changes tasks, and waits for them. Runs on the front. */
import type { Static } from "typebox";
import { CLAIM_MAX_S_DEFAULT } from "../../schemas/limits/claims.js";
import { LEASE_TTL_S_DEFAULT } from "../../schemas/limits/leases.js";
import {
  CLAIM_BUSY_MAX,
  TASK_ATTEMPTS_DEFAULT,
  TASK_PRIORITY_DEFAULT,
  TASK_ROWS_DEFAULT,
  TASK_VALUE_BYTES_MAX,
  TASKS_AFTER_TOGETHER_MAX,
} from "../../schemas/limits/tasks.js";
import {
  type AnswerBody,
  type AskBody,
  type CancelBody,
  ClaimBody,
  type ClaimTaskReply,
  type ClaimTaskRequest,
  type CompleteBody,
  type EndTaskRequest,
  type FailBody,
  type ListTasksRequest,
  type NewTask,
  type ProgressBody,
  type ReleaseBody,
  TaskBody,
  type TaskChanged,
  type TaskPatch,
  type TaskQuery,
  type TasksBody,
} from "../../schemas/tasks.js";
import { utf8Length } from "../../schemas/text.js";
import { SECOND_MS } from "../../shared/duration.js";
import type { Clock } from "../base/clock.js";
import { toOneLine } from "../../shared/json-text.js";
import type { Log } from "../base/log.js";
import { NEEDS_INSTANCE } from "../base/needs-instance.js";
import { Failure, invalid } from "../base/result.js";
import { formatTime } from "../base/time.js";
import { sentWorkspace } from "../base/workspace-header.js";
import type { Expiry } from "../claims/expiry.js";
import { readResources } from "../claims/lease.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import type { LeasePresenter } from "../claims/lease-presenter.js";
import { jsonReply, listReply, readReply } from "../front/reply.js";
import type { Answer, Request } from "../front/route.js";
import { mayAll } from "../front/roles.js";
import type { Directory } from "../instances/directory.js";
import { hashRequest } from "../idempotency/hash.js";
import type { CallContext } from "../rpc/frames.js";
import type { Reads } from "../threads/reads.js";
import type { Writer } from "../threads/writer.js";
import type { ClaimWaiters } from "./claim-waiters.js";
import type { TaskProjection } from "./task-projection.js";
import {
  answerTask,
  askAboutTask,
  cancelTask,
  claimTask,
  completeTask,
  createTasks,
  failTask,
  patchTask,
  releaseTask,
  reportProgress,
  retryTask,
} from "./commands.js";
import { encodeTaskWithHistory, encodeWholeTask } from "./encode.js";
import { listTasks, readTasks } from "./jobs.js";
import { taskReader, type TaskReader, type WholeTaskRow } from "./table.js";
import type { Claimant } from "./ready-queue.js";
import { POSITION_SIGN, unknownTask } from "./plan.js";
import { hasEnded, noTask } from "./task.js";

export interface TaskFrontOptions {
  /** Whether the server requires tokens. */
  readonly guarded: boolean;
  readonly writer: Writer;
  readonly reads: Reads;
  readonly directory: Directory;
  readonly waiters: ClaimWaiters;
  readonly tasks: Pick<TaskProjection, "busyFor">;
  readonly leases: LeaseProjection;
  readonly presenter: LeasePresenter;
  readonly expiry: Expiry;
  readonly clock: Clock;
  readonly log: Log;
}

/** A call about a task, with its caller and the caller's roles. */
export type TaskCall = Pick<Request, "caller" | "context">;
type CreateCall = Pick<
  Request<readonly string[], unknown, "x-koor-workspace", Static<typeof TasksBody>>,
  "free" | "json" | "headers" | "context"
>;
type CallOf<Json> = Pick<Request<readonly string[], unknown, string, Json>, "free" | "json" | "context" | "onAbort">;

/**
 * Ids that a client could not use in a path: `/tasks/claim` is another call, and clients normalize `.` and `..` away.
 */
const UNREACHABLE: ReadonlySet<string> = new Set(["claim", ".", ".."]);
/** Marks a read that may look at any number of rows. Such a read runs in the thread pool. */
const MANY_ROWS = Number.POSITIVE_INFINITY;

export class TaskFront {
  readonly #options: TaskFrontOptions;
  readonly #reader: TaskReader;
  /**
   * The last pending part of a long claim. The parts of all claims run one after the other, so that a transaction
   * contains at most one part of one claim.
   */
  #lastPart: Promise<unknown> = Promise.resolve();

  constructor(options: TaskFrontOptions) {
    this.#options = options;
    this.#reader = options.reads.model(taskReader);
  }

  /** Creates one task or several. The reply is the created task, or the list of them. */
  async create({ free, json, headers, context }: CreateCall): Promise<Answer> {
    const { writer, reads, log } = this.#options;
    const many = Array.isArray(json);
    const bodies = many ? json : [json];
    // Positions refer to items of an array.
    const position = many ? undefined : json.after?.find((name) => name.startsWith(POSITION_SIGN));
    if (position !== undefined) return unknownTask(position);
    const references = bodies.reduce((sum, { after = [] }) => sum + after.length, 0);
    if (references > TASKS_AFTER_TOGETHER_MAX) {
      const most = TASKS_AFTER_TOGETHER_MAX;
      return invalid(`after of all tasks together names more than ${most}: make fewer tasks with one call`);
    }
    const tasks: NewTask[] = [];
    const fallback = sentWorkspace(headers["x-koor-workspace"]);
    if (fallback instanceof Failure) return fallback;
    const workspace = this.#options.directory.get(context.actor)?.workspace ?? fallback;
    for (const [at, body] of bodies.entries()) {
      const task = this.#newTask(body, free[at], many ? `[${at}].` : "", workspace);
      if (task instanceof Failure) return task;
      tasks.push(task);
    }
    const reply = await writer.request(createTasks, { tasks }, context);
    if (reply instanceof Failure) return reply;
    if (log.infos && reply.made.length > 0) log.info("tasks created", { id: reply.made[0], count: reply.made.length });
    const { rows } = reply;
    return many ? readReply(reads.stream(readTasks, { rows }, context, rows.length)) : this.#answer(rows[0] ?? 0, "");
  }

  list({ query, context }: Pick<Request<readonly string[], TaskQuery>, "query" | "context">): Answer | Promise<Answer> {
    const { reads } = this.#options;
    const { workspace = null, state = null, label = null, holder = null, assignee = null, after } = query;
    const before = after === undefined ? Number.MAX_SAFE_INTEGER : this.#reader.rowOf(after);
    if (before === undefined) return noTask(after ?? "");
    const request: ListTasksRequest = {
      workspace,
      state: state as ListTasksRequest["state"],
      label,
      holder,
      assignee,
      before,
      limit: query.limit ?? TASK_ROWS_DEFAULT,
    };
    return listReply(reads.stream(listTasks, request, context, MANY_ROWS));
  }

  get(id: string): Answer {
    const task = this.#find(id);
    if (task === undefined) return noTask(id);
    return jsonReply(encodeTaskWithHistory(task, this.#reader.history(task.row), this.#reader.dependents(task.row)));
  }

  /**
   * Claims a task for the caller. The reply has the task and its lease; both are null if there is no task for the
   * caller.
   */
  async claim({ json, context, onAbort }: CallOf<ClaimBody>): Promise<Answer> {
    const { directory, waiters } = this.#options;
    const caller = directory.get(context.actor);
    if (caller === undefined) return NEEDS_INSTANCE;
    const { workspace = caller.workspace, labels = [], id = null, wait_s = 0, request_id = null } = json;
    const request = {
      workspace,
      labels,
      id,
      ttl_s: json.ttl_s ?? null,
      request_id,
      request_hash: hashRequest(ClaimBody, json),
    };
    let gone = false;
    onAbort(() => (gone = true));
    const isGone = (): boolean => gone;
    let reply = await this.#claimNow(request, context, isGone);
    if (wait_s > 0 && !gone && this.#mayStillCome(id, reply)) {
      // If the caller names a task, wait in that task's workspace, because the caller may claim it from any workspace.
      const named = id === null ? undefined : this.#find(id);
      const where = named === undefined ? { workspace, labels } : { workspace: named.workspace, labels: [] };
      const { name } = caller;
      const claimant: Claimant = {
        id: caller.id,
        name,
        ...where,
        // Its capabilities may change while it waits.
        get capabilities() {
          return directory.get(caller.id)?.capabilities ?? [];
        },
      };
      const attempt = async (): Promise<ClaimTaskReply | Failure | null> => {
        reply = await this.#claimNow(request, context, isGone);
        return this.#mayStillCome(id, reply) ? null : reply;
      };
      await waiters.wait({ claimant, id, request_id }, wait_s * SECOND_MS, attempt, onAbort);
    }
    if (reply instanceof Failure) return this.#options.presenter.showFailure(reply);
    // Release the claim: the client has disconnected without seeing the task and, without a `request_id`, cannot ask
    // for it again.
    if (gone && reply.made && request_id === null) this.#releaseClaim(reply, context);
    const { capabilities } = directory.get(caller.id) ?? caller;
    return this.#claimed(reply, { id: caller.id, name: caller.name, capabilities, workspace, labels });
  }

  /**
   * Lets the writer search for a task. A long search takes several transactions, so that writes of other callers run in
   * between.
   */
  async #claimNow(
    request: ClaimTaskRequest,
    context: CallContext,
    isGone: () => boolean,
  ): Promise<ClaimTaskReply | Failure> {
    const { writer } = this.#options;
    let reply = await writer.request(claimTask, request, context);
    while (!(reply instanceof Failure) && reply.more !== undefined && !isGone()) {
      const part = { ...request, behind: reply.more };
      const next = this.#lastPart.then(() => writer.request(claimTask, part, context));
      this.#lastPart = next;
      reply = await next;
    }
    return reply;
  }

  async progress(id: string, { free: [given], json, context }: CallOf<ProgressBody>): Promise<Answer> {
    const { writer, leases, expiry, clock } = this.#options;
    const checkpoint = readValue(given, "checkpoint");
    if (checkpoint instanceof Failure) return checkpoint;
    const { fence, percent = null, note = null } = json;
    const reply = await writer.request(reportProgress, { id, fence, percent, note, checkpoint }, context);
    if (reply instanceof Failure) return reply;
    const claim = leases.get(reply.claim);
    const expires_ms = claim === undefined ? null : expiry.endOf(claim);
    const { cancel_requested } = reply;
    return jsonReply(JSON.stringify({ expires_at: formatTime(expires_ms ?? clock.now()), cancel_requested }));
  }

  async complete(id: string, { free: [given], json, context }: CallOf<Static<typeof CompleteBody>>): Promise<Answer> {
    const value = readValue(given, "result");
    if (value instanceof Failure) return value;
    const request = ending(id, json.fence, { value });
    return this.#changed(id, "task done", await this.#options.writer.request(completeTask, request, context));
  }

  async fail(
    id: string,
    { fence, error, retry = true }: Static<typeof FailBody>,
    context: CallContext,
  ): Promise<Answer> {
    const request = ending(id, fence, { text: error, retry });
    return this.#changed(id, "task failed", await this.#options.writer.request(failTask, request, context));
  }

  async release(id: string, { fence, note }: Static<typeof ReleaseBody>, context: CallContext): Promise<Answer> {
    const request = ending(id, fence, { text: note ?? null });
    return this.#changed(id, "task released", await this.#options.writer.request(releaseTask, request, context));
  }

  async ask(id: string, { fence, question }: Static<typeof AskBody>, context: CallContext): Promise<Answer> {
    const request = ending(id, fence, { text: question });
    return this.#changed(id, "task asks", await this.#options.writer.request(askAboutTask, request, context));
  }

  async answer(id: string, { answer }: Static<typeof AnswerBody>, call: TaskCall): Promise<Answer> {
    const request = { id, owns: this.#owns(call), answer };
    return this.#changed(id, "task answered", await this.#options.writer.request(answerTask, request, call.context));
  }

  async cancel(id: string, { reason }: Static<typeof CancelBody>, call: TaskCall): Promise<Answer> {
    const request = { id, owns: this.#owns(call), reason: reason ?? null };
    return this.#changed(id, "task canceled", await this.#options.writer.request(cancelTask, request, call.context));
  }

  async retry(id: string, call: TaskCall): Promise<Answer> {
    const request = { id, owns: this.#owns(call) };
    return this.#changed(id, "task retried", await this.#options.writer.request(retryTask, request, call.context));
  }

  async patch(
    id: string,
    { not_before, assignee, labels, after, ...patch }: TaskPatch,
    call: TaskCall,
  ): Promise<Answer> {
    const request = {
      ...patch,
      ...(after === undefined ? {} : { after: [...new Set(after)] }),
      id,
      owns: this.#owns(call),
      ...(labels === undefined ? {} : { labels: [...new Set(labels)] }),
      ...(not_before === undefined ? {} : { not_before: timeOf(not_before) }),
      ...(assignee === undefined ? {} : { assignee: nameOf(assignee) }),
    };
    return this.#changed(id, "task changed", await this.#options.writer.request(patchTask, request, call.context));
  }

  /** Returns whether a call may manage the tasks of every creator. */
  #owns({ caller }: TaskCall): boolean {
    return mayAll(this.#options.guarded, caller);
  }

  /** Makes a new task from a request, and checks its resources and its size. */
  #newTask(body: TaskBody, given: string | null | undefined, at: string, callersOwn: string): NewTask | Failure {
    const { workspace = callersOwn, resources = [] } = body;
    if (UNREACHABLE.has(body.id ?? "")) return invalid(`${at}id must not be ${body.id}`);
    const read = readResources(resources, workspace);
    if (read instanceof Failure) return invalid(`${at}${read.message}`);
    const data = readValue(given, "data", at);
    if (data instanceof Failure) return data;
    return {
      id: body.id ?? null,
      workspace,
      title: body.title,
      body: body.body ?? "",
      data,
      labels: [...new Set(body.labels)],
      requires: [...new Set(body.requires)],
      resources,
      priority: body.priority ?? TASK_PRIORITY_DEFAULT,
      after: body.after ?? [],
      max_attempts: body.max_attempts ?? TASK_ATTEMPTS_DEFAULT,
      ttl_s: body.ttl_s ?? LEASE_TTL_S_DEFAULT,
      max_s: body.max_s ?? CLAIM_MAX_S_DEFAULT,
      not_before: timeOf(body.not_before ?? null),
      assignee: nameOf(body.assignee ?? null),
      request_id: body.request_id ?? null,
      request_hash: hashRequest(TaskBody, body, data),
    };
  }

  /**
   * Returns whether a claim that got no task may get one later. A claim that named a task gets none after the task has
   * ended.
   */
  #mayStillCome(id: string | null, reply: ClaimTaskReply | Failure): boolean {
    if (!(reply instanceof Failure)) return reply.task === null;
    if (id === null || reply.status !== "ALREADY_EXISTS") return false;
    const task = this.#find(id);
    return task !== undefined && !hasEnded(task.state);
  }

  #find(id: string): WholeTaskRow | undefined {
    const row = this.#reader.rowOf(id);
    return row === undefined ? undefined : this.#reader.get(row);
  }

  #releaseClaim({ task }: ClaimTaskReply, context: CallContext): void {
    const { writer, leases } = this.#options;
    const claim = task === null ? undefined : leases.get(task.claim);
    if (task === null || claim === undefined) return;
    const request = ending(task.id, claim.fence, {});
    void writer.request(releaseTask, request, context);
  }

  #claimed({ task, made }: ClaimTaskReply, claimant: Claimant): Answer {
    const { presenter, log } = this.#options;
    const row = task === null ? undefined : this.#reader.get(task.row);
    if (task === null || row === undefined) {
      const busy = this.#busyFor(claimant);
      return jsonReply(JSON.stringify({ task: null, lease: null, ...(busy.length === 0 ? {} : { busy }) }));
    }
    if (log.infos && made) log.info("task claimed", { id: task.id });
    const lease = presenter.find(task.claim);
    const shown = lease === undefined ? "null" : JSON.stringify(presenter.show(lease));
    return jsonReply(`{"task":${encodeWholeTask(row)},"lease":${shown}}`);
  }

  /** Returns the busy tasks that a claim has skipped, each with a lease that blocks it. */
  #busyFor(claimant: Claimant): readonly object[] {
    const { tasks, presenter, clock } = this.#options;
    return tasks.busyFor(claimant, clock.now(), CLAIM_BUSY_MAX).map(({ task, wanted, resource, lease }) => ({
      id: task.id,
      title: this.#reader.get(task.row)?.title ?? "",
      wanted,
      resource,
      lease: presenter.show(lease),
    }));
  }

  #changed(id: string, what: string, reply: TaskChanged | Failure): Answer {
    const { log } = this.#options;
    if (reply instanceof Failure) return reply;
    if (log.infos && reply.changed) log.info(what, { id });
    return this.#answer(reply.row, id);
  }

  #answer(row: number, id: string): Answer {
    const task = this.#reader.get(row);
    return task === undefined ? noTask(id) : jsonReply(encodeWholeTask(task));
  }
}

/** Makes a request that ends the claim of a task. `texts` sets the texts that the request stores. */
function ending(id: string, fence: number, texts: Partial<Omit<EndTaskRequest, "id" | "fence">>): EndTaskRequest {
  return { id, fence, text: null, value: null, retry: false, ...texts };
}

function timeOf(time: string | null): number | null {
  return time === null ? null : Date.parse(time);
}

/** An empty name means no assignee. */
function nameOf(assignee: string | null): string | null {
  return assignee === "" ? null : assignee;
}

/**
 * Returns the JSON text of a member, on one line. Returns null if the member is absent or null.
 * @param at the prefix of the member's name in a refusal
 */
function readValue(given: string | null | undefined, name: string, at = ""): string | null | Failure {
  const value = given === undefined || given === null || given === "null" ? null : toOneLine(given);
  return value !== null && utf8Length(value) > TASK_VALUE_BYTES_MAX
    ? invalid(`${at}${name} is longer than ${TASK_VALUE_BYTES_MAX} bytes`)
    : value;
}
