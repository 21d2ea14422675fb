/** Serves the HTTP routes of tasks. Runs on the front. */
import type { Static } from "typebox";
import { CLAIM_BUSY_MAX, TASK_ROWS_DEFAULT, TASKS_AFTER_TOGETHER_MAX } from "../../../schemas/limits/tasks.js";
import type {
  AnswerBody,
  AskBody,
  CancelBody,
  CompleteBody,
  EndTaskRequest,
  FailBody,
  ListTasksRequest,
  NewTask,
  ProgressBody,
  ReleaseBody,
  TaskChanged,
  TaskPatch,
  TaskQuery,
  TasksBody,
} from "../../../schemas/tasks.js";
import type { Clock } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import { Failure, invalid } from "../../base/result.js";
import { formatTime } from "../../base/time.js";
import { sentWorkspace } from "../../base/workspace-header.js";
import type { Expiry } from "../claims/expiry.js";
import type { LeasePresenter } from "../claims/lease-presenter.js";
import { showRequired } from "../evidence/required-commands.js";
import { evidenceReader, type EvidenceReader } from "../evidence/table.js";
import { jsonReply, listReply, readReply } from "../../platform/front/reply.js";
import { mayAll } from "../../platform/front/roles.js";
import type { Answer, Request } from "../../platform/front/route.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import { type ClaimCall, TaskClaiming, type TaskClaimingOptions } from "./claiming.js";
import {
  answerTask,
  askAboutTask,
  cancelTask,
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
import { POSITION_SIGN, unknownTask } from "./plan.js";
import type { Claimant } from "./ready-queue.js";
import { type RequiredCommands, requiredTable, type RequiredTable } from "./required-table.js";
import { taskReader, type TaskReader } from "./table.js";
import { noTask } from "./task.js";
import { assigneeOf, commandsOf, newTaskOf, readValue, timeOf } from "./task-body.js";
import type { TaskProjection } from "./task-projection.js";

export interface TaskFrontOptions extends TaskClaimingOptions {
  /** Whether the server requires tokens. */
  readonly guarded: boolean;
  readonly tasks: Pick<TaskProjection, "busyFor">;
  readonly presenter: LeasePresenter;
  readonly expiry: Expiry;
  readonly clock: Clock;
  readonly log: Log;
}

/** The part of a request about a task that this module reads. */
export type TaskCall = Pick<Request, "caller" | "context">;
type CreateCall = Pick<
  Request<readonly string[], unknown, "x-koor-workspace", Static<typeof TasksBody>>,
  "free" | "json" | "headers" | "context"
>;
type CallOf<Json> = Pick<Request<readonly string[], unknown, string, Json>, "free" | "json" | "context">;

/** A number of rows that makes a read run in the worker pool. It is for reads that may examine any number of tasks. */
const MANY_ROWS = Number.POSITIVE_INFINITY;
const NOTHING_REQUIRED: RequiredCommands = { commands: [], editedMs: null, staleTo: 0 };

export class TaskFront {
  readonly #options: TaskFrontOptions;
  readonly #reader: TaskReader;
  readonly #required: RequiredTable;
  readonly #records: EvidenceReader;
  readonly #claiming: TaskClaiming;

  constructor(options: TaskFrontOptions) {
    this.#options = options;
    this.#reader = options.reads.model(taskReader);
    this.#required = options.reads.model(requiredTable);
    this.#records = options.reads.model(evidenceReader);
    this.#claiming = new TaskClaiming(options);
  }

  /** Creates one task or several. Replies with the created task, or with the list of created tasks. */
  async create({ free, json, headers, context }: CreateCall): Promise<Answer> {
    const { writer, reads, log } = this.#options;
    const many = Array.isArray(json);
    const bodies = many ? json : [json];
    // Reject a reference to an array position in `after`. The body is a single task and not an array.
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
      const task = newTaskOf(body, free[at], many ? `[${at}].` : "", workspace);
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
    const task = this.#reader.byId(id);
    if (task === undefined) return noTask(id);
    const { commands, editedMs, staleTo } = this.#required.of(task.row) ?? NOTHING_REQUIRED;
    const evidence = showRequired(this.#records, { task: id, commands }, staleTo);
    const history = this.#reader.history(task.row);
    return jsonReply(encodeTaskWithHistory(task, history, this.#reader.dependents(task.row), { evidence, editedMs }));
  }

  /**
   * Claims a task for the caller. Replies with the task and its lease. Both are null if there is no task that the
   * caller may have.
   */
  async claim(call: ClaimCall): Promise<Answer> {
    const claimed = await this.#claiming.claim(call);
    if (claimed instanceof Failure) return this.#options.presenter.showFailure(claimed);
    const { task, made, claimant, held = [] } = claimed;
    const { presenter, log } = this.#options;
    const row = task === null ? undefined : this.#reader.get(task.row);
    if (task === null || row === undefined) {
      const busy = held.length > 0 ? [] : this.#busyFor(claimant);
      return jsonReply(
        JSON.stringify({
          task: null,
          lease: null,
          ...(busy.length === 0 ? {} : { busy }),
          ...(held.length === 0 ? {} : { held }),
        }),
      );
    }
    if (log.infos && made) log.info("task claimed", { id: task.id });
    const lease = presenter.find(task.claim);
    const shown = lease === undefined ? "null" : JSON.stringify(presenter.show(lease));
    return jsonReply(`{"task":${encodeWholeTask(row)},"lease":${shown}}`);
  }

  async progress(id: string, { free: [given], json, context }: CallOf<ProgressBody>): Promise<Answer> {
    const { writer, leases, expiry, clock } = this.#options;
    const checkpoint = readValue(given, "checkpoint");
    if (checkpoint instanceof Failure) return checkpoint;
    const { fence, percent = null, note = null } = json;
    const reply = await writer.request(reportProgress, { id, fence, percent, note, checkpoint }, context);
    if (reply instanceof Failure) return reply;
    const claim = leases.get(reply.claim);
    const expiresMs = claim === undefined ? null : expiry.endOf(claim);
    const { cancel_requested } = reply;
    return jsonReply(JSON.stringify({ expires_at: formatTime(expiresMs ?? clock.now()), cancel_requested }));
  }

  async complete(id: string, { free: [given], json, context }: CallOf<Static<typeof CompleteBody>>): Promise<Answer> {
    const value = readValue(given, "result");
    if (value instanceof Failure) return value;
    const { fence, evidence = [], tree = null } = json;
    const request = ending(id, fence, { value, evidence: [...evidence], tree });
    const reply = await this.#options.writer.request(completeTask, request, context, this.#isEndCostly(id));
    return this.#changed(id, "task done", reply);
  }

  async fail(
    id: string,
    { fence, error, retry = true }: Static<typeof FailBody>,
    context: CallContext,
  ): Promise<Answer> {
    const request = ending(id, fence, { text: error, retry });
    const reply = await this.#options.writer.request(failTask, request, context, this.#isEndCostly(id));
    return this.#changed(id, "task failed", reply);
  }

  async release(id: string, { fence, note }: Static<typeof ReleaseBody>, context: CallContext): Promise<Answer> {
    const request = ending(id, fence, { text: note ?? null });
    const reply = await this.#options.writer.request(releaseTask, request, context, this.#isEndCostly(id));
    return this.#changed(id, "task released", reply);
  }

  async ask(id: string, { fence, question }: Static<typeof AskBody>, context: CallContext): Promise<Answer> {
    const request = ending(id, fence, { text: question });
    const reply = await this.#options.writer.request(askAboutTask, request, context, this.#isEndCostly(id));
    return this.#changed(id, "task asks", reply);
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
    { not_before, assignee, labels, after, requires_evidence, ...patch }: TaskPatch,
    call: TaskCall,
  ): Promise<Answer> {
    const request = {
      ...patch,
      ...(after === undefined ? {} : { after: [...new Set(after)] }),
      ...(requires_evidence === undefined ? {} : { requires_evidence: [...commandsOf(requires_evidence)] }),
      id,
      owns: this.#owns(call),
      ...(labels === undefined ? {} : { labels: [...new Set(labels)] }),
      ...(not_before === undefined ? {} : { not_before: timeOf(not_before) }),
      ...(assignee === undefined ? {} : { assignee: assigneeOf(assignee) }),
    };
    return this.#changed(id, "task changed", await this.#options.writer.request(patchTask, request, call.context));
  }

  /** Returns whether the end of a task's claim takes the writer long, because leases wait for the task's resources. */
  #isEndCostly(id: string): boolean {
    const { leases } = this.#options;
    const claim = leases.waiting === 0 ? null : (this.#reader.byId(id)?.claim ?? null);
    return claim !== null && leases.isEndCostly(claim);
  }

  /** Returns whether the caller may manage all tasks, and not only those that it has created. */
  #owns({ caller }: TaskCall): boolean {
    return mayAll(this.#options.guarded, caller);
  }

  /**
   * Returns the tasks that a claim could not get because their resources are leased. Each task comes with one of these
   * leases.
   */
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

/** Creates a request that ends the claim of a task. `texts` has the texts of the task that the request changes. */
function ending(id: string, fence: number, texts: Partial<Omit<EndTaskRequest, "id" | "fence">>): EndTaskRequest {
  return { id, fence, text: null, value: null, retry: false, ...texts };
}
