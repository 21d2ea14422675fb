/** Tests the table of pruned data with a simulated writer: the methods, their requests and their intervals. */
import t from "tap";
import { Compile } from "typebox/compile";
import { EVENT_PRUNE_INTERVAL_MS } from "../../schemas/limits/events.js";
import { EVIDENCE_KEEP_MS, EVIDENCE_PRUNE_INTERVAL_MS } from "../../schemas/limits/evidence.js";
import { LEASE_PRUNE_INTERVAL_MS } from "../../schemas/limits/leases.js";
import { MESSAGE_PRUNE_INTERVAL_MS } from "../../schemas/limits/messages.js";
import { TASK_PRUNE_INTERVAL_MS } from "../../schemas/limits/tasks.js";
import { quietLog } from "../../test/support/quiet-log.js";
import { FakeWriter, settle } from "../../test/threads/fake-writer.js";
import { Pruner } from "../platform/background/pruner.js";
import { must } from "../base/assert.js";
import { PauseDetector } from "../base/pause-detector.js";
import { Directory } from "../features/instances/directory.js";
import { METHODS } from "../methods.js";
import { retentionTable } from "./retention.js";

const START_MS = 100 * 86_400_000;
const TASK_RETENTION_MS = 30 * 86_400_000;
const SETTINGS = { event_history: 500, task_retention: TASK_RETENTION_MS };

function setUp(config: typeof SETTINGS) {
  const played = new FakeWriter();
  const { writer, calls } = played;
  const boxes = { expiresAt: null as number | null };
  const retentions = retentionTable({
    config,
    writer,
    boxes,
    directory: new Directory(),
    log: quietLog(),
    pauseDetector: new PauseDetector(START_MS),
  });
  const pruner = new Pruner({ retentions, ready: () => writer.attached, log: quietLog(), nowMs: START_MS });
  /** Runs a tick, answers the calls that the tick has caused, and returns these calls. */
  const prune = async (nowMs: number): Promise<{ readonly name: string; readonly request: unknown }[]> => {
    const before = calls.length;
    pruner.tick(nowMs);
    await settle();
    const made = calls.slice(before);
    for (const { name, answer } of made)
      answer(/^(events|evidence|message)/.test(name) ? { removed: 1, more: false } : { removed: 1, after: null });
    await settle();
    return made.map(({ name, request }) => ({ name, request }));
  };
  return { prune, boxes, played };
}

t.test("each row is pruned at its interval, by its method", async (t) => {
  const { prune } = setUp(SETTINGS);
  t.same(await prune(START_MS + EVENT_PRUNE_INTERVAL_MS - 1), []);
  const events = { name: "events.prune", request: { keep: 500 } };
  const messages = { name: "message.prune", request: {} };
  t.equal(MESSAGE_PRUNE_INTERVAL_MS, EVENT_PRUNE_INTERVAL_MS);
  t.same(await prune(START_MS + EVENT_PRUNE_INTERVAL_MS), [events, messages]);
  t.equal(LEASE_PRUNE_INTERVAL_MS, TASK_PRUNE_INTERVAL_MS);
  t.equal(LEASE_PRUNE_INTERVAL_MS, EVIDENCE_PRUNE_INTERVAL_MS);
  const nowMs = START_MS + LEASE_PRUNE_INTERVAL_MS;
  const all = await prune(nowMs);
  t.same(all, [
    events,
    { name: "claims.prune", request: { after: 0 } },
    { name: "task.prune", request: { after: 0, ended_before: nowMs - TASK_RETENTION_MS } },
    { name: "evidence.prune", request: { before: nowMs - EVIDENCE_KEEP_MS } },
    messages,
  ]);
  for (const { name, request } of all)
    t.ok(Compile(must(METHODS.named(name), name).request).Check(request), `${name}: as the method's row has it`);
});

t.test("a message that has expired is pruned at once", async (t) => {
  const { prune, boxes } = setUp(SETTINGS);
  boxes.expiresAt = START_MS + 500;
  t.same(await prune(START_MS + 499), []);
  t.match(await prune(START_MS + 500), [{ name: "message.prune" }]);
  boxes.expiresAt = null;
  t.same(await prune(START_MS + 600), []);
});

t.test("settings decide how long events and tasks are kept", async (t) => {
  const { prune } = setUp({ event_history: 0, task_retention: 1_000 });
  t.match(await prune(START_MS + 1_000), [{ name: "task.prune", request: { ended_before: START_MS } }]);
  const later = await prune(START_MS + LEASE_PRUNE_INTERVAL_MS);
  t.notOk(
    later.some(({ name }) => name === "events.prune"),
    "0 keeps all events",
  );
  t.equal(later.length, 4);
});

t.test("a writer that is not there is not asked", async (t) => {
  const { prune, played } = setUp(SETTINGS);
  played.leave();
  t.same(await prune(START_MS + LEASE_PRUNE_INTERVAL_MS), []);
  played.connect();
  t.equal((await prune(START_MS + LEASE_PRUNE_INTERVAL_MS + 100)).length, 5);
});
