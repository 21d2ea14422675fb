/**
 * Tests two limits in the writer. One limits the number of tasks that wait for the same task. The other limits the
 * number of stuck tasks that one call reports.
 */
import t from "tap";
import { TASK_WAITERS_MAX, TASKS_CREATED_MAX, TASKS_STUCK_REPORTED_MAX } from "../../../schemas/limits/tasks.js";
import type { NewTask } from "../../../schemas/tasks.js";
import { Failure } from "../../base/result.js";
import { NEW_TASK } from "../../../test/support/new-task.js";
import { SimulatedServer } from "../../../test/support/simulated-server.js";
import * as commands from "./commands.js";

const METHODS = [commands.createTasks, commands.cancelTask, commands.retryTask, commands.patchTask];
const REFUSED = new RegExp(`^${TASK_WAITERS_MAX} tasks wait for hub: `);

class Fixture {
  /** The published topics, each with its task. */
  readonly published: string[] = [];
  readonly server = new SimulatedServer({
    methods: METHODS,
    hear: ({ topic, data }) => this.published.push(`${topic} ${(data as { readonly task_id: string }).task_id}`),
  });

  /** Creates tasks. Returns null if they were created, otherwise the error message. */
  make(tasks: readonly Partial<NewTask>[]): string | null {
    for (let at = 0; at < tasks.length; at += TASKS_CREATED_MAX) {
      const some = tasks.slice(at, at + TASKS_CREATED_MAX).map((task) => ({ ...NEW_TASK, ...task }));
      const reply = this.server.reply(commands.createTasks, { tasks: some }, "");
      if (reply instanceof Failure) return reply.message;
    }
    return null;
  }

  cancel(id: string): void {
    const reply = this.server.reply(commands.cancelTask, { id, owns: true, reason: null }, "");
    if (reply instanceof Failure) throw new Error(reply.message);
  }

  retry(id: string): string | null {
    const reply = this.server.reply(commands.retryTask, { id, owns: true }, "");
    return reply instanceof Failure ? reply.message : null;
  }

  setAfter(id: string, after: string[]): string | null {
    const reply = this.server.reply(commands.patchTask, { id, owns: true, after }, "");
    return reply instanceof Failure ? reply.message : null;
  }

  publishedOn(topic: string): string[] {
    return this.published.filter((one) => one.startsWith(`${topic} `)).map((one) => one.slice(topic.length + 1));
  }
}

function waiters(count: number, name: string, after: string): Partial<NewTask>[] {
  return Array.from({ length: count }, (_, at) => ({ id: `${name}${at}`, after: [after] }));
}

t.test("the number of waiters is limited on every path", (t) => {
  const fixture = new Fixture();
  t.equal(fixture.make([{ id: "hub" }, { id: "other" }, ...waiters(TASK_WAITERS_MAX - 1, "w", "hub")]), null);
  t.match(fixture.make(waiters(2, "x", "hub")), REFUSED, "two of one call are one too many");
  t.equal(fixture.make(waiters(1, "x", "hub")), null, "so none was created");
  t.match(fixture.make(waiters(1, "y", "hub")), REFUSED);
  t.equal(fixture.make(waiters(1, "y", "other")), null);
  t.match(fixture.setAfter("y0", ["hub"]), REFUSED);
  t.equal(fixture.setAfter("x0", ["hub", "other"]), null, "one that waits already may keep waiting");
  fixture.cancel("w0");
  t.equal(fixture.setAfter("y0", ["hub"]), null, "a canceled task does not wait");
  t.match(fixture.retry("w0"), REFUSED);
  fixture.server.restart();
  t.match(fixture.retry("w0"), REFUSED, "stored tasks count the same");
  fixture.cancel("y0");
  t.equal(fixture.retry("w0"), null);
  fixture.server.close();
  t.end();
});

t.test("of the tasks that wait through others, the oldest are reported", (t) => {
  const fixture = new Fixture();
  const half = TASKS_STUCK_REPORTED_MAX / 2;
  fixture.make([{ id: "root" }, ...waiters(3, "hub", "root")]);
  for (const at of [0, 1, 2]) fixture.make(waiters(half, `of${at}-`, `hub${at}`));
  fixture.cancel("root");
  const published = fixture.publishedOn("task.blocked");
  t.equal(published.length, TASKS_STUCK_REPORTED_MAX);
  t.same(published.slice(0, 4), ["hub0", "hub1", "hub2", "of0-0"]);
  t.equal(published.at(-1), `of1-${half - 4}`);
  t.equal(fixture.retry("root"), null);
  t.same(fixture.publishedOn("task.unblocked"), published, "and the same tasks when they are not stuck any more");
  fixture.server.close();
  t.end();
});
