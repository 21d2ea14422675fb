/** Tests the worker of tasks against a real server. clients/behaviours.json describes the expected behaviour. */
import { once } from "node:events";
import t from "tap";
import { behaviour } from "../../test/support/behaviours.js";
import { startKoor } from "../../test/support/server-process.js";
import { connect, LeaseLostError, TaskCanceledError, TaskFailure, UnauthorizedError } from "./client.js";

const { url } = await startKoor(t);
const client = connect({ url });
const { client: ana } = await client.instances.register({ name: "ana", workspace: "w" });
const { client: ben } = await client.instances.register({ name: "ben", workspace: "w" });

/** Resolves when the signal fires. */
async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

await behaviour(t, "tasks-complete", async (t) => {
  const [go, js] = await ana.tasks.add([
    { title: "in go", labels: ["go"], data: { n: 1 } },
    { title: "in js", labels: ["js"] },
  ]);
  const ending = new AbortController();
  await ben.tasks.work(
    ["go"],
    async (task, { fence, signal, progress }) => {
      t.equal(task.id, go?.id);
      t.equal(fence, task.fence);
      t.notOk(signal.aborted);
      await progress({ percent: 50, note: "half", checkpoint: { line: 7 } });
      t.match(await client.tasks.get(task.id), { state: "claimed", progress: 50, note: "half" });
      ending.abort();
      return { built: task.title };
    },
    { signal: ending.signal },
  );
  t.match(await client.tasks.get(go?.id ?? ""), { state: "done", result: { built: "in go" } });
  t.match(await client.tasks.get(js?.id ?? ""), { state: "ready" });
});

await behaviour(t, "tasks-fail", async (t) => {
  const { id } = await ana.tasks.add({ title: "fails", labels: ["fails"], max_attempts: 1 });
  const { id: forGood } = await ana.tasks.add({ title: "fails for good", labels: ["fails"], priority: 1 });
  const ending = new AbortController();
  let runs = 0;
  await ben.tasks.work(
    "fails",
    (task) => {
      if (++runs === 2) ending.abort();
      // If a handler fails while the worker ends, the worker releases the task. The worker ends during the second task,
      // so this task returns a value instead of failing.
      if (task.id === id) throw new Error("no such branch");
      return task.title;
    },
    { signal: ending.signal },
  );
  t.match(await client.tasks.get(id), { state: "dead", error: "no such branch" });
  t.match(await client.tasks.get(forGood), { state: "done" });

  const { id: refused } = await ana.tasks.add({ title: "is refused", labels: ["refused"] });
  const watching = client.wait({ task_ended: refused });
  const stopping = new AbortController();
  const work = ben.tasks.work(
    "refused",
    () => {
      throw new TaskFailure("not possible");
    },
    { signal: stopping.signal },
  );
  await watching;
  stopping.abort();
  await work;
  t.match(await client.tasks.get(refused), { state: "failed", error: "not possible" }, "it is not tried again");
});

await behaviour(t, "tasks-requeue", async (t) => {
  const { id } = await ana.tasks.add({ title: "again", labels: ["again"] });
  const stopping = new AbortController();
  await ben.tasks.work(
    "again",
    async (_task, { signal }) => {
      stopping.abort(new Error("the worker ends"));
      await aborted(signal);
      signal.throwIfAborted();
    },
    { signal: stopping.signal },
  );
  t.match(await client.tasks.get(id), { state: "ready", attempts: 0 });
  const ending = new AbortController();
  const second = ana.tasks.work("again", () => ending.abort(), { signal: ending.signal });
  await second;
  t.match(await client.tasks.get(id), { state: "done" });

  // The signal of the whole client also ends a worker. The worker still releases the task.
  const { id: other } = await ana.tasks.add({ title: "again", labels: ["again"] });
  const closing = new AbortController();
  const { instance } = await client.instances.register({ name: "eva", workspace: "w" });
  const eva = connect({ url, instance: instance.id, signal: closing.signal });
  await eva.tasks.work("again", async (_task, { signal }) => {
    closing.abort(new Error("the client ends"));
    await aborted(signal);
    throw signal.reason;
  });
  t.match(await client.tasks.get(other), { state: "ready" });
});

await behaviour(t, "tasks-lost", async (t) => {
  await ana.tasks.add([
    { id: "canceled", title: "canceled", labels: ["lost"], priority: 9 },
    { id: "lost", title: "lost", labels: ["lost"], priority: 8 },
    { id: "kept", title: "kept", labels: ["lost"], priority: 7 },
  ]);
  const ending = new AbortController();
  const reasons: unknown[] = [];
  await ben.tasks.work(
    "lost",
    async (task, { signal, fence }) => {
      if (task.id === "kept") {
        ending.abort();
        return;
      }
      if (task.id === "canceled") await client.tasks.cancel(task.id);
      // The claim ends here, and the handler is not notified.
      else await ben.tasks.ask(task.id, fence, "what now?");
      await aborted(signal);
      reasons.push(signal.reason);
      throw signal.reason;
    },
    { signal: ending.signal, ttl_s: 3 },
  );
  t.type(reasons[0], TaskCanceledError);
  t.type(reasons[1], LeaseLostError);
  t.match(await client.tasks.get("canceled"), { state: "canceled" });
  t.match(await client.tasks.get("lost"), { state: "input_required" });
  t.match(await client.tasks.get("kept"), { state: "done" });
});

t.test("a question gives the task back, and its answer comes with the next claim", async (t) => {
  const { id } = await ana.tasks.add({ title: "asks", labels: ["asks"] });
  const ending = new AbortController();
  const work = ben.tasks.work(
    "asks",
    async (task, { ask }) => {
      if (task.answer === null) {
        await ask("which branch?");
        t.match(await client.tasks.get(id), { state: "input_required", question: "which branch?" });
        await client.tasks.answer(id, "main");
        return "not the result";
      }
      ending.abort();
      return task.answer;
    },
    { signal: ending.signal },
  );
  await work;
  t.match(await client.tasks.get(id), { state: "done", result: "main" });
});

t.test("several tasks run at the same time", async (t) => {
  await ana.tasks.add([1, 2, 3].map((n) => ({ title: `together ${n}`, labels: ["together"] })));
  const ending = new AbortController();
  let running = 0;
  let all = (): void => undefined;
  const together = new Promise<void>((resolve) => {
    all = resolve;
  });
  await ben.tasks.work(
    "together",
    async () => {
      if (++running === 3) all();
      await together;
      ending.abort();
    },
    { signal: ending.signal, concurrency: 3 },
  );
  t.equal((await client.tasks.list({ label: "together", state: "done" })).length, 3);
});

t.test("a result that cannot be stored fails the task, and the worker goes on", async (t) => {
  const circle: Record<string, unknown> = {};
  circle["itself"] = circle;
  const results = [circle, "x".repeat(70_000), "small"];
  const tasks = await ana.tasks.add(
    results.map((_, at) => ({ title: `result ${at}`, labels: ["result"], priority: 9 - at })),
  );
  const ending = new AbortController();
  let runs = 0;
  const handler = (): unknown => {
    if (runs === 2) ending.abort();
    return results[runs++];
  };
  await ben.tasks.work("result", handler, { signal: ending.signal });
  const ended = await Promise.all(tasks.map(({ id }) => client.tasks.get(id)));
  t.match(ended, [{ state: "failed", error: /^the result: / }, { state: "failed" }, { state: "done" }]);
});

t.test("a claim that is refused ends the worker", async (t) => {
  const server = await startKoor(t, { args: ["--auth-token", "a-token-of-the-server"] });
  await t.rejects(
    connect({ url: server.url }).tasks.work("any", () => undefined, { concurrency: 2 }),
    UnauthorizedError,
  );
});
