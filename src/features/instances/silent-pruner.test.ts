/**
 * Tests when the pruner deletes instances that were never activated, and instances of ended sessions. The clock and the
 * writer are simulated.
 */
import t from "tap";
import { CLAIM_RESTART_MS } from "../../../schemas/limits/claims.js";
import { instanceRow } from "../../../test/support/instance-row.js";
import {
  AGENT_SESSION_KEEP_MS,
  PENDING_PRUNE_INTERVAL_MS,
  PENDING_SILENCE_MS_MAX,
} from "../../../schemas/limits/instances.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { FakeWriter, settle } from "../../../test/threads/fake-writer.js";
import { Pruner } from "../../platform/background/pruner.js";
import { PauseDetector } from "../../base/pause-detector.js";
import { Directory } from "./directory.js";
import type { InstanceRow } from "./entry.js";
import { silentInstances } from "./silent-pruner.js";

const NOW_MS = 10 * PENDING_SILENCE_MS_MAX;

/** A server that has not paused since its start. */
const RUNNING = { resumed: () => ({ beforeMs: Number.NEGATIVE_INFINITY, at_ms: 0, untilMs: 0 }) };

t.test("it deletes a pending instance that is silent for a day, and no other", async (t) => {
  const directory = new Directory();
  const add = (row: number, id: string, status: "pending" | "active" | "stale", silentMs: number, registeredBy = "") =>
    directory.add(
      instanceRow(row, { id, name: id, status, last_seen: NOW_MS - silentMs, registered_by: registeredBy }),
    );
  add(1, "old", "pending", PENDING_SILENCE_MS_MAX + 1);
  add(2, "older-but-active", "active", PENDING_SILENCE_MS_MAX + 1);
  add(3, "older-but-stale", "stale", PENDING_SILENCE_MS_MAX + 1);
  add(4, "seen", "pending", PENDING_SILENCE_MS_MAX - PENDING_PRUNE_INTERVAL_MS - 1);
  add(5, "registrant", "pending", PENDING_SILENCE_MS_MAX + 1);
  add(6, "at-work", "active", 0, "registrant");
  add(7, "of-the-old", "active", 0);
  const { writer, calls } = new FakeWriter();
  const log = quietLog();
  const retentions = [silentInstances({ directory, writer, log, pauseDetector: RUNNING })];
  const pruner = new Pruner({ retentions, ready: () => writer.attached, log, nowMs: NOW_MS });
  pruner.tick(NOW_MS + PENDING_PRUNE_INTERVAL_MS - 1);
  await settle();
  t.equal(calls.length, 0, "not before its interval");
  pruner.tick(NOW_MS + PENDING_PRUNE_INTERVAL_MS);
  await settle();
  t.match(calls, [{ name: "instance.deregister" }]);
  calls[0]?.answer({ ids: ["of-the-old"], more: "old" });
  await settle();
  const [rest] = calls.splice(1);
  t.match(rest, { name: "instance.deregister", request: { id: "old", at: "old" } }, "until it is deleted");
  rest?.answer({ ids: ["old"], more: null });
  await settle();
  t.equal(directory.get("old"), undefined);
  t.same(
    directory
      .list()
      .map(({ id }) => id)
      .toSorted(),
    ["at-work", "older-but-active", "older-but-stale", "registrant", "seen"],
    "one whose registered instances are there stays with them",
  );
  directory.remove("at-work");
  pruner.tick(NOW_MS + 2 * PENDING_PRUNE_INTERVAL_MS);
  await settle();
  calls[1]?.answer({ ids: ["seen"], more: null });
  await settle();
  calls[2]?.answer({ ids: ["registrant"], more: null });
  await settle();
  t.match(
    calls.slice(1).map(({ request }) => request),
    [
      { id: "seen", at: null },
      { id: "registrant", at: null },
    ],
    "and no longer",
  );
  await pruner.close();
});

/** Returns the calls that the pruner has made meanwhile. */
async function callsOf(calls: FakeWriter["calls"]): Promise<FakeWriter["calls"]> {
  await settle();
  return calls.splice(0);
}

t.test("it deletes a stale instance of a session that is silent for a day, after its subagents", async (t) => {
  const directory = new Directory();
  const add = (row: number, id: string, agent: string | null, more: Partial<InstanceRow> = {}) =>
    directory.add(
      instanceRow(row, {
        id,
        name: id,
        session: agent === null ? null : { session: "s", agent, owner: "", client: "claude", ended_at: null },
        status: "stale",
        last_seen: NOW_MS - AGENT_SESSION_KEEP_MS - 1,
        ...more,
      }),
    );
  add(1, "session", "");
  add(2, "child", "c", { parent: "session", registered_by: "session" });
  add(3, "registered by hand", null);
  add(4, "seen", "seen", { last_seen: NOW_MS - AGENT_SESSION_KEEP_MS + PENDING_PRUNE_INTERVAL_MS + 1 });
  add(5, "active", "active", { status: "active" });
  const { writer, calls } = new FakeWriter();
  const log = quietLog();
  const pruner = new Pruner({
    retentions: [silentInstances({ directory, writer, log, pauseDetector: RUNNING })],
    ready: () => writer.attached,
    log,
    nowMs: NOW_MS - PENDING_PRUNE_INTERVAL_MS,
  });
  const run = async (nowMs: number): Promise<readonly string[]> => {
    pruner.tick(nowMs);
    const asked: string[] = [];
    for (let made = await callsOf(calls); made.length > 0; made = await callsOf(calls))
      for (const { request, answer } of made) {
        const { id } = request as { readonly id: string };
        asked.push(id);
        answer({ ids: [id], more: null });
      }
    return asked;
  };
  t.same(await run(NOW_MS), ["child"]);
  t.same(await run(NOW_MS + PENDING_PRUNE_INTERVAL_MS - 1), [], "not before its interval");
  t.same(await run(NOW_MS + PENDING_PRUNE_INTERVAL_MS), ["session"], "when it has no subagent any more");
  t.ok(directory.get("registered by hand"), "only its user knows whether it comes back");
  await pruner.close();
});

t.test("it deletes no instance because the server was paused for a day", async (t) => {
  const directory = new Directory();
  directory.add(
    instanceRow(1, { id: "silent", name: "silent", status: "pending", last_seen: NOW_MS - PENDING_SILENCE_MS_MAX - 1 }),
  );
  directory.add(instanceRow(2, { id: "beating", name: "beating", status: "pending", last_seen: NOW_MS }));
  const { writer, calls } = new FakeWriter();
  const log = quietLog();
  const pauseDetector = new PauseDetector(NOW_MS - 2 * CLAIM_RESTART_MS);
  for (let ms = 2 * CLAIM_RESTART_MS; ms >= 0; ms -= 100) pauseDetector.resumed(NOW_MS - ms);
  const retentions = [silentInstances({ directory, writer, log, pauseDetector })];
  const pruner = new Pruner({ retentions, ready: () => writer.attached, log, nowMs: NOW_MS });
  pruner.tick(NOW_MS + PENDING_SILENCE_MS_MAX + PENDING_PRUNE_INTERVAL_MS);
  const asked = await callsOf(calls);
  t.match(
    asked.map(({ request }) => request),
    [{ id: "silent" }],
  );
  asked[0]?.answer({ ids: ["silent"], more: null });
  t.same(await callsOf(calls), [], "a heartbeat before the pause counts");
  await pruner.close();
});
