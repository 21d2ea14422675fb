/**
 * The writer's memory of the tasks that have not ended. It knows which tasks are ready for which instance, and which
 * claim holds which task. It decides how a task changes when its claim ends. Each change is stored, published as an
 * event and pushed to the front in the same transaction. The registry of claims decides which resources may be held,
 * and under which fence. Runs in the writer thread.
 */
import type { LeaseRecord } from "../../schemas/leases.js";
import {
  CLAIM_LOOK_STEPS,
  TASK_RESERVED_MS,
  TASK_WAITERS_MAX,
  TASKS_BYTES_MAX,
  TASKS_MAX,
  TASKS_STUCK_REPORTED_MAX,
} from "../../schemas/limits/tasks.js";
import {
  type AnswerRequest,
  type CancelRequest,
  type ClaimTaskReply,
  type ClaimTaskRequest,
  type CreateTasksReply,
  type CreateTasksRequest,
  type EndTaskRequest,
  type NewTask,
  type PatchRequest,
  type ProgressReply,
  type ProgressRequest,
  type ReadyRecord,
  type RetryRequest,
  type TaskChanged,
  TasksPush,
  type TaskState,
} from "../../schemas/tasks.js";
import { must } from "../base/assert.js";
import { NEEDS_INSTANCE } from "../base/needs-instance.js";
import { Failure, invalid } from "../base/result.js";
import { formatTime } from "../base/time.js";
import { claimRegistry, type ClaimRegistry, type Loss, type TaskClaims } from "../claims/claim-registry.js";
import { resourcesOf } from "../claims/lease.js";
import { NOT_YOURS } from "../claims/refusals.js";
import type { Resource } from "../claims/resource.js";
import { SERVER } from "../claims/lease-events.js";
import { publisher, type Publisher } from "../events/publisher.js";
import { idempotencyRecords, type IdempotencyRecords } from "../idempotency/records.js";
import type { PushMessage } from "../rpc/method.js";
import { type Model, type Opening, type Publication, PublishingModel, type ReloadReason } from "../threads/model.js";
import type { WriteCall } from "../threads/writer-method.js";
import { type Found, LiveTasks, type Looked, readyTask } from "./live-tasks.js";
import { type Ending, type EndingVerb, outcomeOf } from "./outcome.js";
import { cycleBy, planTasks, type PlannedTask, unknownTask } from "./plan.js";
import type { Claimant, Rank } from "./ready-queue.js";
import { findCause, waitsForNote } from "./stuck.js";
import { hasEnded, type LiveTask, noTask, stillNotBefore, taskIs, type TaskLife } from "./task.js";
import { assertTransition, isPossible, type Trigger } from "./transitions.js";
import { taskBytes } from "./task-bytes.js";
import { type Step, type TaskTexts, TaskWriter } from "./task-writer.js";
import { type TaskTopic, publishTaskEvent } from "./task-events.js";

/** The push message that carries the tasks changed by a commit. */
export const TASKS = { name: "tasks", payload: TasksPush } as const satisfies PushMessage;

const CLAIM_LOST = new Failure("ALREADY_EXISTS", "claim lost");
const NOTHING: ClaimTaskReply = { task: null, made: false };
const NEEDS_NOTHING: Looked = { free: true, steps: 0 };

/** An existing task to wait for. */
interface KnownAfter {
  readonly id: string;
  readonly row: number;
  readonly state: TaskState;
}

const NOT_RESERVED = { reserved: null, reserved_until: 0 } as const;

/** The topic of the event that is published when a task enters a state. `blocked` has none. */
const TOPICS: Readonly<Partial<Record<TaskState, TaskTopic>>> = {
  ready: "task.ready",
  claimed: "task.claimed",
  input_required: "task.input_required",
  done: "task.done",
  failed: "task.failed",
  dead: "task.dead",
  canceled: "task.canceled",
};

/** For each call of the holder, the text of the task that the call sets. */
const TEXT_OF = { complete: "result", fail: "error", release: "note", ask: "question" } as const satisfies Readonly<
  Record<EndingVerb, keyof TaskTexts>
>;

/** Describes why a task changes: the call, and the texts for its history and its event. */
interface Change extends Pick<Step, "call" | "note"> {
  readonly claim?: LeaseRecord | null;
  /** The reason in the event. */
  readonly reason?: string | null;
  /** The actor of the change; absent if the actor is the caller. */
  readonly actor?: string;
}

/** A change of a task's state. */
interface Transition extends Omit<Change, "call"> {
  readonly trigger: Trigger;
  /** The origin in the task's history, if it is not the trigger. */
  readonly call?: string;
}

export class TaskRegistry extends PublishingModel implements TaskClaims {
  readonly #table: TaskWriter;
  readonly #claims: ClaimRegistry;
  readonly #events: Publisher;
  readonly #requests: IdempotencyRecords;
  readonly #live = new LiveTasks();
  #last_row = 0;
  #changed: TasksPush["changed"] = [];
  /** Ids of the tasks that were changed in memory since the last commit. */
  #touched = new Set<string>();

  constructor({ db, rows, use }: Pick<Opening, "db" | "rows" | "use">) {
    super();
    this.#table = new TaskWriter(db, rows);
    this.#claims = use(claimRegistry);
    this.#claims.serve(this);
    this.#events = use(publisher);
    this.#requests = use(idempotencyRecords);
    this.#readAll();
  }

  reload(why: ReloadReason): void {
    if (why === "rollback") this.#undo();
    else this.#readAll();
  }

  /**
   * Undoes the changes in memory since the last commit, task by task. To read all tasks again would make every failing
   * write expensive while the disk is full.
   */
  #undo(): void {
    this.#changed = [];
    this.#last_row = this.#table.last_row;
    const touched = [...this.#touched];
    for (const id of touched) {
      const task = this.#live.get(id);
      if (task !== undefined) this.#live.remove(task);
    }
    for (const id of touched) {
      const task = this.#table.get(id);
      if (task !== undefined) this.#live.add(task, 0);
    }
    this.#live.rolledBack();
    this.#touched = new Set();
  }

  #readAll(): void {
    this.#live.clear();
    this.#changed = [];
    this.#touched = new Set();
    this.#last_row = this.#table.last_row;
    const live = this.#table.live();
    for (const task of live) this.#live.add(task, 0);
    this.#live.findStuck(live);
    this.#live.committed();
  }

  afterCommit({ changes, push }: Publication): void {
    if (this.#touched.size > 0) this.#touched = new Set();
    this.#live.committed();
    if (this.#changed.length === 0) return;
    for (const { id } of this.#changed) changes?.add("task", id, null);
    push(TASKS, { changed: this.#changed, counts: [...this.#live.counts] });
    this.#changed = [];
  }

  /**
   * Creates all of the tasks, or none. A task that the same call has created before is not created again; the reply has
   * its current state.
   */
  create({ tasks }: CreateTasksRequest, call: WriteCall): CreateTasksReply | Failure {
    const { actor, now_ms } = call;
    const planned = planTasks(tasks, {
      last_row: this.#last_row,
      find: (id) => this.#find(id),
      made: (request_id, hash) => this.#requests.find("task", actor, request_id, now_ms, hash),
    });
    if (planned instanceof Failure) return planned;
    const made = planned.filter(({ task }) => task !== null);
    const crowded = this.#crowdedBy(made);
    if (crowded !== null) return crowded;
    let bytes = 0;
    const ready: { plan: PlannedTask; task: NewTask; resources: readonly Resource[] }[] = [];
    for (const plan of made) {
      const task = must(plan.task, "it is to be made");
      const resources = resourcesOf(task.resources, task.workspace);
      bytes += taskBytes({ ...task, resources, blockers: plan.blockers });
      const full = this.#fullFor(made.length, bytes);
      if (full !== null) return full;
      ready.push({ plan, task, resources });
    }
    for (const { plan, task, resources } of ready) this.#create(plan, task, resources, call);
    const live = made.map(({ id }) => must(this.#live.get(id), "it is made"));
    this.#live.findStuck(live);
    for (const task of live) this.#publishStuck(task, call);
    return { rows: planned.map(({ row }) => row), made: made.map(({ id }) => id) };
  }

  /**
   * Gives the caller the best task that it may have, or the task that it names. The reply has no task if there is none.
   */
  claim(request: ClaimTaskRequest, call: WriteCall): ClaimTaskReply | Failure {
    const { actor, now_ms } = call;
    const name = this.#claims.nameOf(actor);
    if (name === undefined) return NEEDS_INSTANCE;
    const known = this.#requests.find("claim", actor, request.request_id, now_ms, request.request_hash);
    if (known instanceof Failure) return known;
    if (known !== undefined) return { task: JSON.parse(known) as ClaimTaskReply["task"], made: false };
    this.#claims.settle(call);
    const { workspace, labels, id } = request;
    const claimant = { id: actor, name, capabilities: this.#table.capabilitiesOf(actor), workspace, labels };
    const found =
      id === null ? this.#best(claimant, now_ms, request.behind ?? null) : this.#named(id, claimant, now_ms);
    if (found instanceof Failure) return found;
    const { task, more } = found;
    if (task === null) return more === null ? NOTHING : { ...NOTHING, more };
    const { title, resources, max_s } = task;
    const claim = this.#claims.claimTask(
      {
        name,
        workspace: task.workspace,
        resources,
        shared: false,
        reason: title,
        task: task.id,
        ttl_s: request.ttl_s ?? task.ttl_s,
        max_s,
        queued: false,
      },
      call,
    );
    if (claim instanceof Failure) return claim;
    const waited_ms = now_ms - Math.max(task.life.ready_at ?? now_ms, task.life.not_before ?? 0);
    this.#transition(
      task,
      { state: "claimed", claim: claim.row, progress: null, claimed_at: now_ms },
      { trigger: "claim", note: null, claim },
      call,
      Math.max(0, waited_ms),
    );
    const claimed = { row: task.row, id: task.id, claim: claim.row };
    this.#requests.store("claim", actor, request.request_id, JSON.stringify(claimed), now_ms, request.request_hash);
    return { task: claimed, made: true };
  }

  progress({ id, fence, percent, note, checkpoint }: ProgressRequest, call: WriteCall): ProgressReply | Failure {
    const held = this.#held(id, fence, call);
    if (held instanceof Failure) return held;
    const { task, claim } = held;
    const moves = percent !== null && percent !== task.life.progress;
    // A call that reports nothing new is only a heartbeat: it changes nothing in the task.
    if (moves || note !== null || checkpoint !== null) {
      this.#table.putTexts(task.row, { note, checkpoint });
      task.life = { ...task.life, progress: percent ?? task.life.progress, updated_at: call.now_ms };
      this.#table.putLife(task.row, task.life);
      this.#record(task, null);
    }
    return { claim: claim.row, cancel_requested: task.life.cancel_requested };
  }

  /**
   * Ends the claim of a task for its holder. Afterwards the task is done, failed or ready again, or it waits for an
   * answer.
   */
  end(verb: EndingVerb, { id, fence, text, value, retry }: EndTaskRequest, call: WriteCall): TaskChanged | Failure {
    const held = this.#held(id, fence, call);
    if (held instanceof Failure) {
      const known = this.#find(id);
      const again = known !== undefined && this.#table.wasCalled(known.row, fence, call.actor, verb);
      return again ? { row: known.row, changed: false } : held;
    }
    const { task, claim } = held;
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
      if (task.life.reserved_until > call.now_ms) this.#requeue(task, NOT_RESERVED, call);
  }

  /** Answers the question of a task. Its holder gave up the task when it asked the question. */
  answer({ id, owns, answer }: AnswerRequest, call: WriteCall): TaskChanged | Failure {
    const task = this.#managed(id, owns, call);
    if (task instanceof Failure) return task;
    if (!isPossible("answer", task.life.state)) return taskIs(task.life.state);
    this.#table.putTexts(task.row, { answer });
    const not_before = stillNotBefore(task.life, call.now_ms);
    const kept = this.#reservation(task, call);
    this.#transition(task, { state: "ready", not_before, ...kept }, { trigger: "answer", note: answer }, call);
    return { row: task.row, changed: true };
  }

  /** Cancels a task. If the task is held, its holder is asked to stop instead. */
  cancel({ id, owns, reason }: CancelRequest, call: WriteCall): TaskChanged | Failure {
    const task = this.#managed(id, owns, call);
    if (task instanceof Failure) return task;
    const { state, cancel_requested } = task.life;
    if (hasEnded(state)) return taskIs(state);
    if (isPossible("cancel", state)) {
      this.#transition(task, { state: "canceled" }, { trigger: "cancel", note: reason, reason }, call);
      return { row: task.row, changed: true };
    }
    if (cancel_requested) return { row: task.row, changed: false };
    this.#update(task, { cancel_requested: true }, { call: "cancel", note: reason }, call);
    return { row: task.row, changed: true };
  }

  /** Makes an ended task ready again. The task must not be done. */
  retry({ id, owns }: RetryRequest, call: WriteCall): TaskChanged | Failure {
    const task = this.#managed(id, owns, call);
    if (task instanceof Failure) return task;
    const { state } = task.life;
    if (!isPossible("retry", state)) return taskIs(state);
    const full = this.#fullFor(1, taskBytes(task));
    if (full !== null) return full;
    const fresh = { attempts: 0, not_before: null, cancel_requested: false };
    const blockers = this.#table.blockersOf(task.row);
    for (const row of blockers)
      if (this.#live.waitersOf(row) >= TASK_WAITERS_MAX) return crowdedAt(this.#table.byRow(row)?.id ?? "");
    const waits = this.#waitFor(task, blockers);
    this.#transition(task, { ...fresh, state: waits }, { trigger: "retry", note: null }, call);
    return { row: task.row, changed: true };
  }

  /** Changes the description of a task. */
  patch(request: PatchRequest, call: WriteCall): TaskChanged | Failure {
    const task = this.#managed(request.id, request.owns, call);
    if (task instanceof Failure) return task;
    const { life } = task;
    if (hasEnded(life.state)) return taskIs(life.state);
    const after = request.after === undefined ? null : this.#after(task, request.after);
    if (after instanceof Failure) return after;
    const { title = task.title, labels = task.labels } = request;
    const more = taskBytes({ ...task, title, labels }) - this.#live.bytesOf(task.row);
    const full = more <= 0 ? null : this.#fullFor(0, more);
    if (full !== null) return full;
    this.#table.patch(task.row, request);
    task.title = title;
    task.labels = labels;
    this.#live.weigh(task);
    const { priority = life.priority, assignee = life.assignee, not_before = life.not_before } = request;
    // Drop the reservation if the request names an assignee: an assignee takes precedence over the instance that asked
    // a question.
    const freed = typeof request.assignee === "string" ? NOT_RESERVED : {};
    this.#requeue(task, { priority, assignee, not_before, ...freed, updated_at: call.now_ms }, call);
    if (after !== null) this.#setAfter(task, after, call);
    return { row: task.row, changed: true };
  }

  prune(after: number, ended_before_ms: number, rows: number): { removed: number; after: number | null } {
    return this.#table.prune(after, ended_before_ms, rows);
  }

  #create(
    { row, id, after, blockers }: PlannedTask,
    task: NewTask,
    resources: readonly Resource[],
    call: WriteCall,
  ): void {
    const { now_ms, actor } = call;
    const { workspace, title, labels, requires, max_attempts, ttl_s, max_s, priority, not_before, assignee } = task;
    const life: TaskLife = {
      state: blockers.size > 0 ? "blocked" : "ready",
      priority,
      attempts: 0,
      not_before,
      assignee,
      reserved: null,
      reserved_until: 0,
      claim: null,
      progress: null,
      cancel_requested: false,
      steps: 1,
      ready_at: blockers.size > 0 ? null : now_ms,
      updated_at: now_ms,
      claimed_at: null,
      ended_at: null,
    };
    const made: LiveTask = {
      row,
      id,
      workspace,
      title,
      labels,
      requires,
      resources,
      max_attempts,
      ttl_s,
      max_s,
      created_by: actor === "" ? null : actor,
      created_at: now_ms,
      life,
      blockers,
    };
    this.#last_row = Math.max(this.#last_row, row);
    this.#table.create(made, task, after);
    this.#table.putLife(row, life);
    this.#table.addStep(made, { actor, note: null, fence: null, call: "create" });
    this.#live.add(made, 0);
    this.#record(made, null);
    publishTaskEvent(this.#events, "task.created", made, null, null, call);
    if (life.state === "ready") publishTaskEvent(this.#events, "task.ready", made, null, null, call);
    this.#requests.store("task", actor, task.request_id, id, now_ms, task.request_hash);
  }

  /**
   * Finds the best task whose resources are free. If several tasks have the same resources, these are checked only
   * once.
   */
  #best(claimant: Claimant, now_ms: number, after: Rank | null): Found {
    const look = this.#claims.lookFor(claimant.id);
    const taken = new Set<string>();
    return this.#live.best(claimant, now_ms, after, ({ resources }) => {
      if (resources.length === 0) return NEEDS_NOTHING;
      const needs = resources.map(({ text }) => text).join("\n");
      if (taken.has(needs)) return { free: false, steps: 0 };
      const { free, steps } = look(resources);
      if (!free) taken.add(needs);
      return { free, steps: CLAIM_LOOK_STEPS + steps };
    });
  }

  /**
   * Finds a task by its id and checks that the instance may claim it now. The claim registry checks its resources
   * later.
   */
  #named(id: string, { id: claimant, name, capabilities }: Claimant, now_ms: number): Found | Failure {
    const task = this.#live.get(id);
    if (task === undefined) {
      const ended = this.#table.stateOf(id);
      return ended === undefined ? noTask(id) : taskIs(ended.state);
    }
    const { state, assignee, reserved, reserved_until, not_before } = task.life;
    if (!isPossible("claim", state)) return taskIs(state);
    const missing = task.requires.find((capability) => !capabilities.includes(capability));
    if (missing !== undefined) return new Failure("ALREADY_EXISTS", `task needs ${missing}`);
    const whom = reserved_until > now_ms ? reserved : assignee;
    if (whom !== null && whom !== claimant && whom !== name)
      return new Failure("ALREADY_EXISTS", `task is assigned to ${this.#claims.nameOf(whom) ?? whom}`);
    if (not_before !== null && not_before > now_ms)
      return new Failure("ALREADY_EXISTS", `task is not before ${formatTime(not_before)}`);
    return { task, more: null };
  }

  /** Returns a task if the caller holds it under this fence; otherwise the refusal. */
  #held(
    id: string,
    fence: number,
    { actor }: WriteCall,
  ): { readonly task: LiveTask; readonly claim: LeaseRecord } | Failure {
    if (actor === "") return NEEDS_INSTANCE;
    const task = this.#live.get(id);
    const claim = task?.life.claim === null || task === undefined ? undefined : this.#claims.claimAt(task.life.claim);
    if (task !== undefined && claim?.holder === actor) return claim.fence === fence ? { task, claim } : CLAIM_LOST;
    const known = task ?? this.#table.stateOf(id);
    if (known === undefined) return noTask(id);
    return this.#table.hasHeld(known.row, actor) ? CLAIM_LOST : NOT_YOURS;
  }

  /** A task that the caller may manage. */
  #managed(id: string, owns: boolean, { actor }: WriteCall): LiveTask | Failure {
    const task = this.#live.get(id) ?? this.#table.get(id);
    if (task === undefined) return noTask(id);
    const claim = task.life.claim === null ? undefined : this.#claims.claimAt(task.life.claim);
    if (owns || (actor !== "" && (task.created_by === actor || claim?.holder === actor))) return task;
    return NOT_YOURS;
  }

  /**
   * Returns the reservation of a task after its question was answered. The instance that asked may continue, unless the
   * task has been assigned to another one in the meantime.
   */
  #reservation({ row, life }: LiveTask, { now_ms }: WriteCall): Partial<TaskLife> {
    const asked = this.#table.askedBy(row) ?? "";
    const name = this.#claims.nameOf(asked);
    // Make no reservation if the instance is deleted, or if another instance is the assignee.
    if (name === undefined || ![null, asked, name].includes(life.assignee)) return {};
    return { reserved: asked, reserved_until: now_ms + TASK_RESERVED_MS };
  }

  /** Changes the state of a task because its claim has ended. */
  #endClaim(task: LiveTask, ending: Ending, transition: Transition, call: WriteCall): void {
    const { lost, ...outcome } = outcomeOf(task, ending, call.now_ms);
    if (lost) this.#table.setMissingError(task.row, `lost by ${transition.claim?.holder_name ?? ""}`);
    this.#transition(task, { ...outcome, claim: null }, transition, call);
  }

  /**
   * Changes the state of a task. The change is stored, counted and published. The task is offered to the instances that
   * may claim it now.
   */
  #transition(
    task: LiveTask,
    change: Partial<TaskLife> & Pick<TaskLife, "state">,
    transition: Transition,
    call: WriteCall,
    waited_ms: number | null = null,
  ): void {
    const { now_ms } = call;
    const { state } = change;
    assertTransition(transition.trigger, task.life.state, state);
    const had_ended = hasEnded(task.life.state);
    const was_stuck = !had_ended && this.#live.isStuck(task);
    this.#live.remove(task);
    const kept = state === "ready" ? {} : NOT_RESERVED;
    const ready_at = state === "ready" ? now_ms : task.life.ready_at;
    const ended_at = hasEnded(state) ? now_ms : null;
    this.#update(
      task,
      { ready_at, ...kept, ...change, ended_at },
      { call: transition.trigger, ...transition },
      call,
      waited_ms,
    );
    this.#live.add(task, now_ms);
    const topic = TOPICS[state];
    if (topic !== undefined)
      publishTaskEvent(this.#events, topic, task, transition.claim ?? null, transition.reason ?? null, call);
    if (state === "done") this.#unblockWaiters(task, call);
    // If this task has ended without being done, the tasks that wait for it are stuck now. If it was retried, they no
    // longer are. Nothing changes for them if this task was stuck before, or is stuck now.
    else if (hasEnded(state) && !was_stuck) this.#lose(task, waitsForNote({ id: task.id, state }), call);
    else if (had_ended && !this.#publishStuck(task, call)) this.#regain(task, call);
  }

  /** Checks whether a task may wait for the tasks with these ids. Fails with 400 if it may not. */
  #after({ id, row, life, blockers }: LiveTask, ids: readonly string[]): readonly KnownAfter[] | Failure {
    const { state } = life;
    if (!isPossible("update", state)) return invalid(`after cannot be changed: task is ${state}`);
    const after: KnownAfter[] = [];
    for (const name of ids) {
      const found = this.#find(name);
      if (found === undefined) return unknownTask(name);
      const waits = found.state !== "done" && !blockers.has(found.row);
      if (waits && this.#live.waitersOf(found.row) >= TASK_WAITERS_MAX) return crowdedAt(name);
      after.push({ id: name, ...found });
    }
    const cycle = cycleBy({ id, row }, after, (of) => this.#table.dependentsOf(of));
    return cycle === null ? after : invalid(cycle);
  }

  #setAfter(task: LiveTask, after: readonly KnownAfter[], call: WriteCall): void {
    const was_stuck = this.#live.isStuck(task);
    const before = task.life.state;
    this.#table.setAfter(task.row, after);
    // Tasks are indexed by their blockers.
    this.#live.remove(task);
    const state = this.#waitFor(task, new Set(after.filter((one) => one.state !== "done").map((one) => one.row)));
    if (state === before) this.#live.add(task, call.now_ms);
    else this.#transition(task, { state }, { trigger: "update", note: null }, call);
    const is_stuck = this.#live.isStuck(task);
    if (is_stuck === was_stuck) return;
    if (is_stuck) this.#publishStuck(task, call);
    else if (state === "blocked") publishTaskEvent(this.#events, "task.unblocked", task, null, null, call);
    if (is_stuck) this.#lose(task, this.#causeOf(task), call);
    else this.#regain(task, call);
  }

  /** Sets the blockers of a task that is not held. Returns the new state of the task. */
  #waitFor(task: LiveTask, blockers: ReadonlySet<number>): "blocked" | "ready" {
    task.blockers.clear();
    for (const blocker of blockers) task.blockers.add(blocker);
    return blockers.size > 0 ? "blocked" : "ready";
  }

  /** Publishes that a task is stuck, if it is. Returns whether it is stuck. */
  #publishStuck(task: LiveTask, call: WriteCall): boolean {
    const is_stuck = this.#live.isStuck(task);
    if (is_stuck) publishTaskEvent(this.#events, "task.blocked", task, null, this.#causeOf(task), call);
    return is_stuck;
  }

  /** Publishes an event for each task that is now stuck only because of this task. */
  #lose({ row }: LiveTask, reason: string | null, call: WriteCall): void {
    for (const task of this.#live.lose(row).slice(0, TASKS_STUCK_REPORTED_MAX))
      publishTaskEvent(this.#events, "task.blocked", task, null, reason, call);
  }

  /** Publishes an event for each task that was stuck only because of this task and no longer is. */
  #regain({ row }: LiveTask, call: WriteCall): void {
    for (const task of this.#live.regain(row).slice(0, TASKS_STUCK_REPORTED_MAX))
      publishTaskEvent(this.#events, "task.unblocked", task, null, null, call);
  }

  /** Returns the reason for which a task is stuck; null if the search stopped before it found the cause. */
  #causeOf({ blockers }: LiveTask): string | null {
    const { cause } = findCause(blockers, {
      isFree: (row) => !this.#live.isLost(row),
      waitsFor: (row) => this.#live.byRow(row)?.blockers,
    });
    return cause === undefined
      ? null
      : waitsForNote(must(this.#table.byRow(cause), "what is waited for is not pruned"));
  }

  /** Changes a task without changing its state. Other instances may be able to claim it afterwards. */
  #requeue(task: LiveTask, change: Partial<TaskLife>, { now_ms }: WriteCall): void {
    const before = task.life;
    task.life = { ...before, ...change };
    this.#table.putLife(task.row, task.life);
    this.#live.requeue(task, before, now_ms);
    this.#record(task, null);
  }

  /** Stores a step of a task's history. The state may be the same as before. */
  #update(
    task: LiveTask,
    change: Partial<TaskLife>,
    { call: from, note, claim, actor }: Change,
    call: WriteCall,
    waited_ms: number | null = null,
  ): void {
    task.life = { ...task.life, ...change, steps: task.life.steps + 1, updated_at: call.now_ms };
    this.#table.putLife(task.row, task.life);
    this.#table.addStep(task, { actor: actor ?? call.actor, note, fence: claim?.fence ?? null, call: from });
    this.#record(task, waited_ms);
  }

  /** Makes the tasks ready that waited only for this task, the oldest first. */
  #unblockWaiters({ row }: LiveTask, call: WriteCall): void {
    for (const task of this.#live.blockedBy(row)) {
      this.#live.unblock(task, row);
      this.#touch(task.id);
      if (task.blockers.size === 0)
        this.#transition(task, { state: "ready" }, { trigger: "unblock", note: null, actor: SERVER }, call);
    }
  }

  #find(id: string): { readonly row: number; readonly state: TaskState } | undefined {
    const task = this.#live.get(id);
    return task === undefined ? this.#table.stateOf(id) : { row: task.row, state: task.life.state };
  }

  /**
   * Returns the refusal if this number of further tasks, or their memory in bytes, exceeds a limit; null if they fit.
   */
  #fullFor(tasks: number, bytes: number): Failure | null {
    if (this.#live.size + tasks > TASKS_MAX) return new Failure("STOCK_FULL", `${TASKS_MAX} tasks have not ended`);
    return this.#live.bytes + bytes > TASKS_BYTES_MAX
      ? new Failure("STOCK_FULL", `tasks that have not ended take ${TASKS_BYTES_MAX} bytes of memory`)
      : null;
  }

  #touch(id: string): void {
    this.#touched.add(id);
    this.markDirty();
  }

  /** Returns the refusal if too many tasks would wait for the same task; null if the number is allowed. */
  #crowdedBy(planned: readonly PlannedTask[]): Failure | null {
    const waiters = new Map<number, number>();
    for (const { after, blockers } of planned) {
      for (const { id, row } of after) {
        if (!blockers.has(row)) continue;
        const count = (waiters.get(row) ?? this.#live.waitersOf(row)) + 1;
        if (count > TASK_WAITERS_MAX) return crowdedAt(id);
        waiters.set(row, count);
      }
    }
    return null;
  }

  #record(task: LiveTask, waited_ms: number | null): void {
    const { row, id, life } = task;
    this.#touch(id);
    this.#changed.push({ row, id, state: life.state, ready: life.state === "ready" ? record(task) : null, waited_ms });
  }
}

export const taskRegistry: Model<TaskRegistry> = { open: (opening) => new TaskRegistry(opening) };

/** Returns the refusal for one more task that waits for a task that already has too many waiters. */
function crowdedAt(id: string): Failure {
  return invalid(`${TASK_WAITERS_MAX} tasks wait for ${id}: have a task between wait for it, and others for that one`);
}

/** Converts a ready task to the record that the front gets. */
function record(task: LiveTask): ReadyRecord {
  const ready = readyTask(task);
  const resources = task.resources.map(({ text }) => text);
  const { updated_at } = task.life;
  return { ...ready, id: task.id, updated_at, labels: [...ready.labels], requires: [...ready.requires], resources };
}
