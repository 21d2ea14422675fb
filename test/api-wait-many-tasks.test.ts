/**
 * Tests waiting for tasks where there are many: a loop reports each once, whatever their number, then nothing until one
 * changes; its cursor stays short.
 */
import t from "tap";
import { countRounds } from "./support/test-size.js";
import { WAIT_CURSOR_BYTES_MAX } from "../schemas/limits/wait.js";
import { sendJson } from "./support/http-client.js";
import { Agent } from "./support/leasing.js";
import { makeDirectory, startKoor } from "./support/server-process.js";
import { askWait, WaitLoop } from "./support/waiting.js";

const TOGETHER = 1_000;

interface Made {
  readonly id: string;
  readonly title: string;
  readonly [more: string]: unknown;
}

const made = (of: string, count: number, more: object = {}): Made[] =>
  Array.from({ length: count }, (_, at) => ({ id: `${of}-${at}`, title: of, ...more }));

async function create(by: Agent, tasks: readonly Made[]): Promise<void> {
  for (let at = 0; at < tasks.length; at += TOGETHER) {
    const { status, text } = await by.ask("POST", "/api/tasks", tasks.slice(at, at + TOGETHER));
    if (status >= 300) throw new Error(text);
  }
}

const idOf = (matched: unknown): string => (matched as { readonly task: { readonly id: string } }).task.id;

/** Returns all that a loop reports until there is nothing more. */
async function drain(loop: WaitLoop, most = 10_000): Promise<string[]> {
  const reported: string[] = [];
  while (reported.length < most) {
    const matched = await loop.next();
    if (matched === null) break;
    reported.push(idOf(matched));
    if (loop.cursor.length > WAIT_CURSOR_BYTES_MAX / 2) throw new Error(`${loop.cursor.length} characters`);
  }
  return reported;
}

async function giveBack(by: Agent, id: string): Promise<void> {
  const { task } = (await by.ask("POST", "/api/tasks/claim", { id })).json<{ task: { readonly fence: number } }>();
  await by.ask("POST", `/api/tasks/${id}/release`, { fence: task.fence });
}

for (const count of [300, countRounds(600, 2_000)]) {
  t.test(`${count} tasks are reported once each`, async (t) => {
    const dataDir = makeDirectory(t);
    const koor = await startKoor(t, { data_dir: dataDir });
    const { port } = koor;
    const [ana, ben] = [await Agent.register(port, "ana"), await Agent.register(port, "ben")];
    await ben.ask("POST", `/api/instances/${ben.id}/capabilities`, { capabilities: ["go"] });
    const blocking = await ana.lease(["path:src/**"]);
    const plain = made("plain", count - 60);
    const needing = made("needing", 20, { requires: ["go"] });
    const leased = made("leased", 40, { resources: ["path:lib/a"] });
    await create(ana, [...plain, ...needing, ...leased]);
    await create(ana, made("blocked", 300, { resources: ["path:src/a"] }));
    await create(ana, made("hers", 300, { assignee: "ana" }));
    await create(ana, made("skilled", 20, { requires: ["rust"] }));
    await create(ana, made("best", 3, { priority: 9 }));
    const loop = new WaitLoop(port, "task=1", ben.headers);

    const first = await drain(loop, 100);
    t.same(first.slice(0, 3), ["best-0", "best-1", "best-2"], "the best first");
    // In the middle of the loop one task is created, one becomes claimable, one is given back, one is claimed.
    await create(ana, made("middle", 1));
    await giveBack(ana, "plain-0");
    await giveBack(ana, `plain-${count - 61}`);
    const later = await drain(loop);
    const all = [...first, ...later];
    const twice = all.filter((id, at) => all.indexOf(id) !== at);
    t.same(twice, ["plain-0"], "each is reported once; one that was reported and given back, once more");
    t.equal(new Set(all).size, count + 3 + 1);
    t.notOk(all.some((id) => /^(blocked|hers|skilled)/.test(id)));
    t.equal(await loop.next(), null, "and then nothing");

    // Then tasks change one by one.
    await giveBack(ana, "plain-7");
    t.same(await drain(loop), ["plain-7"], "a task that is given back is reported");
    await create(ana, made("new", 1));
    t.same(await drain(loop), ["new-0"], "a new task is reported");
    await ana.ask("PATCH", "/api/tasks/hers-5", { assignee: "ben" });
    t.same(await drain(loop), ["hers-5"], "a task that is assigned to him is reported");
    await ana.release(await ana.lease(["path:lib/**"]));
    t.same(
      (await drain(loop)).toSorted(),
      leased.map(({ id }) => id).toSorted(),
      "a task whose resources were leased and released is reported",
    );
    await ben.release(await ben.lease(["path:lib/**"]));
    t.same(await drain(loop), [], "his own lease does not block it");
    const { matched } = await loop.begin();
    await ana.release(blocking);
    const freed = [idOf(await matched), ...(await drain(loop))];
    t.equal(freed.length, 300);
    t.equal(new Set(freed).size, 300, "more tasks than a cursor can list are reported once each when they are free");
    t.ok(freed.every((id) => id.startsWith("blocked")));
    await create(ana, made("low", 2, { priority: 1 }));
    await create(ana, made("high", 2, { priority: 8 }));
    t.same(await drain(loop), ["high-0", "high-1", "low-0", "low-1"], "of new tasks the best is first");
    const due = new Date(Date.now() + 700).toISOString();
    await create(ana, made("timed", 1, { not_before: due }));
    t.equal(await loop.next(), null);
    t.match(await loop.next(30), { task: { id: "timed-0" } }, "a task that is due is reported");

    await koor.stop();
    const second = await startKoor(t, { data_dir: dataDir });
    loop.port = second.port;
    const again = await drain(loop);
    t.notOk(
      again.some((id) => !/^(leased|blocked)/.test(id)),
      "after a restart only tasks that need resources are reported again",
    );
    t.equal(new Set(again).size, again.length);
    await sendJson(second.port, "POST", "/api/tasks", { id: "last", title: "t" }, ana.headers);
    t.same(await drain(loop), ["last"]);
    await sendJson(
      second.port,
      "POST",
      `/api/instances/${ben.id}/capabilities`,
      { capabilities: ["go", "rust"] },
      ben.headers,
    );
    const able = await drain(loop);
    t.equal(able.filter((id) => id.startsWith("skilled")).length, 20, "he has a new capability");
    t.equal(new Set(able).size, able.length);
    t.equal(await loop.next(), null);
    t.equal((await askWait(second.port, `task=1&after=${loop.cursor}`, ben.headers)).status, 200);
  });
}

t.test("many unread messages are reported once each", async (t) => {
  const koor = await startKoor(t);
  const [ana, ben] = [await Agent.register(koor.port, "ana"), await Agent.register(koor.port, "ben")];
  for (let count = 0; count < 400; count++)
    await sendJson(koor.port, "POST", "/api/messages", { to: ben.id, subject: String(count) }, ana.headers);
  const loop = new WaitLoop(koor.port, "message=1", ben.headers);
  const reported: unknown[] = [];
  for (let matched = await loop.next(); matched !== null; matched = await loop.next())
    reported.push((matched["message"] as { readonly subject: string }).subject);
  t.same(
    reported,
    Array.from({ length: 400 }, (_, at) => String(at)),
  );
});
