/**
 * Tests the registry of background tasks. All methods of a task are optional. The registry must call exactly those that
 * a task has.
 */
import t from "tap";
import { quietLog } from "../../../test/support/quiet-log.js";
import { Exposition } from "../measure/exposition.js";
import { Periodic } from "./periodic.js";
import { BackgroundTasks, type BackgroundTask } from "./task.js";

const OPTIONS = { now: () => 0, intervalMs: 1_000, log: quietLog(), onBug: () => undefined };

t.test("an exception of a task is logged and counted, and all tasks get their further ticks", async (t) => {
  const lines: string[] = [];
  const bugs: unknown[] = [];
  const ticks: number[] = [];
  const work = (): Promise<void> => Promise.reject(new Error("a run failed"));
  const periodic = new Periodic({ intervalMs: 10, nowMs: 0, work });
  const tasks = new BackgroundTasks(
    [
      { tick: (nowMs) => periodic.tick(nowMs) },
      {
        tick: (nowMs) => {
          if (nowMs === 10) throw new Error("a tick failed");
        },
      },
      { tick: (nowMs) => void ticks.push(nowMs) },
    ],
    {
      ...OPTIONS,
      log: quietLog({ error: (message, fields) => lines.push(`${message} ${String(fields?.["times"])}`) }),
      onBug: (error) => bugs.push(error),
    },
  );
  for (const nowMs of [10, 11, 12]) {
    tasks.tick(nowMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.same(ticks, [10, 11, 12]);
  t.same(
    bugs.map((error) => (error as Error).message),
    ["a tick failed", "a run failed"],
  );
  t.same(lines, ["a background task failed 1"], "one line for many exceptions");
  const out = new Exposition();
  tasks.expose(out);
  t.match(out.text(), /^koor_background_errors_total 2$/m);
});

t.test("tasks are closed one after the other, the last started first; missing methods are not called", async (t) => {
  const calls: string[] = [];
  const whole = (name: string, inFlight: number): BackgroundTask => ({
    tick: () => void calls.push(`${name} ticks`),
    drain: () => void calls.push(`${name} drains`),
    inFlight,
    close: () => Promise.resolve().then(() => void calls.push(`${name} is closed`)),
  });
  const tasks = new BackgroundTasks([whole("first", 2), {}, whole("last", 3)], OPTIONS);
  tasks.drain();
  t.same(calls.splice(0), ["first drains", "last drains"]);
  t.equal(tasks.inFlight, 5);
  await tasks.close();
  t.same(calls, ["last is closed", "first is closed"]);
});
