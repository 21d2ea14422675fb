/**
 * Changes tasks. Each change is made in memory, stored, published as an event, and pushed to the front. All of this
 * happens in the transaction of the call. Runs in the writer thread.
 *
 * The registry (task-registry.ts) decides which changes a call makes. If a change makes other tasks ready or stuck,
 * this module changes those tasks too.
 */
import type { LeaseRecord } from "../../../schemas/leases.js";
import { type NewTask, type ReadyRecord, TasksPush, type TaskState } from "../../../schemas/tasks.js";
import { claimChanges } from "../claims/claim-changes.js";
import { SERVER } from "../claims/lease-events.js";
import { publisher, type Publisher } from "../events/publisher.js";
import type { PushMessage } from "../../platform/rpc/method.js";
import {
  type Model,
  type Opening,
  type Publication,
  PublishingModel,
  type ReloadReason,
} from "../../platform/threads/model.js";
import type { WriteCall } from "../../platform/threads/writer-method.js";
import { LiveTasks, readyTask } from "./live-tasks.js";
import type { PlannedTask } from "./plan.js";
import { waitsForNote } from "./stuck.js";
import { StuckEvents } from "./stuck-events.js";
import { hasEnded, type LiveTask, NOT_RESERVED, type TaskLife } from "./task.js";
import { type TaskTopic, publishTaskEvent } from "./task-events.js";
import { type Step, TaskWriter } from "./task-writer.js";
import { assertTransition, type Trigger } from "./transitions.js";

/** The push message that carries the tasks changed by a commit. */
export const TASKS = { name: "tasks", payload: TasksPush } as const satisfies PushMessage;

/**
 * The topic of the event that is published when a task enters a state. No event is published for the state `blocked`.
 */
const TOPICS: Readonly<Partial<Record<TaskState, TaskTopic>>> = {
  ready: "task.ready",
  claimed: "task.claimed",
  input_required: "task.input_required",
  done: "task.done",
  failed: "task.failed",
  dead: "task.dead",
  canceled: "task.canceled",
};

/** An existing task for which another task will wait. */
export interface KnownAfter {
  readonly id: string;
  readonly row: number;
  readonly state: TaskState;
}

/** The cause of a task's change: the call that makes it, and the texts for the task's history and for the event. */
interface Change extends Pick<Step, "call" | "note"> {
  readonly claim?: LeaseRecord | null;
  /** The reason that the event shows. */
  readonly reason?: string | null;
  /** The actor of the change. If it is absent, the caller is the actor. */
  readonly actor?: string;
}

/** A change of a task's state. */
export interface Transition extends Omit<Change, "call"> {
  readonly trigger: Trigger;
  /** The name of the call in the task's history. If it is absent, the name of the transition's trigger is used. */
  readonly call?: string;
}

export class TaskChanges extends PublishingModel {
  readonly table: TaskWriter;
  readonly live = new LiveTasks();
  readonly #events: Publisher;
  readonly #stuck: StuckEvents;
  #lastRow = 0;
  #changed: TasksPush["changed"] = [];
  /** The ids of the tasks that were changed in memory since the last commit. */
  #touched = new Set<string>();

  constructor({ db, rows, use }: Pick<Opening, "db" | "rows" | "use">) {
    super();
    // Open the claims first. The front must get the message about a claim before the message about the claimed task.
    use(claimChanges);
    this.table = new TaskWriter(db, rows);
    this.#events = use(publisher);
    this.#stuck = new StuckEvents(this.live, this.table, this.#events);
    this.#readAll();
  }

  /** The row of the newest task; 0 if there is none. */
  get lastRow(): number {
    return this.#lastRow;
  }

  reload(why: ReloadReason): void {
    if (why === "rollback") this.#undo();
    else this.#readAll();
  }

  /**
   * Undoes the changes in memory since the last commit. Reads only the changed tasks again. Reading all tasks would
   * make every failing write expensive, for example while the disk is full.
   */
  #undo(): void {
    this.#changed = [];
    this.#lastRow = this.table.lastRow;
    const touched = [...this.#touched];
    for (const id of touched) {
      const task = this.live.get(id);
      if (task !== undefined) this.live.remove(task);
    }
    for (const id of touched) {
      const task = this.table.get(id);
      if (task !== undefined) this.live.add(task, 0);
    }
    this.live.rolledBack();
    this.#touched = new Set();
  }

  #readAll(): void {
    this.live.clear();
    this.#changed = [];
    this.#touched = new Set();
    this.#lastRow = this.table.lastRow;
    const live = this.table.live();
    for (const task of live) this.live.add(task, 0);
    this.live.findStuck(live);
    this.live.committed();
  }

  afterCommit({ changes, push }: Publication): void {
    if (this.#touched.size > 0) this.#touched = new Set();
    this.live.committed();
    if (this.#changed.length === 0) return;
    for (const { id } of this.#changed) changes?.add("task", id, null);
    push(TASKS, { changed: this.#changed, counts: [...this.live.counts] });
    this.#changed = [];
  }

  /**
   * Creates a task.
   * @param after the tasks for which the new task waits
   */
  create(task: LiveTask, from: NewTask, after: PlannedTask["after"], call: WriteCall): void {
    const { row, life } = task;
    this.#lastRow = Math.max(this.#lastRow, row);
    this.table.create(task, from, after);
    this.table.putLife(row, life);
    this.table.addStep(task, { actor: call.actor, note: null, fence: null, call: "create" });
    this.live.add(task, 0);
    this.record(task, null);
    publishTaskEvent(this.#events, "task.created", task, null, null, call);
    if (life.state === "ready") publishTaskEvent(this.#events, "task.ready", task, null, null, call);
  }

  /** Finds out which of the created tasks are stuck, and publishes an event for each of these. */
  findStuck(created: readonly LiveTask[], call: WriteCall): void {
    this.live.findStuck(created);
    for (const task of created) this.#stuck.publish(task, call);
  }

  /**
   * Changes the state of a task. If it becomes ready, the instances that may claim it are notified.
   * @param waitedMs the time in ms for which the task was ready before this claim; null if the change is not a claim
   */
  transition(
    task: LiveTask,
    change: Partial<TaskLife> & Pick<TaskLife, "state">,
    transition: Transition,
    call: WriteCall,
    waitedMs: number | null = null,
  ): void {
    const { nowMs } = call;
    const { state } = change;
    assertTransition(transition.trigger, task.life.state, state);
    const hadEnded = hasEnded(task.life.state);
    const wasStuck = !hadEnded && this.live.isStuck(task);
    this.live.remove(task);
    const kept = state === "ready" ? {} : NOT_RESERVED;
    const readyAt = state === "ready" ? nowMs : task.life.ready_at;
    const endedAt = hasEnded(state) ? nowMs : null;
    this.update(
      task,
      { ready_at: readyAt, ...kept, ...change, ended_at: endedAt },
      { call: transition.trigger, ...transition },
      call,
      waitedMs,
    );
    this.live.add(task, nowMs);
    const topic = TOPICS[state];
    if (topic !== undefined)
      publishTaskEvent(this.#events, topic, task, transition.claim ?? null, transition.reason ?? null, call);
    if (state === "done") this.#unblockWaiters(task, call);
    // Report the tasks that wait for this task. They become stuck if it has ended without being done. They are no
    // longer stuck if it was retried. Nothing changes for them if this task was stuck before, or is stuck now.
    else if (hasEnded(state) && !wasStuck) this.#stuck.lose(task, waitsForNote({ id: task.id, state }), call);
    else if (hadEnded && !this.#stuck.publish(task, call)) this.#stuck.regain(task, call);
  }

  /** Replaces the list of tasks for which a task waits. The task must not be held. */
  setAfter(task: LiveTask, after: readonly KnownAfter[], call: WriteCall): void {
    const wasStuck = this.live.isStuck(task);
    const before = task.life.state;
    this.table.setAfter(task.row, after);
    // Remove the task before its blockers change, because `live` indexes tasks by their blockers.
    this.live.remove(task);
    const state = this.setBlockers(task, new Set(after.filter((one) => one.state !== "done").map((one) => one.row)));
    if (state === before) this.live.add(task, call.nowMs);
    else this.transition(task, { state }, { trigger: "update", note: null }, call);
    const isStuck = this.live.isStuck(task);
    if (isStuck === wasStuck) return;
    if (isStuck) this.#stuck.publish(task, call);
    else if (state === "blocked") publishTaskEvent(this.#events, "task.unblocked", task, null, null, call);
    if (isStuck) this.#stuck.lose(task, this.#stuck.causeOf(task), call);
    else this.#stuck.regain(task, call);
  }

  /** Sets the blockers of a task that is not held. Returns the state that the caller must then give to the task. */
  setBlockers(task: LiveTask, blockers: ReadonlySet<number>): "blocked" | "ready" {
    task.blockers.clear();
    for (const blocker of blockers) task.blockers.add(blocker);
    return blockers.size > 0 ? "blocked" : "ready";
  }

  /** Changes members of a task, but not its state. Other instances may be able to claim the task afterwards. */
  requeue(task: LiveTask, change: Partial<TaskLife>, { nowMs }: WriteCall): void {
    const before = task.life;
    task.life = { ...before, ...change };
    this.table.putLife(task.row, task.life);
    this.live.requeue(task, before, nowMs);
    this.record(task, null);
  }

  /** Stores a change of a task, and adds a step to the task's history. The change may keep the state. */
  update(
    task: LiveTask,
    change: Partial<TaskLife>,
    { call: from, note, claim, actor }: Change,
    call: WriteCall,
    waitedMs: number | null = null,
  ): void {
    task.life = { ...task.life, ...change, steps: task.life.steps + 1, updated_at: call.nowMs };
    this.table.putLife(task.row, task.life);
    this.table.addStep(task, { actor: actor ?? call.actor, note, fence: claim?.fence ?? null, call: from });
    this.record(task, waitedMs);
  }

  /**
   * Adds a changed task to the push message of the commit.
   * @param waitedMs the time in ms for which the task was ready before this claim; null if the change is not a claim
   */
  record(task: LiveTask, waitedMs: number | null): void {
    const { row, id, life } = task;
    this.#touch(id);
    this.#changed.push({
      row,
      id,
      state: life.state,
      ready: life.state === "ready" ? record(task) : null,
      waited_ms: waitedMs,
    });
  }

  /**
   * Removes a done task from the blockers of other tasks. If a task then has no blocker left, makes it ready. The
   * oldest task comes first.
   */
  #unblockWaiters({ row }: LiveTask, call: WriteCall): void {
    for (const task of this.live.blockedBy(row)) {
      this.live.unblock(task, row);
      this.#touch(task.id);
      if (task.blockers.size === 0)
        this.transition(task, { state: "ready" }, { trigger: "unblock", note: null, actor: SERVER }, call);
    }
  }

  #touch(id: string): void {
    this.#touched.add(id);
    this.markDirty();
  }
}

export const taskChanges: Model<TaskChanges> = { open: (opening) => new TaskChanges(opening) };

/** Converts a ready task to the record that is sent to the front. */
function record(task: LiveTask): ReadyRecord {
  const ready = readyTask(task);
  const resources = task.resources.map(({ text }) => text);
  const { updated_at } = task.life;
  return { ...ready, id: task.id, updated_at, labels: [...ready.labels], requires: [...ready.requires], resources };
}
