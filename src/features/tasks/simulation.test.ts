/**
 * Compares tasks and leases with a naive model, on a manual clock. In random order, tasks are created, claimed,
 * released, lost, broken, asked about and pruned. Holders are deleted, the server restarts, and transactions are rolled
 * back. The model predicts the reply and the events of each call. A separate checker reads the events of leases.
 */
import t from "tap";
import * as Type from "typebox";
import type { AcquireRequest } from "../../../schemas/leases.js";
import type { NewTask, TasksPush, TaskState } from "../../../schemas/tasks.js";
import { must } from "../../base/assert.js";
import { MonotonicClock } from "../../base/clock.js";
import { Failure } from "../../base/result.js";
import { formatTime } from "../../base/time.js";
import { claimRegistry } from "../claims/claim-registry.js";
import { endClaims } from "../claims/commands.js";
import { deregisterInstance, registerInstance, storeLastSeen } from "../instances/commands.js";
import { acquireLease, breakLease, releaseLease } from "../leases/commands.js";
import type { ReplyOf } from "../../platform/rpc/method.js";
import { writerMethod } from "../../platform/threads/writer-method.js";
import { countRounds } from "../../../test/support/test-size.js";
import { LeaseChecker, type LeaseFacts } from "../../../test/support/lease-checker.js";
import { NEW_TASK } from "../../../test/support/new-task.js";
import {
  endsAt,
  LATE_MS,
  People,
  type Person,
  SimulatedServer,
  type PublishedEvent,
} from "../../../test/support/simulated-server.js";
import { makeRandom, newSeed } from "../../../test/support/random.js";
import { TASKS } from "./task-changes.js";
import { taskRegistry } from "./task-registry.js";
import * as commands from "./commands.js";
import { TaskProjection } from "./task-projection.js";
import { TaskReader } from "./table.js";

const WORDS = ["x", "y"];
const RESOURCES = ["path:a", "path:a/*", "path:*/b", "state:a", "deploy"];
const PEOPLE = 4;
const CHECKOUTS = ["", "one", "two"];
const LIVE_MAX = 25;
const LEASES_MAX = 8;
const AGING_MS = 600_000;
const RESERVED_MS = 60_000;
const ENDED: ReadonlySet<TaskState> = new Set(["done", "failed", "dead", "canceled"]);
const VERBS = ["complete", "fail", "release", "ask"] as const;
type Verb = (typeof VERBS)[number];
const ENDINGS = {
  complete: commands.completeTask,
  fail: commands.failTask,
  release: commands.releaseTask,
  ask: commands.askAboutTask,
};

/** A writer method that makes changes and then throws. So the transaction is rolled back. */
const failing = writerMethod({
  name: "test.fail",
  request: Type.Object({ fence: Type.Integer(), id: Type.String() }),
  reply: Type.Null(),
  weight: () => 0,
  audit: null,
  changes: [],
  models: { tasks: taskRegistry, claims: claimRegistry },
  run: ({ tasks, claims }, { id, fence }, call) => {
    tasks.claim({ workspace: "", labels: [], id: null, ttl_s: null, request_id: null }, call);
    tasks.end("complete", { id, fence, text: null, value: null, retry: false }, call);
    tasks.cancel({ id, owns: true, reason: null }, call);
    claims.endSomeOf(call.actor, Infinity, call);
    claims.holderGone(call.actor, call);
    throw new Error("a bug");
  },
});

const METHODS = [
  registerInstance,
  deregisterInstance,
  storeLastSeen,
  acquireLease,
  releaseLease,
  breakLease,
  endClaims,
  failing,
  commands.createTasks,
  commands.claimTask,
  commands.reportProgress,
  ...Object.values(ENDINGS),
  commands.answerTask,
  commands.cancelTask,
  commands.retryTask,
  commands.patchTask,
  commands.pruneTasks,
];

interface HeldBy {
  readonly holder: string;
  readonly fence: number;
  readonly ttl_s: number;
  readonly granted_at: number;
}

/** A task that the model knows. */
interface Known {
  readonly row: number;
  readonly id: string;
  asked: NewTask;
  labels: readonly string[];
  priority: number;
  assignee: string | null;
  state: TaskState;
  attempts: number;
  not_before: number | null;
  ready_at: number;
  ended_at: number;
  reserved: string | null;
  reserved_until: number;
  cancel: boolean;
  held: HeldBy | null;
  /** The calls by which a holder has ended a claim of this task. Each is a text with its fence, holder and verb. */
  readonly calls: Set<string>;
  readonly holders: Set<string>;
  asker: string;
}

class Model {
  readonly tasks = new Map<string, Known>();
  readonly checker: LeaseChecker;
  /** The expected events, each as the text `EVENT TASK FENCE REASON`. */
  expected: string[] = [];
  published: string[] = [];
  readonly problems: string[] = [];
  readonly seen = new Map<string, number>();

  constructor(
    readonly now: () => number,
    factsOf: (leaseId: string) => LeaseFacts,
  ) {
    this.checker = new LeaseChecker(factsOf);
  }

  live(): Known[] {
    return [...this.tasks.values()].filter(({ state }) => !ENDED.has(state));
  }

  claimed(): (Known & { readonly held: HeldBy })[] {
    return [...this.tasks.values()].filter((task): task is Known & { held: HeldBy } => task.held !== null);
  }

  make(row: number, id: string, asked: NewTask): Known {
    const nowMs = this.now();
    const blocked = asked.after.some((on) => this.tasks.get(on)?.state !== "done");
    const { labels, priority, assignee, not_before } = asked;
    const task: Known = {
      row,
      id,
      asked,
      labels,
      priority,
      assignee,
      not_before,
      state: blocked ? "blocked" : "ready",
      attempts: 0,
      ready_at: nowMs,
      ended_at: 0,
      reserved: null,
      reserved_until: 0,
      cancel: false,
      held: null,
      calls: new Set(),
      holders: new Set(),
      asker: "",
    };
    this.tasks.set(id, task);
    this.expected.push(`task.created ${id} - -`);
    if (!blocked) this.expected.push(`task.ready ${id} - -`);
    return task;
  }

  /** Returns whether any of these tasks is not done. A pruned task counts as done. */
  waits(after: readonly string[]): boolean {
    return after.some((on) => (this.tasks.get(on)?.state ?? "done") !== "done");
  }

  /**
   * Finds the nearest cause of a stuck task. The cause is a task that has ended without being done, and for which the
   * stuck task waits, directly or through others.
   */
  causeOf({ state, asked }: Known): Known | undefined {
    if (state !== "blocked") return undefined;
    const ids = new Set(asked.after);
    for (const id of ids) {
      const waitedFor = this.tasks.get(id);
      // Skip a task that is done. It may be pruned already.
      if (waitedFor === undefined || waitedFor.state === "done") continue;
      if (ENDED.has(waitedFor.state)) return waitedFor;
      if (waitedFor.state === "blocked") for (const next of waitedFor.asked.after) ids.add(next);
    }
    return undefined;
  }

  /** The tasks that are stuck. */
  stuck(): Set<Known> {
    return new Set(this.live().filter((task) => this.causeOf(task) !== undefined));
  }

  /**
   * Adds the expected events for the tasks that have become stuck, or are no longer stuck. The changed task comes
   * first.
   */
  expectStuck(before: ReadonlySet<Known>, first?: Known): void {
    const now = this.stuck();
    const blocked = this.live().filter(({ state }) => state === "blocked");
    for (const task of blocked.toSorted((a, b) => Number(b === first) - Number(a === first))) {
      const cause = this.causeOf(task);
      if (cause !== undefined && !before.has(task))
        this.expected.push(`task.blocked ${task.id} - waits for ${cause.state} task ${cause.id}`);
      else if (!now.has(task) && before.has(task)) this.expected.push(`task.unblocked ${task.id} - -`);
      this.seen.set("stuck", (this.seen.get("stuck") ?? 0) + Number(now.has(task)));
    }
  }

  /** Returns whether a cycle would arise if a task waited for the tasks in `after`. */
  closesCycle(task: Known, after: readonly string[]): boolean {
    const ids = new Set(after);
    for (const id of ids) {
      if (id === task.id) return true;
      const { state, asked } = must(this.tasks.get(id), "it is one");
      if (state !== "done") for (const next of asked.after) if (this.tasks.has(next)) ids.add(next);
    }
    return false;
  }

  /**
   * Returns the `not_before` of a task if it is still in the future. It may have been set while the task was held, or
   * while it waited for an answer.
   */
  delayUntil({ not_before }: Known): number | null {
    return (not_before ?? 0) > this.now() ? not_before : null;
  }

  transition(task: Known, state: TaskState, reason: string | null, change: Partial<Known> = {}): void {
    const fence = task.held?.fence ?? "-";
    const ends = ENDED.has(state) && state !== "done" && this.live().some(({ asked }) => asked.after.includes(task.id));
    const changesStuck = ends || ENDED.has(task.state);
    const stuck = changesStuck ? this.stuck() : new Set<Known>();
    Object.assign(task, { state, held: null, not_before: null, reserved: null, reserved_until: 0 }, change);
    if (state === "ready") task.ready_at = this.now();
    if (ENDED.has(state)) task.ended_at = this.now();
    if (state !== "blocked") this.expected.push(`task.${state} ${task.id} ${fence} ${reason ?? "-"}`);
    if (changesStuck) this.expectStuck(stuck, task);
    this.seen.set(state, (this.seen.get(state) ?? 0) + 1);
    if (state !== "done") return;
    for (const other of this.tasks.values()) {
      if (other.state !== "blocked" || !other.asked.after.includes(task.id)) continue;
      if (!this.waits(other.asked.after)) this.transition(other, "ready", null, { not_before: other.not_before });
    }
  }

  /** Ends a claim in the model, for any reason except a call of its holder about the task. */
  lose(task: Known, reason: string, counts: boolean): void {
    this.seen.set(reason, (this.seen.get(reason) ?? 0) + 1);
    this.endClaim(task, reason, counts);
  }

  endClaim(task: Known, reason: string | null, counts: boolean): void {
    const attempts = task.attempts + Number(counts);
    if (task.cancel) this.transition(task, "canceled", reason, { attempts });
    else if (!counts) this.transition(task, "ready", reason, { not_before: this.delayUntil(task) });
    else if (attempts >= task.asked.max_attempts) this.transition(task, "dead", reason, { attempts });
    else
      this.transition(task, "ready", reason, {
        attempts,
        not_before: Math.max(this.now() + Math.min(1000 * 4 ** (attempts - 1), 3_600_000), task.not_before ?? 0),
      });
  }

  end(task: Known, verb: Verb, retry: boolean): void {
    const { fence, holder } = must(task.held, "it is held");
    task.calls.add(`${fence} ${holder} ${verb}`);
    if (verb === "complete") this.transition(task, "done", null);
    else if (verb === "release") this.endClaim(task, null, false);
    else if (verb === "fail" && retry) this.endClaim(task, "e", true);
    else if (task.cancel) this.transition(task, "canceled", verb === "ask" ? null : "e");
    else if (verb === "fail") this.transition(task, "failed", "e");
    else this.transition(task, "input_required", null, { asker: holder, not_before: this.delayUntil(task) });
  }

  whom(task: Known): string | null {
    return task.reserved_until > this.now() ? task.reserved : task.assignee;
  }

  level({ priority, ready_at, not_before }: Known): number {
    return Math.min(9, priority + Math.floor(Math.max(0, this.now() - Math.max(ready_at, not_before ?? 0)) / AGING_MS));
  }

  /** Returns whether the resources of a task are free for a person. The claim of a task has the scope `repo`. */
  isFree(resources: readonly string[], { id, parent }: Person, of: "held" | "all"): boolean {
    return this.checker.isFree(resources, "", id, of, { scope: "repo", checkout: null, parent });
  }

  /** Returns the best task for a person. */
  best(person: Person, can: readonly string[], labels: readonly string[], of: "held" | "all"): Known | undefined {
    const { id } = person;
    return this.live()
      .filter((task) => task.state === "ready" && (task.not_before ?? 0) <= this.now())
      .filter((task) => [null, id].includes(this.whom(task)))
      .filter(({ asked }) => asked.requires.every((one) => can.includes(one)))
      .filter((task) => labels.every((label) => task.labels.includes(label)))
      .toSorted((a, b) => this.level(b) - this.level(a) || a.row - b.row)
      .find(({ asked }) => this.isFree(asked.resources, person, of));
  }

  /**
   * Returns the failure of a claim that names this task. Returns null if the claim can fail only because of the task's
   * resources.
   */
  refusal(task: Known, { id }: Person, can: readonly string[]): string | null {
    if (task.state !== "ready") return `task is ${task.state}`;
    const missing = task.asked.requires.find((one) => !can.includes(one));
    if (missing !== undefined) return `task needs ${missing}`;
    const whom = this.whom(task);
    if (whom !== null && whom !== id) return `task is assigned to ${whom}`;
    if ((task.not_before ?? 0) > this.now()) return `task is not before ${formatTime(task.not_before ?? 0)}`;
    return null;
  }

  /** Compares the published events with the expected ones. */
  settle(what: string): void {
    if (this.published.join("\n") !== this.expected.join("\n"))
      this.problems.push(`${what}: published ${this.published.join(", ")}; not ${this.expected.join(", ")}`);
    this.published = [];
    this.expected = [];
  }
}

t.test("random actions of a few agents with tasks", (t) => {
  const seed = newSeed();
  const random = makeRandom(seed);
  const steps = countRounds(30_000, 200_000);
  const pick = <Value>(values: readonly Value[]): Value => must(values[random(values.length)], "one of them");
  const some = (words: readonly string[], of: number): string[] => words.filter(() => random(of) === 0);
  const model: Model = new Model(
    () => played.nowMs,
    (id) => played.lease(id),
  );
  const { problems, checker } = model;
  const played: SimulatedServer = new SimulatedServer({ methods: METHODS, hear, notice });
  const people = new People(played);
  const capabilities = new Map<string, readonly string[]>();
  const reader = new TaskReader(played.db);
  let projection = new TaskProjection(reader, played.mirror, 0);
  let changed = new Set<number>();

  function notice(row: { readonly name: string }, payload: unknown): void {
    if (row !== TASKS) return;
    const published = payload as TasksPush;
    projection.accept(published, played.nowMs);
    for (const one of published.changed) changed.add(one.row);
  }

  /**
   * Reads an event. If the server has ended a claim by itself, the model ends it too, and checks that the time had
   * come.
   */
  function hear(event: PublishedEvent): void {
    if (event.topic.startsWith("lease.")) {
      checker.read(event);
      return;
    }
    const { task_id, fence, reason } = event.data as {
      readonly task_id: string;
      readonly fence: number | null;
      readonly reason: string | null;
    };
    const task = model.tasks.get(task_id);
    if ((reason === "expired" || reason === "max_s") && task?.held?.fence === fence) {
      const endsMs = endOf({ ...task, held: must(task?.held, "it is held") });
      if (endsMs > played.nowMs) problems.push(`${task_id} was lost ${endsMs - played.nowMs} ms too early: ${reason}`);
      model.lose(must(task, "it is known"), reason, true);
    }
    model.published.push(`${event.topic} ${task_id} ${fence ?? "-"} ${reason ?? "-"}`);
  }

  const endOf = ({ held, asked }: Known & { readonly held: HeldBy }): number => {
    const { ttl_s, granted_at } = held;
    const life = { ttl_s, max_s: asked.max_s, offered: false, requested_at: granted_at, granted_at, touched_at: null };
    return endsAt(life, people.get(held.holder), played.startedMs, played.nowMs);
  };
  const register = (person: Person): void => void capabilities.set(person.id, canDo);
  let canDo: readonly string[] = [];
  const join = (of?: Person): void => {
    canDo = some(WORDS, 2);
    const checkout = of === undefined ? pick(CHECKOUTS) || null : of.checkout;
    register(people.register(canDo, { parent: of?.id ?? null, checkout }));
  };
  /** Picks a random person, and records that the person was active. */
  const activePerson = (): Person => {
    const person = pick(people.list);
    people.hear(person);
    return person;
  };
  const check = (what: string, reply: unknown, refused: string | null): void => {
    const got = reply instanceof Failure ? reply.message : null;
    if (got !== refused) problems.push(`${what}: ${got ?? "done"}, not ${refused ?? "done"}`);
  };
  const cancel = (task: Known): void => {
    const { id, state } = task;
    const ended = ENDED.has(state);
    const reply = played.reply(commands.cancelTask, { id, owns: true, reason: "r" }, "");
    check("cancel", reply, ended ? `task is ${state}` : null);
    if (ended) return;
    if (state === "claimed") task.cancel = true;
    else model.transition(task, "canceled", "r", { not_before: task.not_before });
  };
  const pass = (ms: number): void => {
    played.nowMs += ms;
    played.expiry.tick(played.nowMs);
    for (const task of model.claimed()) {
      const lateMs = played.nowMs - Math.max(endOf(task), played.startedMs);
      if (lateMs > LATE_MS) problems.push(`${task.id} should have been lost ${lateMs} ms ago`);
    }
  };

  const actions: readonly (readonly [name: string, weight: number, act: () => void])[] = [
    [
      "create",
      8,
      () => {
        const live = model.live();
        // If there are many tasks, cancel one. So many of the remaining tasks wait for a task that has ended.
        if (live.length > LIVE_MAX) return cancel(pick(live));
        const known = [...model.tasks.keys()];
        const asked = Array.from(
          { length: 1 + random(3) },
          (): NewTask => ({
            ...NEW_TASK,
            labels: some(WORDS, 3),
            requires: some(WORDS, 4),
            resources: random(2) === 0 ? [] : some(RESOURCES, 4),
            priority: random(10),
            after: known.length === 0 || random(3) > 0 ? [] : [...new Set([pick(known), pick(known)])],
            max_attempts: 1 + random(4),
            ttl_s: 1 + random(60),
            max_s: 1 + random(200),
            not_before: random(5) === 0 ? played.nowMs + random(20_000) : null,
            assignee: random(6) === 0 ? pick(people.list).id : null,
          }),
        );
        const reply = played.reply(commands.createTasks, { tasks: asked }, "");
        check("create", reply, null);
        if (reply instanceof Failure) return;
        const stuck = model.stuck();
        for (const [at, task] of asked.entries())
          model.make(must(reply.rows[at], "a row for each"), must(reply.made[at], "an id for each"), task);
        model.expectStuck(stuck);
      },
    ],
    [
      "claim",
      20,
      () => {
        const person = activePerson();
        const can = must(capabilities.get(person.id), "what it can do is known");
        const labels = some(WORDS, 4);
        const byId = random(4) === 0 && model.tasks.size > 0;
        const id = byId ? pick([...model.tasks.keys()]) : null;
        const ttlS = random(2) === 0 ? null : 1 + random(30);
        const expected = id === null ? model.best(person, can, labels, "all") : must(model.tasks.get(id), "it is one");
        const { id: own, parent } = person;
        const claimant = { id: own, name: own, parent, capabilities: can, workspace: "", labels };
        if (
          id === null &&
          projection.best(claimant, played.nowMs, () => true)?.id !== model.best(person, can, labels, "held")?.id
        )
          problems.push("the front would choose another task");
        const reply = played.reply(
          commands.claimTask,
          { workspace: "", labels, id, ttl_s: ttlS, request_id: null },
          person.id,
        );
        const refused = id === null || expected === undefined ? null : model.refusal(expected, person, can);
        if (refused !== null || expected === undefined) {
          check("claim", reply, refused);
          if (!(reply instanceof Failure) && reply.task !== null)
            problems.push(`${reply.task.id} was claimed, not none`);
          return;
        }
        if (!model.isFree(expected.asked.resources, person, "all") && id !== null) {
          if (!(reply instanceof Failure && /^(leased|awaited) by/.test(reply.message)))
            problems.push(`${id} was claimed although its resources are not free`);
          return;
        }
        if (reply instanceof Failure || reply.task?.id !== expected.id) {
          problems.push(`${expected.id} was to be claimed, not ${JSON.stringify(reply)}`);
          return;
        }
        const fence = must(played.mirror.get(reply.task.claim), "it is alive").fence;
        model.transition(expected, "claimed", null, { not_before: expected.not_before });
        model.expected.pop();
        model.expected.push(`task.claimed ${expected.id} ${fence} -`);
        expected.held = { holder: person.id, fence, ttl_s: ttlS ?? expected.asked.ttl_s, granted_at: played.nowMs };
        expected.holders.add(person.id);
        if (fence <= checker.fence && expected.asked.resources.length === 0) problems.push(`fence ${fence} twice`);
        checker.fence = Math.max(checker.fence, fence);
      },
    ],
    [
      "end",
      14,
      () => {
        if (model.tasks.size === 0) return;
        const held = model.claimed();
        const task: Known = held.length > 0 && random(4) > 0 ? pick(held) : pick([...model.tasks.values()]);
        const known = random(6) > 0 && task.held !== null ? people.get(task.held.holder) : pick(people.list);
        people.hear(known);
        const verb = pick(VERBS);
        const retry = random(3) > 0;
        const fence = random(6) > 0 && task.held !== null ? task.held.fence : 1 + random(checker.fence + 1);
        const again = task.calls.has(`${fence} ${known.id} ${verb}`);
        const isHeld = task.held?.holder === known.id && task.held.fence === fence;
        const refused = isHeld || again ? null : task.holders.has(known.id) ? "claim lost" : "not yours";
        const request = {
          id: task.id,
          fence,
          call: verb,
          text: verb === "fail" || verb === "ask" ? "e" : null,
          value: null,
          retry,
        };
        const reply = played.reply(ENDINGS[verb], request, known.id);
        check(verb, reply, refused);
        if (isHeld) model.end(task, verb, retry);
      },
    ],
    [
      "progress",
      4,
      () => {
        const held = model.claimed();
        if (held.length === 0) return;
        const task = pick(held);
        const { holder, fence } = task.held;
        people.hear(people.get(holder));
        // If the claim was lost just before, the call is rejected.
        const refused = model.tasks.get(task.id)?.held?.fence === fence ? null : "claim lost";
        const request = { id: task.id, fence, percent: random(100), note: null, checkpoint: null };
        const reply = played.reply(commands.reportProgress, request, holder);
        check("progress", reply, refused);
        if (!(reply instanceof Failure) && reply.cancel_requested !== task.cancel)
          problems.push("cancel_requested differs");
      },
    ],
    [
      "manage",
      8,
      () => {
        if (model.tasks.size === 0) return;
        const asking = model.live().filter(({ state }) => state === "input_required");
        const task = pick(asking.length > 0 && random(2) === 0 ? asking : [...model.tasks.values()]);
        const { id, state } = task;
        const what = random(4);
        if (what === 0) {
          check(
            "answer",
            played.reply(commands.answerTask, { id, owns: true, answer: "a" }, ""),
            state === "input_required" ? null : `task is ${state}`,
          );
          if (state !== "input_required") return;
          const there = people.list.some((person) => person.id === task.asker);
          const free = task.assignee === null || task.assignee === task.asker;
          const kept = there && free ? { reserved: task.asker, reserved_until: played.nowMs + RESERVED_MS } : {};
          model.transition(task, "ready", null, { not_before: model.delayUntil(task), ...kept });
        } else if (what === 1 && random(3) === 0) {
          cancel(task);
        } else if (what === 2) {
          const may = ENDED.has(state) && state !== "done";
          check("retry", played.reply(commands.retryTask, { id, owns: true }, ""), may ? null : `task is ${state}`);
          const again = model.waits(task.asked.after) ? "blocked" : "ready";
          if (may) model.transition(task, again, null, { attempts: 0, cancel: false });
        } else if (what === 3) {
          const patch = {
            priority: random(10),
            labels: some(WORDS, 3),
            assignee: random(3) === 0 ? pick(people.list).id : null,
            not_before: random(3) === 0 ? played.nowMs + random(5_000) : null,
          };
          const ended = ENDED.has(state);
          check(
            "patch",
            played.reply(commands.patchTask, { id, owns: true, ...patch }, ""),
            ended ? `task is ${state}` : null,
          );
          const freed = patch.assignee === null ? {} : { reserved: null, reserved_until: 0 };
          if (!ended) Object.assign(task, patch, freed);
        }
        if (what === 3 && random(2) === 0) {
          const dependents = model.live().filter(({ asked }) => asked.after.includes(id));
          const known =
            dependents.length > 0 && random(4) === 0 ? dependents.map((one) => one.id) : [...model.tasks.keys()];
          const after = random(3) === 0 ? [] : [...new Set([pick(known), pick(known)])];
          const reply = played.reply(commands.patchTask, { id, owns: true, after }, "");
          const waits = state === "ready" || state === "blocked";
          if (ENDED.has(state) || !waits) {
            check("after", reply, ENDED.has(state) ? `task is ${state}` : `after cannot be changed: task is ${state}`);
          } else if (model.closesCycle(task, after)) {
            if (!(reply instanceof Failure && reply.message.startsWith("dependency cycle: ")))
              problems.push(`${id} waits for itself: ${after.join(", ")}`);
          } else {
            check("after", reply, null);
            const stuck = model.stuck();
            task.asked = { ...task.asked, after };
            const now = model.waits(after) ? "blocked" : "ready";
            if (now !== state) model.transition(task, now, null, { not_before: task.not_before });
            model.expectStuck(stuck, task);
          }
        }
      },
    ],
    [
      "lease",
      5,
      () => {
        const person = activePerson();
        if (checker.held.size + checker.waiting.size > LEASES_MAX) return;
        const request: AcquireRequest = {
          scope: person.checkout !== null && random(2) === 0 ? "checkout" : "repo",
          resources: [pick(RESOURCES)],
          shared: random(3) === 0,
          workspace: "",
          ttl_s: 1 + random(60),
          max_s: 1 + random(100),
          reason: "",
          waits: random(2) > 0,
          queued: random(2) > 0,
          request_id: null,
        };
        played.reply(acquireLease, request, person.id);
      },
    ],
    [
      "release lease",
      5,
      () => {
        const leases = played.mirror.list();
        if (leases.length === 0) return;
        const { row, fence, holder, task } = pick(leases);
        people.hear(people.get(holder));
        const lost = played.mirror.get(row) === undefined;
        if (!lost && task !== null) {
          const released = must(model.tasks.get(task), "it is known");
          model.lose(released, "-", false);
          // The lease was released, which also released the task. If the holder now releases the task itself, that call
          // counts as a repetition.
          released.calls.add(`${fence} ${holder} release`);
        }
        played.reply(releaseLease, { row, fence: fence === 0 ? null : fence }, holder);
      },
    ],
    [
      "break",
      1,
      () => {
        const leases = played.mirror.list();
        if (leases.length === 0) return;
        const { row, task } = pick(leases);
        if (task !== null) model.lose(must(model.tasks.get(task), "it is known"), "broken", false);
        played.reply(breakLease, { row, reason: "x" }, "");
      },
    ],
    ["hear", 6, () => void activePerson()],
    ["busy", 1, () => people.setBusy(pick(people.list), played.nowMs + random(3) * 20_000)],
    ["wait", 2, () => people.turnWait(pick(people.list))],
    [
      "delete",
      1,
      () => {
        const person = pick(people.list);
        // Subagents are deleted before their parent.
        for (const one of [...people.childrenOf(person), person]) {
          const theirs = model.claimed().filter(({ held }) => held.holder === one.id);
          const ordered = theirs.toSorted((a, b) => a.held.fence - b.held.fence);
          for (const { id } of ordered) model.lose(must(model.tasks.get(id), "it is known"), "holder deleted", true);
          for (const task of model.live()) {
            if (task.reserved !== one.id) continue;
            if (model.whom(task) === one.id) model.seen.set("freed", (model.seen.get("freed") ?? 0) + 1);
            Object.assign(task, { reserved: null, reserved_until: 0 });
          }
        }
        canDo = some(WORDS, 2);
        for (const one of people.replace(person, canDo)) register(one);
      },
    ],
    [
      "bug",
      0.7,
      () => {
        const person = activePerson();
        const held = model.claimed().find((task) => task.held.holder === person.id);
        const request = held === undefined ? { id: "none", fence: 1 } : { id: held.id, fence: held.held.fence };
        check("bug", played.reply(failing, request, person.id), "internal error");
      },
    ],
    [
      "prune",
      0.3,
      () => {
        const before = played.nowMs - 60_000;
        const known = [...model.tasks.values()];
        const blocked = known.filter(({ state }) => state === "blocked");
        const gone = known.filter(
          ({ id, state, ended_at }) =>
            ENDED.has(state) && ended_at < before && !blocked.some(({ asked }) => asked.after.includes(id)),
        );
        let removed = 0;
        for (let after: number | null = 0; after !== null; ) {
          const reply: ReplyOf<typeof commands.pruneTasks> | Failure = played.reply(
            commands.pruneTasks,
            { after, ended_before: before },
            "",
          );
          check("prune", reply, null);
          if (reply instanceof Failure) return;
          removed += reply.removed;
          after = reply.after;
        }
        if (removed !== gone.length) problems.push(`${removed} were pruned, not ${gone.length}`);
        for (const { id } of gone) model.tasks.delete(id);
        for (const { row } of gone) compare(undefined, row);
        model.seen.set("pruned", (model.seen.get("pruned") ?? 0) + gone.length);
      },
    ],
    [
      "restart",
      0.25,
      () => {
        people.restart(random(2) === 0, random(3) * 1_000);
        projection = new TaskProjection(new TaskReader(played.db), played.mirror, played.nowMs);
      },
    ],
    ["pass", 20, () => pass(100)],
    ["pass long", 2, () => pass(random(20_000))],
    ["pass very long", 0.05, () => pass(random(AGING_MS * 2))],
  ];
  const weighted = actions.flatMap((action) =>
    new Array<(typeof actions)[number]>(Math.ceil(action[1] * 20)).fill(action),
  );

  /** Returns the explanation that the model expects for a stuck task. */
  const noteOf = (task: Known): string | null => {
    const cause = model.causeOf(task);
    return cause === undefined ? null : `waits for ${cause.state} task ${cause.id}`;
  };

  /** Compares a stored task with the model. */
  const compare = (task: Known | undefined, row: number): void => {
    const stored = reader.get(row);
    const shown = (of: Known | undefined): string =>
      JSON.stringify(
        of && [
          of.state,
          of.attempts,
          of.not_before,
          of.held?.fence ?? null,
          of.held?.holder ?? null,
          of.cancel,
          of.labels,
          of.priority,
          noteOf(of),
        ],
      );
    const got = JSON.stringify(
      stored && [
        stored.state,
        stored.attempts,
        stored.not_before,
        stored.fence,
        stored.holder,
        stored.cancel_requested === 1,
        JSON.parse(stored.labels),
        stored.priority,
        stored.note,
      ],
    );
    if (got !== shown(task)) problems.push(`row ${row} is ${got}, not ${shown(task)}`);
  };

  for (let count = 0; count < PEOPLE; count++) join();
  join(people.list[0]);
  for (let step = 0; step < steps && problems.length === 0 && checker.problems.length === 0; step++) {
    const [name, , act] = pick(weighted);
    act();
    model.settle(name);
    checker.readEnd();
    const byRow = step % 500 === 0 ? new Map([...model.tasks.values()].map((task) => [task.row, task])) : null;
    if (byRow !== null) for (const [row, task] of byRow) compare(task, row);
    else
      for (const row of changed)
        compare(
          [...model.tasks.values()].find((task) => task.row === row),
          row,
        );
    changed = new Set();
    if (problems.length > 0) problems.push(`at step ${step}, ${name}`);
  }
  t.same([...problems, ...checker.problems], [], `seed ${seed}`);
  const wanted = [
    "claimed",
    "done",
    "failed",
    "dead",
    "canceled",
    "input_required",
    "expired",
    "max_s",
    "broken",
    "holder deleted",
    "pruned",
    "stuck",
  ];
  for (const what of wanted)
    t.ok((model.seen.get(what) ?? 0) > steps / 20_000, `${what}: ${model.seen.get(what)} times`);
  played.close();
  t.end();
});

t.test("a machine's clock that is set back by an hour does not prolong a claim", (t) => {
  const machine = { nowMs: 10_000_000, elapsedMs: 0 };
  const clock = new MonotonicClock({ now: () => machine.nowMs }, 0, () => machine.elapsedMs);
  const topics: string[] = [];
  const played = new SimulatedServer({ methods: METHODS, hear: ({ topic }) => topics.push(topic) });
  const pass = (ms: number): void => {
    machine.nowMs += ms;
    machine.elapsedMs += ms;
    played.nowMs = clock.now();
    played.expiry.tick(played.nowMs);
  };
  pass(0);
  const people = new People(played);
  const [ana, bob] = [people.register(), people.register()];
  const asked = { ...NEW_TASK, ttl_s: 10, max_s: 1_000 };
  played.reply(commands.createTasks, { tasks: [asked] }, "");
  const request = { workspace: "", labels: [], id: null, ttl_s: null, request_id: null };
  played.reply(commands.claimTask, request, ana.id);
  machine.nowMs -= 3_600_000;
  pass(9_900);
  t.same(topics, ["task.created", "task.ready", "task.claimed"], "she still has it");
  pass(300);
  t.equal(topics.at(-1), "task.ready", "and has lost it after the same time without a heartbeat");
  t.match(played.reply(commands.claimTask, request, bob.id), { task: null }, "and it is not claimable at once");
  pass(1_000);
  t.match(played.reply(commands.claimTask, request, bob.id), { task: { id: "task-1" } });
  played.close();
  t.end();
});
