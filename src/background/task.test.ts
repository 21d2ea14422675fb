/** The register of background tasks: each is asked for what it has, and for nothing else. */
import t from "tap";
import { BackgroundTasks, type BackgroundTask } from "./task.js";

t.test("tasks are closed one after the other, the last begun first; what one has not is not asked for", async (t) => {
  const heard: string[] = [];
  const whole = (name: string, in_flight: number): BackgroundTask => ({
    tick: () => void heard.push(`${name} ticks`),
    drain: () => void heard.push(`${name} drains`),
    in_flight,
    close: () => Promise.resolve().then(() => void heard.push(`${name} is closed`)),
  });
  const tasks = new BackgroundTasks([whole("first", 2), {}, whole("last", 3)], () => 0, 1_000);
  tasks.drain();
  t.same(heard.splice(0), ["first drains", "last drains"]);
  t.equal(tasks.in_flight, 5);
  await tasks.close();
  t.same(heard, ["last is closed", "first is closed"]);
});
