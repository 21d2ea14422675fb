/**
 * Executes the writer's calls about tasks. Each method decides what its call changes. A call that fails has changed
 * nothing. task-creator.ts creates tasks, and task-changes.ts makes the changes. Runs in the writer thread.
 *
 * The claim registry decides which resources a claim may hold, and under which fence. It notifies this registry when
 * the claim of a task has ended.
 */
import type { LeaseRecord } from "../../../schemas/leases.js";
import { TASK_RESERVED_MS, TASK_WAITERS_MAX } from "../../../schemas/limits/tasks.js";
import type {
  AnswerRequest,
  CancelRequest,
  ClaimTaskReply,
  ClaimTaskRequest,
  CreateTasksReply,
  CreateTasksRequest,
  EndTaskRequest,
  MarkEditedReply,
  MarkEditedRequest,
  PatchRequest,
  ProgressReply,
  ProgressRequest,
  RetryRequest,
  TaskChanged,
} from "../../../schemas/tasks.js";
import { NEEDS_INSTANCE } from "../../base/needs-instance.js";
import { Failure, invalid } from "../../base/result.js";
import { showHeld } from "../budgets/budget.js";
import { CLAIM_HELD_MAX } from "../../../schemas/limits/budgets.js";
import { showHeldByLimit } from "../rate-limits/rate-limit.js";
import { type RateLimitRegistry, rateLimitRegistry } from "../rate-limits/registry.js";
import { type BudgetRegistry, budgetRegistry } from "../budgets/registry.js";
import { claimRegistry, type ClaimRegistry, type TaskClaims } from "../claims/claim-registry.js";
import { type Loss } from "../claims/lease.js";
import { NOT_YOURS } from "../claims/refusals.js";
import { SERVER } from "../claims/lease-events.js";
import { hasFreshRecord, missingOf } from "../evidence/required-commands.js";
import { evidenceReader, type EvidenceReader } from "../evidence/table.js";
import { idempotencyRecords, type IdempotencyRecords } from "../idempotency/records.js";
import type { Model, Opening } from "../../platform/threads/model.js";
import type { WriteCall } from "../../platform/threads/writer-method.js";
import type { LiveTasks } from "./live-tasks.js";
import { type Ending, type EndingVerb, outcomeOf } from "./outcome.js";
import { cycleBy, unknownTask } from "./plan.js";
import { hasEnded, type LiveTask, NOT_RESERVED, stillNotBefore, TASK_CLAIM, taskIs, type TaskLife } from "./task.js";
import { requiredTable, type RequiredTable } from "./required-table.js";
import { taskBytes } from "./task-bytes.js";
import { type KnownAfter, taskChanges, type TaskChanges, type Transition } from "./task-changes.js";
import { TaskCreator } from "./task-creator.js";
import { TaskFinder } from "./task-finder.js";
import { refuseMore, tooManyWaiters } from "./task-limits.js";
import type { TaskTexts, TaskWriter } from "./task-writer.js";
import { isPossible } from "./transitions.js";

const NOTHING: ClaimTaskReply = { task: null, made: false };

/** Maps each call by which a holder ends its claim to the text of the task that the call sets. */
const TEXT_OF = { complete: "result", fail: "error", release: "note", ask: "question" } as const satisfies Readonly<
  Record<EndingVerb, keyof TaskTexts>
>;

export class TaskRegistry implements TaskClaims {
  readonly #changes: TaskChanges;
  readonly #table: TaskWriter;
  readonly #live: LiveTasks;
  readonly #finder: TaskFinder;
  readonly #creator: TaskCreator;
  readonly #claims: ClaimRegistry;
  readonly #requests: IdempotencyRecords;
  readonly #budgets: BudgetRegistry;
  readonly #required: RequiredTable;
  readonly #records: EvidenceReader;
  readonly #limits: RateLimitRegistry;

  constructor({ use }: Pick<Opening, "use">) {
    this.#claims = use(claimRegistry);
    this.#claims.serve(this);
    this.#changes = use(taskChanges);
    this.#table = this.#changes.table;
    this.#live = this.#changes.live;
    this.#budgets = use(budgetRegistry);
    this.#limits = use(rateLimitRegistry);
    this.#finder = new TaskFinder(this.#live, this.#table, this.#claims, this.#budgets);
    this.#requests = use(idempotencyRecords);
    this.#required = use(requiredTable);
    this.#records = use(evidenceReader);
    this.#creator = new TaskCreator({
      changes: this.#changes,
      finder: this.#finder,
      requests: this.#requests,
      required: this.#required,
    });
  }

  /** Creates all of the tasks, or none. */
  create(request: CreateTasksRequest, call: WriteCall): CreateTasksReply | Failure {
    return this.#creator.create(request, call);
  }

  /**
   * Claims the task that the request names, or else the best task that the caller may have. The reply has no task if
   * there is none.
   */
  claim(request: ClaimTaskRequest, call: WriteCall): ClaimTaskReply | Failure {
    const { actor, nowMs } = call;
    const holder = this.#claims.holderOf(actor);
    if (holder === undefined) return NEEDS_INSTANCE;
    const known = this.#requests.find("claim", actor, request.request_id, nowMs, request.request_hash);
    if (known instanceof Failure) return known;
    if (known !== undefined) return { task: JSON.parse(known) as ClaimTaskReply["task"], made: false };
    const held = [
      ...this.#budgets.holding(actor, nowMs).map(showHeld),
      ...this.#limits.holding(actor, nowMs).map(showHeldByLimit),
    ].slice(0, CLAIM_HELD_MAX);
    if (held.length > 0) return { ...NOTHING, held };
    this.#claims.settle(call);
    const { workspace, labels, id } = request;
    const { name, parent } = holder;
    const claimant = { id: actor, name, parent, capabilities: this.#table.capabilitiesOf(actor), workspace, labels };
    const found =
      id === null
        ? this.#finder.best(claimant, nowMs, request.behind ?? null)
        : this.#finder.named(id, claimant, nowMs);
    if (found instanceof Failure) return found;
    const { task, more } = found;
    if (task === null) return more === null ? NOTHING : { ...NOTHING, more };
    const holdingTask = id === null ? [] : this.#budgets.holdingTask(id, nowMs);
    if (holdingTask.length > 0) return { ...NOTHING, held: holdingTask.map(showHeld) };
    const { title, resources, max_s } = task;
    const claim = this.#claims.claimTask(
      {
        holder,
        workspace: task.workspace,
        resources,
        ...TASK_CLAIM,
        reason: title,
        task: task.id,
        ttl_s: request.ttl_s ?? task.ttl_s,
        max_s,
        queued: false,
      },
      call,
    );
    if (claim instanceof Failure) return claim;
    const waitedMs = nowMs - Math.max(task.life.ready_at ?? nowMs, task.life.not_before ?? 0);
    this.#changes.transition(
      task,
      { state: "claimed", claim: claim.row, progress: null, claimed_at: nowMs },
      { trigger: "claim", note: null, claim },
      call,
      Math.max(0, waitedMs),
    );
    const claimed = { row: task.row, id: task.id, claim: claim.row };
    this.#requests.store("claim", actor, request.request_id, JSON.stringify(claimed), nowMs, request.request_hash);
    return { task: claimed, made: true };
  }

  progress({ id, fence, percent, note, checkpoint }: ProgressRequest, call: WriteCall): ProgressReply | Failure {
    const held = this.#finder.held(id, fence, call);
    if (held instanceof Failure) return held;
    const { task, claim } = held;
    const moves = percent !== null && percent !== task.life.progress;
    // Do not change the task if the call reports nothing new. Such a call is only a heartbeat.
    if (moves || note !== null || checkpoint !== null) {
      this.#table.putTexts(task.row, { note, checkpoint });
      task.life = { ...task.life, progress: percent ?? task.life.progress, updated_at: call.nowMs };
      this.#table.putLife(task.row, task.life);
      this.#changes.record(task, null);
    }
    return { claim: claim.row, cancel_requested: task.life.cancel_requested };
  }

  /**
   * Ends the claim of a task because its holder asks for it. Afterwards the task is done, failed or ready, or it waits
   * for an answer.
   */
  end(verb: EndingVerb, request: EndTaskRequest, call: WriteCall): TaskChanged | Failure {
    const { id, fence, text, value, retry } = request;
    const held = this.#finder.held(id, fence, call);
    if (held instanceof Failure) {
      const known = this.#finder.find(id);
      const again = known !== undefined && this.#table.wasCalled(known.row, fence, call.actor, verb);
      return again ? { row: known.row, changed: false } : held;
    }
    const { task, claim } = held;
    const missing = verb === "complete" ? this.#missing(task, request) : null;
    if (missing !== null) return missing;
    this.#claims.endOfTask(claim.row, call);
    this.#table.putTexts(task.row, { [TEXT_OF[verb]]: verb === "complete" ? value : text });
    const ending: Ending = verb === "fail" ? { kind: "fail", retry } : { kind: verb };
    this.#endClaim(task, ending, { trigger: verb, note: text, claim, reason: verb === "ask" ? null : text }, call);
    return { row: task.row, changed: true };
  }

  claimEnded(claim: LeaseRecord, loss: Loss | null, call: WriteCall): void {
    const task = this.#live.get(claim.task ?? "");
    if (task === undefined || task.life.claim !== claim.row) return;
    const ending: Ending = loss === null ? { kind: "release" } : { kind: "loss", loss };
    const actor = loss === null || loss === "broken" ? call.actor : SERVER;
    const origin = loss === null ? { trigger: "release" as const } : { trigger: "loss" as const, call: loss };
    this.#endClaim(task, ending, { ...origin, note: loss, claim, reason: loss, actor }, call);
  }

  holderGone(holder: string, call: WriteCall): void {
    for (const task of this.#live.reservedFor(holder))
      if (task.life.reserved_until > call.nowMs) this.#changes.requeue(task, NOT_RESERVED, call);
  }

  /** Answers the question of a task. The instance that asked it no longer holds the task. */
  answer({ id, owns, answer }: AnswerRequest, call: WriteCall): TaskChanged | Failure {
    const task = this.#finder.managed(id, owns, call);
    if (task instanceof Failure) return task;
    if (!isPossible("answer", task.life.state)) return taskIs(task.life.state);
    this.#table.putTexts(task.row, { answer });
    const notBefore = stillNotBefore(task.life, call.nowMs);
    const kept = this.#reservation(task, call);
    this.#changes.transition(
      task,
      { state: "ready", not_before: notBefore, ...kept },
      { trigger: "answer", note: answer },
      call,
    );
    return { row: task.row, changed: true };
  }

  /** Cancels a task. A held task stays held, and its holder is asked to stop. */
  cancel({ id, owns, reason }: CancelRequest, call: WriteCall): TaskChanged | Failure {
    const task = this.#finder.managed(id, owns, call);
    if (task instanceof Failure) return task;
    const { state, cancel_requested } = task.life;
    if (hasEnded(state)) return taskIs(state);
    if (isPossible("cancel", state)) {
      this.#changes.transition(task, { state: "canceled" }, { trigger: "cancel", note: reason, reason }, call);
      return { row: task.row, changed: true };
    }
    if (cancel_requested) return { row: task.row, changed: false };
    this.#changes.update(task, { cancel_requested: true }, { call: "cancel", note: reason }, call);
    return { row: task.row, changed: true };
  }

  /** Makes an ended task ready again. A task that is done cannot be retried. */
  retry({ id, owns }: RetryRequest, call: WriteCall): TaskChanged | Failure {
    const task = this.#finder.managed(id, owns, call);
    if (task instanceof Failure) return task;
    const { state } = task.life;
    if (!isPossible("retry", state)) return taskIs(state);
    const full = refuseMore(this.#live, 1, taskBytes(task));
    if (full !== null) return full;
    const fresh = { attempts: 0, not_before: null, cancel_requested: false };
    const blockers = this.#table.blockersOf(task.row);
    for (const row of blockers)
      if (this.#live.waitersOf(row) >= TASK_WAITERS_MAX) return tooManyWaiters(this.#table.byRow(row)?.id ?? "");
    const waits = this.#changes.setBlockers(task, blockers);
    this.#changes.transition(task, { ...fresh, state: waits }, { trigger: "retry", note: null }, call);
    return { row: task.row, changed: true };
  }

  /** Changes the members of a task that a client may edit. */
  patch(request: PatchRequest, call: WriteCall): TaskChanged | Failure {
    const task = this.#finder.managed(request.id, request.owns, call);
    if (task instanceof Failure) return task;
    const { life } = task;
    if (hasEnded(life.state)) return taskIs(life.state);
    if (this.#dropsCommand(task, request, call)) return NOT_YOURS;
    const after = request.after === undefined ? null : this.#after(task, request.after);
    if (after instanceof Failure) return after;
    const { title = task.title, labels = task.labels } = request;
    const more = taskBytes({ ...task, title, labels }) - this.#live.bytesOf(task.row);
    const full = more <= 0 ? null : refuseMore(this.#live, 0, more);
    if (full !== null) return full;
    this.#table.patch(task.row, request);
    if (request.requires_evidence !== undefined) this.#required.put(task.row, request.requires_evidence);
    task.title = title;
    task.labels = labels;
    this.#live.weigh(task);
    const { priority = life.priority, assignee = life.assignee, not_before = life.not_before } = request;
    // Drop the reservation if the request names an assignee. The assignee takes precedence over the instance that asked
    // a question.
    const freed = typeof request.assignee === "string" ? NOT_RESERVED : {};
    this.#changes.requeue(task, { priority, assignee, not_before, ...freed, updated_at: call.nowMs }, call);
    if (after !== null) this.#changes.setAfter(task, after, call);
    return { row: task.row, changed: true };
  }

  /**
   * Returns whether the request removes a command that the task requires, although the caller has not created the task.
   * Otherwise the holder could remove the condition under which it may complete the task.
   */
  #dropsCommand(task: LiveTask, { requires_evidence, owns }: PatchRequest, { actor }: WriteCall): boolean {
    if (requires_evidence === undefined || owns || task.created_by === actor) return false;
    const kept = new Set(requires_evidence);
    return (this.#required.of(task.row)?.commands ?? []).some((command) => !kept.has(command));
  }

  /**
   * Records that the holder of a task has edited files. Changes nothing if all records of the task are stale already.
   */
  markEdited({ id }: MarkEditedRequest, { nowMs }: WriteCall): MarkEditedReply {
    const task = this.#live.get(id);
    const required = task === undefined ? undefined : this.#required.of(task.row);
    if (task === undefined || required === undefined) return { changed: false };
    const { commands, staleTo } = required;
    const changed = hasFreshRecord(this.#records, { task: id, commands }, staleTo);
    if (changed) this.#required.edit(task.row, nowMs);
    return { changed };
  }

  prune(after: number, endedBeforeMs: number, rows: number): { removed: number; after: number | null } {
    return this.#table.prune(after, endedBeforeMs, rows);
  }

  /**
   * Returns the reservation of a task after its question was answered. The task is reserved for the instance that
   * asked, unless it is now assigned to another instance.
   */
  #reservation({ row, life }: LiveTask, { nowMs }: WriteCall): Partial<TaskLife> {
    const asked = this.#table.askedBy(row) ?? "";
    const name = this.#claims.nameOf(asked);
    // Make no reservation if the instance that asked was deleted, or if the task is assigned to another instance.
    if (name === undefined || ![null, asked, name].includes(life.assignee)) return {};
    return { reserved: asked, reserved_until: nowMs + TASK_RESERVED_MS };
  }

  /**
   * Checks the evidence for the commands that a task requires. Returns a failure if a command has no record that it
   * passed; null if all have one.
   */
  #missing({ id, row }: LiveTask, { evidence = [], tree = null }: EndTaskRequest): Failure | null {
    const required = this.#required.of(row);
    if (required === undefined) return null;
    const { commands, staleTo } = required;
    const missing = missingOf(this.#records, { task: id, commands }, evidence, { tree, staleTo });
    return missing.length === 0 ? null : new Failure("ALREADY_EXISTS", "evidence missing", { missing });
  }

  /** Changes the state of a task because its claim has ended. */
  #endClaim(task: LiveTask, ending: Ending, transition: Transition, call: WriteCall): void {
    const { lost, ...outcome } = outcomeOf(task, ending, call.nowMs);
    if (lost) this.#table.setMissingError(task.row, `lost by ${transition.claim?.holder_name ?? ""}`);
    this.#changes.transition(task, { ...outcome, claim: null }, transition, call);
  }

  /** Returns the tasks with these ids, for which a task will wait. Returns a 400 if it may not wait for them. */
  #after({ id, row, life, blockers }: LiveTask, ids: readonly string[]): readonly KnownAfter[] | Failure {
    const { state } = life;
    if (!isPossible("update", state)) return invalid(`after cannot be changed: task is ${state}`);
    const after: KnownAfter[] = [];
    for (const name of ids) {
      const found = this.#finder.find(name);
      if (found === undefined) return unknownTask(name);
      const waits = found.state !== "done" && !blockers.has(found.row);
      if (waits && this.#live.waitersOf(found.row) >= TASK_WAITERS_MAX) return tooManyWaiters(name);
      after.push({ id: name, ...found });
    }
    const cycle = cycleBy({ id, row }, after, (of) => this.#table.dependentsOf(of));
    return cycle === null ? after : invalid(cycle);
  }
}

export const taskRegistry: Model<TaskRegistry> = { open: (opening) => new TaskRegistry(opening) };
