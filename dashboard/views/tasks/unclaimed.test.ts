/** Tests why a ready task is not claimed: each reason, and cases that are not a reason. */
import t from "tap";
import { listedTask } from "../../../test/support/listed-task.js";
import type { Instance, Lease } from "../../api/types.js";
import { whyUnclaimed, type Surroundings } from "./unclaimed.js";

const NOW_MS = Date.UTC(2026, 1, 9, 15);
const agent = (name: string, more: Partial<Instance> = {}): Instance => ({
  id: `id-${name}`,
  name,
  workspace: "w",
  intent: "",
  stack: "",
  capabilities: [],
  checkout: null,
  parent: null,
  status: "active",
  registered_at: "2026-02-09T14:00:00Z",
  last_seen: "2026-02-09T14:59:59Z",
  ...more,
});
const around = (more: Partial<Surroundings>): Surroundings => ({
  agents: [agent("ana")],
  leases: [],
  tasks: [],
  nowMs: NOW_MS,
  ...more,
});
const whys = (...args: Parameters<typeof whyUnclaimed>): string[] => whyUnclaimed(...args).map(({ why }) => why);
const ready = listedTask("t", "ready");

t.test("nobody may claim it", (t) => {
  t.same(whys(ready, around({ agents: [] })), ["no agents"]);
  const others = [agent("bob", { workspace: "other" }), agent("cid", { status: "stale" })];
  t.same(whys(ready, around({ agents: others })), ["no agents"], "an active one of its workspace is needed");
  const deploy = listedTask("t", "ready", { requires: ["deploy", "go"] });
  const half = [agent("ana", { capabilities: ["go"] }), agent("bob", { capabilities: ["deploy"] })];
  t.same(whyUnclaimed(deploy, around({ agents: half })), [{ why: "no capabilities", requires: ["deploy", "go"] }]);
  t.same(whys(deploy, around({ agents: [agent("ana", { capabilities: ["go", "deploy"] })] })), ["free"]);
  const mine = listedTask("t", "ready", { assignee: "bob" });
  t.same(whyUnclaimed(mine, around({})), [{ why: "assignee is away", assignee: "bob" }]);
  t.same(whys(mine, around({ agents: [agent("bob")] })), ["free"], "by name");
  t.same(whys(listedTask("t", "ready", { assignee: "id-bob" }), around({ agents: [agent("bob")] })), ["free"]);
  t.end();
});

t.test("it is too early, or its resource is leased", (t) => {
  const later = listedTask("t", "ready", { not_before: new Date(NOW_MS + 1_000).toISOString() });
  t.same(whys(later, around({})), ["not before"]);
  t.same(whys(later, around({ nowMs: NOW_MS + 1_000 })), ["free"]);
  const held = { id: "lease-1", state: "held", holder: { id: "id-bob", name: "bob" } } as Lease;
  t.match(whyUnclaimed(ready, around({ leases: [held, { ...held, state: "waiting" }] })), [
    { why: "leased", lease: { id: "lease-1" } },
  ]);
  t.equal(whys(ready, around({ leases: [held, { ...held, state: "waiting" }] })).length, 1);
  t.end();
});

t.test("all who may claim it are busy, or others come first", (t) => {
  const holder = { id: "id-ana", name: "ana" };
  const claimed = listedTask("now", "claimed", { holder });
  t.same(whyUnclaimed(ready, around({ tasks: [claimed, ready] })), [{ why: "busy", tasks: [claimed] }]);
  t.same(whys(ready, around({ tasks: [claimed, ready], agents: [agent("ana"), agent("bob")] })), ["free"]);
  const free = whyUnclaimed(ready, around({ tasks: [claimed], agents: [agent("ana"), agent("bob")] }));
  t.match(free, [{ why: "free", agents: [{ name: "bob" }] }]);
  const first = listedTask("first", "ready", { priority: 6, created_at: "2026-02-09T14:59:00Z" });
  const older = listedTask("older", "ready", { created_at: "2026-02-09T14:29:00Z" });
  const newer = listedTask("newer", "ready", { created_at: "2026-02-09T14:31:00Z" });
  t.match(whyUnclaimed(ready, around({ tasks: [first, older, newer, ready] })), [
    { why: "queue", tasks: [{ id: "first" }, { id: "older" }] },
  ]);
  t.same(whys(ready, around({ tasks: [newer, ready] })), ["free"]);
  t.end();
});

t.test("a task that is not ready needs no reason", (t) => {
  for (const state of ["blocked", "claimed", "done"] as const)
    t.same(whyUnclaimed(listedTask("t", state), around({ agents: [] })), []);
  t.end();
});
