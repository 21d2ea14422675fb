/**
 * Tests the registry of background tasks. All methods of a task are optional. The registry must call exactly those that
 * a task has.
 */
import t from "tap";
import { BackgroundTasks, type BackgroundTask } from "./task.js";

t.test("tasks are closed one after the other, the last started first; missing methods are not called", async (t) => {
  const calls: string[] = [];
  const whole = (name: string, inFlight: number): BackgroundTask => ({
    tick: () => void calls.push(`${name} ticks`),
    drain: () => void calls.push(`${name} drains`),
    inFlight,
    close: () => Promise.resolve().then(() => void calls.push(`${name} is closed`)),
  });
  const tasks = new BackgroundTasks([whole("first", 2), {}, whole("last", 3)], () => 0, 1_000);
  tasks.drain();
  t.same(calls.splice(0), ["first drains", "last drains"]);
  t.equal(tasks.inFlight, 5);
  await tasks.close();
  t.same(calls, ["last is closed", "first is closed"]);
});
