/** Compares the queue of ready tasks with a naive model. Tasks, claimants, blockers and times are random. */
import t from "tap";
import { TASK_AGING_MS, TASK_PRIORITY_MAX } from "../../../schemas/limits/tasks.js";
import { must } from "../../base/assert.js";
import { countRounds } from "../../../test/support/test-size.js";
import { makeRandom, newSeed, type Random } from "../../../test/support/random.js";
import { type Claimant, mayClaim, type Rank, type ReadyTask, ReadyQueue } from "./ready-queue.js";

interface RandomTask extends ReadyTask {
  /** The blockers of the task's resources. A claimant may overtake some of these blockers. */
  readonly blockers: readonly number[];
}

const WORDS = ["a", "b", "c"];
const NAMES = ["ana", "bob"];
const BLOCKERS = [1, 2, 3];

function some(random: Random, words: readonly string[]): string[] {
  return words.filter(() => random(3) === 0);
}

function randomTask(random: Random, row: number, nowMs: number): RandomTask {
  const kept = random(6) === 0;
  return {
    row,
    workspace: must(WORDS[random(2)], "one of two"),
    labels: some(random, WORDS),
    requires: random(2) === 0 ? [] : some(random, WORDS),
    priority: random(TASK_PRIORITY_MAX + 1),
    ready_at: nowMs - random(3) * random(TASK_AGING_MS),
    not_before: random(4) === 0 ? nowMs + random(TASK_AGING_MS) : null,
    assignee: random(4) === 0 ? must(NAMES[random(2)], "one of two") : null,
    reserved: kept ? must(NAMES[random(2)], "one of two") : null,
    reserved_until: kept ? nowMs + random(TASK_AGING_MS) : 0,
    blockers: BLOCKERS.filter(() => random(3) === 0),
  };
}

function randomClaimant(random: Random): Claimant {
  const name = must(NAMES[random(2)], "one of two");
  return {
    id: `id-${name}`,
    name,
    parent: null,
    capabilities: some(random, WORDS),
    workspace: must(WORDS[random(2)], "one of two"),
    labels: random(2) === 0 ? [] : some(random, WORDS),
  };
}

/** The model: finds the best task by sorting all tasks that the claimant can have. */
function naiveBest(
  tasks: Iterable<RandomTask>,
  claimant: Claimant,
  nowMs: number,
  free: (task: RandomTask) => boolean,
): number | undefined {
  const level = ({ priority, ready_at, not_before }: RandomTask): number =>
    Math.min(
      TASK_PRIORITY_MAX,
      priority + Math.floor(Math.max(0, nowMs - Math.max(ready_at, not_before ?? 0)) / TASK_AGING_MS),
    );
  return [...tasks]
    .filter((task) => mayClaim(task, claimant, nowMs) && free(task))
    .toSorted((a, b) => level(b) - level(a) || a.row - b.row)
    .at(0)?.row;
}

/**
 * Finds the first free task in the order of the queue. Reads the queue in parts of random length, as the writer does
 * for a long search.
 */
function bestInParts(
  random: Random,
  queue: ReadyQueue<RandomTask>,
  claimant: Claimant,
  nowMs: number,
  free: (task: RandomTask) => boolean,
): RandomTask | undefined {
  for (let after: Rank | null = null; ; ) {
    let more: Rank | null = null;
    for (const { task, level, fits } of queue.inOrder(claimant, nowMs, after)) {
      if (fits && free(task)) return task;
      more = { level, row: task.row };
      if (random(4) === 0) break;
    }
    if (more === null) return undefined;
    after = more;
  }
}

t.test("the best task is that of a naive model", async (t) => {
  const seed = newSeed();
  t.comment(`seed ${seed}`);
  const random = makeRandom(seed);
  const steps = countRounds(20_000, 1_000_000);
  const queue = new ReadyQueue<RandomTask>();
  const tasks = new Map<number, RandomTask>();
  let nowMs = 1_000_000_000;
  let rows = 0;
  let found = 0;
  /** The blockers that are active now. Only an active blocker blocks a task. */
  const active = new Set<number>(BLOCKERS);
  for (let step = 0; step < steps; step++) {
    nowMs += random(20) === 0 ? random(2 * TASK_AGING_MS) : random(1_000);
    const what = random(10);
    if (what < 4 && tasks.size < 60) {
      const known = [...tasks.keys()];
      const row = random(5) === 0 && known.length > 0 ? must(known[random(known.length)], "a row") : (rows += 1);
      const task = randomTask(random, row, nowMs);
      tasks.set(row, task);
      queue.add(task, nowMs);
    } else if (what === 4) {
      const blocker = must(BLOCKERS[random(BLOCKERS.length)], "one of them");
      if (!active.delete(blocker)) active.add(blocker);
    } else {
      const claimant = randomClaimant(random);
      const overtaken = new Set(BLOCKERS.filter(() => random(4) === 0));
      const free = ({ blockers }: RandomTask): boolean =>
        blockers.every((blocker) => !active.has(blocker) || overtaken.has(blocker));
      const best = bestInParts(random, queue, claimant, nowMs, free);
      const expected = naiveBest(tasks.values(), claimant, nowMs, free);
      if (best?.row !== expected) {
        t.equal(best?.row, expected, `step ${step}`);
        return;
      }
      if (best === undefined || random(3) === 0) continue;
      found += 1;
      tasks.delete(best.row);
      queue.remove(best.row);
    }
    if (random(50) > 0 || tasks.size === 0) continue;
    const [row] = tasks.keys();
    tasks.delete(must(row, "there is one"));
    queue.remove(must(row, "there is one"));
  }
  t.equal(queue.size, tasks.size);
  t.ok(found > steps / 20, `${found} were claimed`);
});

t.test("a task that becomes claimable with time is reported once", async (t) => {
  const queue = new ReadyQueue<ReadyTask>();
  const task = {
    row: 1,
    workspace: "w",
    labels: [],
    requires: [],
    priority: 5,
    ready_at: 0,
    not_before: 1_000,
    assignee: null,
    reserved: "ana",
    reserved_until: 2_000,
  };
  queue.add(task, 0);
  t.same(queue.advance(999), []);
  t.same(queue.advance(1_000), [task], "its time has come");
  t.same(queue.advance(1_999), []);
  t.same(queue.advance(2_000), [task], "it is not reserved any more");
  t.same(queue.advance(100 * TASK_AGING_MS), [], "a higher priority makes it claimable for no further instance");
});

t.test("tasks with different requirements cost little more than others", async (t) => {
  const QUEUES = 512;
  const able = Array.from({ length: 9 }, (_, at) => `c${at}`);
  const queue = new ReadyQueue<ReadyTask>();
  let looked = 0;
  for (let row = 1; row <= QUEUES; row++) {
    const task = {
      get row() {
        looked += 1;
        return row;
      },
      workspace: "w",
      labels: row % 2 === 0 ? ["a"] : ["b"],
      requires: able.filter((_, at) => (row >> at) % 2 === 1),
      priority: 5,
      ready_at: 0,
      not_before: null,
      assignee: null,
      reserved: null,
      reserved_until: 0,
    };
    queue.add(task, 0);
  }
  const claimant = { id: "ana", name: "ana", parent: null, capabilities: able, workspace: "w", labels: [] };
  looked = 0;
  const rows = [...queue.inOrder(claimant, 0)].map(({ task }) => task);
  t.equal(rows.length, QUEUES);
  t.ok(looked <= 8 * QUEUES * Math.log2(QUEUES), `${looked} looks, as many as a heap of few queues takes`);
});
