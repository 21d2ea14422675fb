/**
 * Tests that the data of hooks takes bounded memory: states of agents, reported things, last events, and watched
 * in-boxes.
 */
import t from "tap";
import {
  HOOK_AGENTS_MAX,
  HOOK_BOXES_MAX,
  HOOK_DENIALS_LISTED_MAX,
  HOOK_DENIALS_MAX,
  HOOK_NOTICES_MAX,
  HOOK_SEEN_MAX,
  HOOK_TASKS_MAX,
  HOOK_REPORTED_MAX,
} from "../../../schemas/limits/hooks.js";
import { NO_CALLER } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import type { Entry } from "../instances/entry.js";
import { MessageBoxes } from "../messages/boxes.js";
import type { ClaimableTask } from "../tasks/task-projection.js";
import { addNotice, AgentStates } from "./agent-states.js";
import { Inbox } from "./inbox.js";
import { ReadyTasks } from "./ready-tasks.js";
import { RepeatedDenials, type RepeatedDenialsOptions } from "./repeated-denials.js";
import { SeenHooks } from "./seen-hooks.js";
import { ReportedOnce } from "./reported-once.js";

t.test("the agent whose last hook is the oldest is forgotten first", (t) => {
  const states = new AgentStates();
  const first = states.of("first", "/w", true);
  states.of("second", "/w", true);
  t.equal(states.of("first", "/other", false), first, "its state stays, and it is the newest now");
  t.same(first, { root: "/w", introduced: false, notices: [] });
  for (let at = 0; at < HOOK_AGENTS_MAX - 1; at++) states.of(`${at}`, "", true);
  t.equal(states.size, HOOK_AGENTS_MAX);
  t.equal(states.find("second"), undefined);
  t.equal(states.find("first"), first);
  for (let at = 0; at < HOOK_NOTICES_MAX + 2; at++) addNotice(first, `${at}`);
  t.equal(first.notices.length, HOOK_NOTICES_MAX);
  t.equal(first.notices[0], "2", "the oldest line is dropped");
  t.end();
});

t.test("the oldest thing that was told is forgotten first", (t) => {
  const reported = new ReportedOnce();
  for (let at = 0; at <= HOOK_REPORTED_MAX; at++) reported.add("a", `${at}`);
  t.equal(reported.size, HOOK_REPORTED_MAX);
  t.equal(reported.has("a", "0"), false);
  t.equal(reported.has("a", "1"), true);
  t.equal(reported.has("b", "1"), false);
  t.end();
});

t.test("the last events are bounded, over all clients", (t) => {
  const seen = new SeenHooks();
  for (let at = 0; at < HOOK_SEEN_MAX + 5; at++)
    seen.add({ client: at % 2 === 0 ? "kimi" : "codex", workspace: `${at}`, checkout: null, event: "Stop", atMs: at });
  t.equal(seen.size, HOOK_SEEN_MAX);
  const listed = seen.list().flatMap((client) => client.seen);
  t.equal(listed.length, HOOK_SEEN_MAX);
  t.end();
});

t.test("an in-box is read only after a message has arrived", (t) => {
  const boxes = new MessageBoxes({ countUnread: () => 0, nextExpiry: () => null });
  let reads = 0;
  const reader = { undelivered: () => ((reads += 1), []) };
  const inbox = new Inbox({ writer: {} as Writer, boxes, reader, reported: new ReportedOnce() });
  for (let at = 0; at < 3; at++) inbox.undelivered("a", false, 0);
  t.equal(reads, 1);
  boxes.accept({ in: ["a"], out: [], unread: 1, expires_at: null });
  for (let at = 0; at < 3; at++) inbox.undelivered("a", false, 0);
  t.equal(reads, 2);
  for (let at = 0; at < HOOK_BOXES_MAX; at++) inbox.undelivered(`${at}`, false, 0);
  t.equal(inbox.size, HOOK_BOXES_MAX);
  t.equal(boxes.waiting, HOOK_BOXES_MAX, "a forgotten in-box is not watched any more");
  t.end();
});

t.test("the counts of denials are bounded, and that of the oldest denial goes first", (t) => {
  const options = {
    writer: { callUnawaited: () => undefined },
    directory: { get: () => ({ status: "active", name: "ana", parent: null }) },
    leases: { get: () => ({ row: 1 }) },
    clock: { now: () => 1_000 },
  };
  const denials = new RepeatedDenials(options as unknown as RepeatedDenialsOptions);
  const add = (path: string, times: number): void => {
    for (let at = 0; at < times; at++)
      denials.add(
        "codex",
        { id: "a", workspace: "w" } as Entry,
        { path, resource: `path:${path}`, lease: 1 },
        NO_CALLER,
      );
  };
  add("first", 3);
  for (let at = 0; at < HOOK_DENIALS_MAX - 1; at++) add(`${at}`, 3);
  t.equal(denials.size, HOOK_DENIALS_MAX);
  t.equal(denials.list().length, HOOK_DENIALS_LISTED_MAX);
  t.equal(denials.list()[0]?.path, `${HOOK_DENIALS_MAX - 2}`, "the newest is the first");
  add("first", 1);
  t.match(denials.list()[0], { path: "first", count: 4 });
  add("one more", 1);
  t.equal(denials.size, HOOK_DENIALS_MAX);
  add("0", 2);
  t.not(denials.list()[0]?.path, "0", "the oldest was forgotten, so two more are not three");
  t.end();
});

t.test("the tasks that are not told yet are bounded", (t) => {
  const tasks = new ReadyTasks({ get: () => undefined, isFree: () => true, listen: () => undefined });
  for (let row = 0; row < HOOK_TASKS_MAX + 5; row++)
    tasks.claimable({ row, assignee: "a", reserved: null } as unknown as ClaimableTask);
  tasks.claimable({ row: -1, assignee: null, reserved: null } as unknown as ClaimableTask);
  t.equal(tasks.size, HOOK_TASKS_MAX);
  t.end();
});
