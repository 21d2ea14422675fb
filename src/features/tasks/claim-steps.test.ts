/** Tests how many ready tasks the writer examines for one claim in one transaction. */
import t from "tap";
import { CLAIM_LOOK_STEPS, CLAIM_STEPS_MAX, TASKS_CREATED_MAX } from "../../../schemas/limits/tasks.js";
import type { ClaimTaskReply, NewTask } from "../../../schemas/tasks.js";
import { Failure } from "../../base/result.js";
import { registerInstance } from "../instances/commands.js";
import { acquireLease } from "../leases/commands.js";
import { NEW_TASK } from "../../../test/support/new-task.js";
import { People, SimulatedServer } from "../../../test/support/simulated-server.js";
import * as commands from "./commands.js";

const METHODS = [registerInstance, acquireLease, commands.createTasks, commands.claimTask];
const LEASE = {
  workspace: "",
  shared: false,
  waits: false,
  queued: false,
  reason: "",
  ttl_s: 60,
  max_s: 60,
  request_id: null,
};

const CLAIM = { workspace: "", labels: [], id: null, ttl_s: null, request_id: null };

class Fixture {
  readonly server = new SimulatedServer({ methods: METHODS, hear: () => undefined });
  readonly #people = new People(this.server);
  readonly ana = this.#people.register();
  readonly bob = this.#people.register();

  #done<Reply>(reply: Reply | Failure): Reply {
    if (reply instanceof Failure) throw new Error(reply.message);
    return reply;
  }

  make(tasks: readonly Partial<NewTask>[]): void {
    for (let at = 0; at < tasks.length; at += TASKS_CREATED_MAX) {
      const some = tasks.slice(at, at + TASKS_CREATED_MAX).map((task) => ({ ...NEW_TASK, ...task }));
      this.#done(this.server.reply(commands.createTasks, { tasks: some }, ""));
    }
  }

  lease(...resources: string[]): void {
    this.#done(this.server.reply(acquireLease, { ...LEASE, resources }, this.ana.id));
  }

  claim(labels: string[], behind: ClaimTaskReply["more"]): ClaimTaskReply {
    const part = { ...CLAIM, labels, ...(behind === undefined ? {} : { behind }) };
    return this.#done(this.server.reply(commands.claimTask, part, this.bob.id));
  }

  /**
   * Runs a claim until it ends. A long claim takes several parts. Returns the row at which each part stopped, and at
   * last the id of the found task, or null.
   */
  parts(labels: string[] = []): (number | string | null)[] {
    const ends: (number | string | null)[] = [];
    for (let behind: ClaimTaskReply["more"]; ; ) {
      const { task, more } = this.claim(labels, behind);
      ends.push(more?.row ?? task?.id ?? null);
      if (more === undefined) return ends;
      behind = more;
    }
  }
}

function busy(count: number, resource: (at: number) => string): Partial<NewTask>[] {
  return Array.from({ length: count }, (_, at) => ({ resources: [resource(at)] }));
}

t.test("busy resources: a part looks at a bounded number of tasks, the same ones on each node", (t) => {
  // The number of tasks that one part of a claim can examine. Each task costs one step, CLAIM_LOOK_STEPS steps to check
  // its resources, and one step to compare two paths.
  const together = Math.ceil(CLAIM_STEPS_MAX / (1 + CLAIM_LOOK_STEPS + 1));
  const fixture = new Fixture();
  fixture.lease("path:x");
  fixture.make(busy(2 * together + 1, (at) => `path:x/${at}`));
  const ends = [together, 2 * together, null];
  t.same(fixture.parts(), ends);
  t.same(fixture.parts(), ends, "nothing is kept from the previous part");
  fixture.server.restart();
  t.same(fixture.parts(), ends, "a restarted node ends each part at the same task as the others");
  fixture.make([
    { id: "free", priority: 0 },
    { id: "other", priority: 0 },
  ]);
  t.same(fixture.parts(), [together, 2 * together, "free"], "and the best is found after all of them");
  fixture.server.close();
  t.end();
});

t.test("tasks with the same resources are checked once in a part", (t) => {
  const fixture = new Fixture();
  fixture.lease("path:x");
  fixture.make([...busy(3 * TASKS_CREATED_MAX, () => "path:x/a"), { id: "free", resources: ["path:y"] }]);
  const together = CLAIM_STEPS_MAX - CLAIM_LOOK_STEPS - 1;
  t.same(fixture.parts(), [together, 2 * together, "free"]);
  fixture.server.close();
  t.end();
});

t.test("labels that no task has together", (t) => {
  const fixture = new Fixture();
  const some = (label: string): Partial<NewTask>[] =>
    Array.from({ length: CLAIM_STEPS_MAX + 1 }, () => ({ labels: [label] }));
  fixture.make([...some("a"), ...some("b")]);
  t.same(fixture.parts(["a", "b"]), [CLAIM_STEPS_MAX, null]);
  fixture.make([{ id: "both", labels: ["a", "b"] }]);
  t.equal(fixture.parts(["a", "b"]).at(-1), "both");
  fixture.server.close();
  t.end();
});

t.test("globs that take many steps to compare with leases", (t) => {
  const fixture = new Fixture();
  fixture.lease("path:y");
  for (let at = 0; at < 500; at++) fixture.lease(`path:x/${"l".repeat(64)}${at}`);
  fixture.make(
    busy(10, (at) => `path:x/*t${at}.ts`).map(({ resources = [] }) => ({ resources: [...resources, "path:y"] })),
  );
  t.same(fixture.parts(), [1, 2, 3, 4, 5, 6, 7, 8, 9, null], "end a part after each of them");
  const long = Array.from({ length: 4 }, (_, at) => `path:x/*${"a".repeat(480)}${at}`);
  fixture.make([{ id: "costly", resources: long, priority: 9 }]);
  t.same(fixture.parts(), [11, 1, 2, 3, 4, 5, 6, 7, 8, 9, null], "a task that takes too many is skipped");
  const refused = fixture.server.reply(commands.claimTask, { ...CLAIM, id: "costly" }, fixture.bob.id);
  t.match(refused, { status: "INVALID_ARGUMENT", message: /^the resources cost too much to compare/ });
  fixture.server.close();
  t.end();
});
