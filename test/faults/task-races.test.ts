/**
 * Races agents in processes of their own for tasks. Some agents are killed, and so is the server. Each task is done
 * exactly once, and independent checkers read the events. It also tests what happens to a claim when the writer crashes
 * over it, when the disk is full, or when its holder is stopped past its life and continues.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { must } from "../../src/base/assert.js";
import { betweenLooks } from "../support/between-looks.js";
import { countRounds } from "../support/test-size.js";
import { gather } from "../support/held-writer.js";
import { send, sendJson } from "../support/http-client.js";
import { Agent, eventsOf, nextEvent, type StoredEvent } from "../support/leasing.js";
import { LeaseChecker } from "../support/lease-checker.js";
import { makeRandom, newSeed } from "../support/random.js";
import { singleServerOnly } from "../support/variant.js";
import { makeDirectory, startKoor } from "../support/server-process.js";
import { TaskChecker } from "../support/task-checker.js";
import { addTask, addTasks, claimOne, getTask, type Task, callTask, tryClaim } from "../support/tasking.js";
import { FAULTS } from "../threads/faults.js";

const CRASHING = fileURLToPath(new URL("../threads/crashing-server.js", import.meta.url));
const CLAIMERS = 8;
/** Enough attempts for agents that are killed over a task. */
const ATTEMPTS_MAX = 100;

/**
 * The agent claims, writes its result under its fence, completes the task and reports that, until it is ended. A call
 * without an answer is made again when the agent gets the server's new address.
 */
const CLAIMER_PROGRAM = `
import { createInterface } from "node:readline";
const [id] = process.argv.slice(1);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
let url = (await lines.next()).value;
const ask = async (method, path, body, fence) => {
  const headers = { "X-Koor-Instance": id, ...(fence === undefined ? {} : { "X-Koor-Fence": String(fence) }) };
  for (;;) {
    try {
      const answer = await fetch(url + path, { method, headers, body: JSON.stringify(body) });
      const json = await answer.json();
      if (answer.status !== 503) return { status: answer.status, json };
    } catch {
      url = (await lines.next()).value;
      if (url === undefined) process.exit();
    }
  }
};
for (let turn = 0; ; turn++) {
  const { json } = await ask("POST", "/api/tasks/claim", { wait_s: 1, request_id: "turn-" + turn });
  if (!json.task) continue;
  const { id: task, fence } = json.task;
  await ask("PUT", "/api/state/work/" + task, { by: id, fence }, fence);
  const { status } = await ask("POST", "/api/tasks/" + task + "/complete", { fence, result: id });
  process.stdout.write((status === 200 ? "done " : "lost ") + task + " " + fence + "\\n");
}
`;

class Claimer {
  readonly child: ChildProcess;
  said = "";

  constructor(
    t: Test,
    readonly agent: Agent,
    program = CLAIMER_PROGRAM,
  ) {
    this.child = spawn(process.execPath, ["--input-type=module", "-e", program, "--", agent.id], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    t.teardown(() => void this.child.kill("SIGKILL"));
    this.child.stdin?.on("error", () => undefined);
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.said += text));
  }

  write(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await once(this.child, "exit");
  }
}

async function readAll(port: number, events: StoredEvent[]): Promise<StoredEvent[]> {
  const fresh: StoredEvent[] = [];
  for (let since = events.at(-1)?.id ?? 0; ; since = must(fresh.at(-1), "there was one").id) {
    const page = (await send(port, "GET", `/api/events/history?after=${since}&last=10000`)).json<StoredEvent[]>();
    if (page.length === 0) break;
    fresh.push(...page);
  }
  events.push(...fresh);
  return fresh;
}

/** Runs one race: the number of tasks, and how often the server and claimers are killed. */
async function race(t: Test, tasks: number, kills: number): Promise<void> {
  const seed = newSeed();
  t.comment(`seed ${seed}`);
  const random = makeRandom(seed);
  const dataDir = makeDirectory(t);
  let koor = await startKoor(t, { data_dir: dataDir });
  const checker = new TaskChecker();
  const leases = new LeaseChecker();
  const events: StoredEvent[] = [];
  const said: string[] = [];
  /** How many tasks are done by now. */
  const readOn = async (): Promise<number> => {
    for (const event of await readAll(koor.port, events)) {
      if (event.topic.startsWith("lease.")) leases.read(event);
      if (/^(lease|task)\./.test(event.topic)) checker.read(event);
    }
    return events.filter(({ topic }) => topic === "task.done").length;
  };
  const start = async (name: string): Promise<Claimer> => {
    const claimer = new Claimer(t, await Agent.register(koor.port, name));
    claimer.write(koor.url);
    return claimer;
  };
  await addTasks(
    koor.port,
    ...Array.from({ length: tasks }, (_, at) => ({
      id: `t${at}`,
      max_attempts: ATTEMPTS_MAX,
      ttl_s: 1,
      priority: random(10),
      resources: random(2) === 0 ? [] : [`path:${random(12)}/*`],
      after: at > 0 && random(8) === 0 ? [`#${random(at)}`] : [],
    })),
  );
  const claimers = await Promise.all(Array.from({ length: CLAIMERS }, (_, at) => start(`claimer-${at}`)));
  for (let kill = 0; kill < kills; kill++) {
    // The kill comes in the middle, at a time that is not known before.
    let done = await readOn();
    const wanted = Math.min(tasks, done + 1 + random(Math.max(1, Math.floor((2 * tasks) / (3 * kills)))));
    while (done < wanted) {
      await nextEvent(koor.port, "task.done", events.at(-1)?.id ?? 0);
      done = await readOn();
    }
    if (kill % 2 === 0) {
      koor.process.kill("SIGKILL");
      await once(koor.process, "exit");
      koor = await startKoor(t, { data_dir: dataDir });
      for (const claimer of claimers) claimer.write(koor.url);
    } else {
      const at = random(claimers.length);
      const killed = must(claimers[at], "one of them");
      await killed.kill();
      said.push(killed.said);
      claimers[at] = await start(`heir-${kill}`);
      // Otherwise a restart would keep it for 15 s.
      await send(koor.port, "DELETE", `/api/instances/${killed.agent.id}`);
    }
  }
  while ((await readOn()) < tasks) await nextEvent(koor.port, "task.done", events.at(-1)?.id ?? 0);
  await Promise.all(claimers.map((claimer) => claimer.kill()));
  said.push(...claimers.map((claimer) => claimer.said));
  t.same(
    [...checker.problems, ...leases.problems].slice(0, 5),
    [],
    "there are no two holders, no fence twice, and no task was done twice",
  );
  const all = [...checker.tasks.values()];
  t.equal(all.filter((task) => task.done === 1).length, tasks, `each was done once, by ${checker.claims} claims`);
  const byTask = new Map(
    events.filter(({ topic }) => topic === "task.done").map(({ data }) => [data["task_id"], data["fence"]] as const),
  );
  const reported = said.flatMap((text) => text.split("\n").filter((line) => line.startsWith("done ")));
  const wrong = reported.filter((line) => byTask.get(line.split(" ")[1]) !== Number(line.split(" ")[2]));
  t.same(wrong.slice(0, 5), [], "every reported completion is in the database");
  t.equal(new Set(reported).size, reported.length, "and each was reported by one claimer");
  t.ok(reported.length > tasks - 2 * kills, `${reported.length} completions were reported`);
  const written = await Promise.all(
    [...byTask].map(async ([task, fence]) => {
      const value = (await send(koor.port, "GET", `/api/state/work/${String(task)}`)).json<{ fence: number }>();
      return value.fence === fence ? null : `${String(task)}: ${value.fence}, not ${String(fence)}`;
    }),
  );
  t.same(
    written.filter((problem) => problem !== null).slice(0, 5),
    [],
    "the last write is by the agent that has done the task",
  );
  const { port } = koor;
  t.same((await send(port, "GET", "/api/leases")).json<{ leases: object[] }>().leases, [], "and no task is held");
  await koor.stop();
}

/** Skips a test in a cluster, where the log makes the writer run the call again, and crash again. */
const IN_THE_LOG = { skip: singleServerOnly("a call that was appended to the log runs after the crash") };

t.test(
  "each task is done once in a race of claimers and a server that are killed",
  { skip: process.platform === "win32" },
  async (t) => {
    const rounds = countRounds(1, 2);
    for (let round = 0; round < rounds; round++) await race(t, countRounds(120, 1_000), countRounds(4, 10));
  },
);

t.test("a claim is all or nothing when the writer crashes over it", IN_THE_LOG, async (t) => {
  const koor = await startKoor(t, { program: CRASHING });
  const { port } = koor;
  const [ana, bob] = [await Agent.register(port, "ana"), await Agent.register(port, "bob")];
  await addTasks(port, { id: "a", resources: ["path:a"] }, { id: "b" });
  const waiting = tryClaim(bob, { wait_s: 60, labels: ["x"] });
  const crashed = await gather(koor, 1, () => [
    tryClaim(ana, { request_id: "r" }),
    sendJson(port, "PUT", `/api/state/${FAULTS.crash}`, 1),
  ]);
  const [first] = await Promise.allSettled(crashed);
  if (first?.status === "fulfilled") t.equal(first.value.status, 503, "nothing of it is stored");
  while ((await sendJson(port, "PUT", "/api/state/back", 1)).status !== 200) await betweenLooks();
  t.match(await getTask(port, "a"), { state: "ready", attempts: 0 });
  const silent = await gather(koor, 2, () => [
    tryClaim(ana, { request_id: "r" }),
    sendJson(port, "POST", "/api/events/publish", { topic: FAULTS.silent }),
  ]);
  for (const request of silent) await t.rejects(request, { code: "ECONNRESET" });
  while ((await sendJson(port, "PUT", "/api/state/back", 2)).status !== 200) await betweenLooks();
  const held = await getTask(port, "a");
  t.match(held, { state: "claimed", holder: { name: "ana" }, fence: 1 }, "it was committed before its answer was lost");
  const again = (await tryClaim(ana, { request_id: "r" })).json<{ task: Task }>();
  t.match(
    again,
    { task: { id: "a", fence: 1 }, lease: { state: "held", fence: 1 } },
    "the same request again gets the same claim",
  );
  t.equal((await eventsOf(port, "task.claimed")).length, 1);
  await addTask(port, { id: "x", labels: ["x"] });
  t.match((await waiting).json(), { task: { id: "x" } }, "a waiting client continues to wait");
  t.equal((await callTask(ana, again.task, "complete")).status, 200);
  t.equal(await koor.stop(), 0);
});

const canLimit = spawnSync("prlimit", ["--pid", String(process.pid), "--fsize"], { stdio: "ignore" }).status === 0;

t.test(
  "a claim on a full disk is granted whole or not at all",
  { skip: canLimit ? singleServerOnly("calls that are in the log wait for the disk") : "no prlimit" },
  async (t) => {
    const koor = await startKoor(t);
    const { port } = koor;
    const limit = (bytes: number | "unlimited"): void => {
      const of = ["--pid", String(koor.process.pid), `--fsize=${bytes}:unlimited`];
      if (spawnSync("prlimit", of, { stdio: "ignore" }).status !== 0) throw new Error("prlimit failed");
    };
    const ana = await Agent.register(port, "ana");
    await addTasks(port, ...["a", "b", "c"].map((id) => ({ id, resources: [`path:${id}`] })));
    const first = await claimOne(ana, { id: "a" });
    const before = await Promise.all(["a", "b", "c"].map((id) => getTask(port, id)));
    limit(statSync(join(koor.data_dir, "data.db-wal")).size);
    // The size that still fits beside what is there.
    while ((await send(port, "POST", "/api/metrics/reset")).status === 200);
    const refusals = await Promise.all([
      tryClaim(ana, { id: "b", request_id: "r" }),
      tryClaim(ana),
      callTask(ana, first, "complete", { result: 1 }),
      callTask(ana, first, "fail", { error: "e" }),
      callTask(ana, first, "progress", { checkpoint: "x".repeat(60_000) }),
      sendJson(port, "POST", "/api/tasks", { title: "t" }),
      sendJson(port, "PATCH", "/api/tasks/c", { title: "t2" }),
      ana.ask("DELETE", `/api/leases/${first.lease}?fence=${first.fence}`),
    ]);
    for (const [at, answer] of refusals.entries()) t.equal(answer.status, 507, `call ${at}`);
    t.same(await Promise.all(["a", "b", "c"].map((id) => getTask(port, id))), before, "nothing has changed");
    t.equal((await eventsOf(port, "task.claimed")).length, 1);
    limit("unlimited");
    const { fence, id, lease } = await claimOne(ana, { id: "b", request_id: "r" });
    t.same([id, fence, lease], ["b", 2, "lease-2"], "no fence and no id was used");
    t.equal((await callTask(ana, first, "complete")).status, 200);
    t.equal((await addTask(port)).id, "task-4");
    t.equal((await claimOne(ana)).id, "c");
  },
);

/** An agent that continues on request. */
const STOPPED_PROGRAM = `
import { createInterface } from "node:readline";
const [id] = process.argv.slice(1);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const url = (await lines.next()).value;
const ask = async (method, path, body, headers = {}) => {
  const all = { "X-Koor-Instance": id, ...headers };
  return fetch(url + path, { method, headers: all, body: JSON.stringify(body) });
};
const { task } = await (await ask("POST", "/api/tasks/claim", {})).json();
process.stdout.write(task.fence + "\\n");
await lines.next();
const { fence } = task;
for (const [method, path, body, headers] of [
  ["PUT", "/api/state/plan", "old", { "X-Koor-Fence": String(fence) }],
  ["POST", "/api/tasks/a/progress", { fence, percent: 99 }],
  ["POST", "/api/tasks/a/complete", { fence, result: "old" }],
  ["POST", "/api/tasks/a/fail", { fence, error: "old" }],
])
  process.stdout.write((await ask(method, path, body, headers)).status + "\\n");
process.exit();
`;

t.test(
  "an agent that was stopped past its claim's life completes nothing",
  { skip: process.platform === "win32" },
  async (t) => {
    const { port, url } = await startKoor(t);
    const [old, heir] = [await Agent.register(port, "old"), await Agent.register(port, "heir")];
    await addTask(port, { id: "a", resources: ["state:plan"], ttl_s: 1 });
    const stopped = new Claimer(t, old, STOPPED_PROGRAM);
    stopped.write(url);
    await nextEvent(port, "task.claimed");
    while (!stopped.said.includes("\n")) await once(must(stopped.child.stdout, "it is piped"), "data");
    stopped.child.kill("SIGSTOP");
    t.match((await nextEvent(port, "lease.lost")).data, { task: "a", reason: "expired" });
    const task = await claimOne(heir, { wait_s: 5, ttl_s: 60 });
    t.match(task, { id: "a", attempts: 1, fence: 2 });
    await heir.ask("PUT", "/api/state/plan", { by: "heir" }, { "X-Koor-Fence": "2" });
    stopped.write("go on");
    stopped.child.kill("SIGCONT");
    await once(stopped.child, "exit");
    t.equal(stopped.said, "1\n412\n409\n409\n409\n");
    t.match(await getTask(port, "a"), { state: "claimed", holder: { name: "heir" }, result: null, error: null });
    t.equal((await send(port, "GET", "/api/state/plan")).text, '{"by":"heir"}');
    t.match((await callTask(heir, task, "complete", { result: "new" })).json(), { state: "done", result: "new" });
  },
);
