/**
 * Tests when the background tasks of instances and of agent metrics call the writer, and what they do with its answers.
 * Time is injected, and the writer is fake.
 */
import t from "tap";
import { instanceRow } from "./support/instance-row.js";
import {
  AGENT_METRICS_FLUSH_INTERVAL_MS,
  AGENT_METRICS_FLUSH_ROWS,
  AGENT_TALLIES_MAX,
} from "../schemas/limits/agent-metrics.js";
import { INSTANCE_FLUSH_INTERVAL_MS, INSTANCE_FLUSH_ROWS, INSTANCES_MAX } from "../schemas/limits/instances.js";
import { Failure } from "../src/base/result.js";
import { countAgents } from "../src/features/agent-metrics/commands.js";
import { AgentMetricsFlusher } from "../src/features/agent-metrics/flusher.js";
import { AgentTally, formatHour, hourOf } from "../src/features/agent-metrics/tally.js";
import { markStale, registerInstance, storeLastSeen } from "../src/features/instances/commands.js";
import { Directory } from "../src/features/instances/directory.js";
import type { Entry, InstanceRow } from "../src/features/instances/entry.js";
import { Instances } from "../src/features/instances/front.js";
import { Liveness } from "../src/features/instances/liveness.js";
import { LastSeenFlusher } from "../src/features/instances/last-seen-flusher.js";
import { Exposition } from "../src/platform/measure/exposition.js";
import { NO_CALLER } from "../src/platform/rpc/frames.js";
import { FakeWriter, settle } from "./threads/fake-writer.js";
import { quietLog } from "./support/quiet-log.js";

const lines: string[] = [];
const log = quietLog({ warn: (message) => void lines.push(message) });
const START = 1_000_000;

function rows(count: number, lastSeen = START): InstanceRow[] {
  return Array.from({ length: count }, (_, at) => instanceRow(at + 1, { last_seen: lastSeen + at }));
}

function directoryOf(count: number): Directory {
  const directory = new Directory();
  directory.load(rows(count));
  return directory;
}

t.test(
  "heartbeats are stored in batches at intervals, at once for a stale instance, and again after a failure",
  async (t) => {
    const directory = directoryOf(INSTANCE_FLUSH_ROWS + 2);
    const writer = new FakeWriter([storeLastSeen]);
    const flusher = new LastSeenFlusher(directory, writer.writer, START, null);
    const all = directory.list();
    for (const entry of all) directory.touch(entry, START + 50_000);
    flusher.tick(START + INSTANCE_FLUSH_INTERVAL_MS - 1);
    await settle();
    t.equal(writer.calls.length, 0, "not before the interval is over");
    flusher.tick(START + INSTANCE_FLUSH_INTERVAL_MS);
    flusher.tick(START + 10 * INSTANCE_FLUSH_INTERVAL_MS);
    await settle();
    t.equal(writer.calls.length, 1, "one at a time");
    t.equal(writer.calls[0]?.name, "instance.seen");
    const first = writer.asked<{ readonly rows: number[]; readonly last_seen: number[] }>(0);
    t.same([first.rows.length, first.last_seen.length], [INSTANCE_FLUSH_ROWS, INSTANCE_FLUSH_ROWS]);
    writer.calls[0]?.answer(null);
    await settle();
    t.same(writer.asked<{ readonly rows: number[] }>(1).rows.length, 2, "a step at a time");
    writer.leave();
    await settle();
    flusher.tick(START + 20 * INSTANCE_FLUSH_INTERVAL_MS);
    await settle();
    t.equal(writer.calls.length, 2, "there is no writer");
    writer.connect();
    flusher.tick(START + 21 * INSTANCE_FLUSH_INTERVAL_MS);
    await settle();
    t.same(writer.calls[2]?.request, writer.calls[1]?.request, "a failed batch is sent again");
    writer.calls[2]?.answer(null);
    await settle();
    flusher.tick(START + 22 * INSTANCE_FLUSH_INTERVAL_MS);
    await settle();
    t.equal(writer.calls.length, 3, "nothing is sent without heartbeats");

    const silent = directory.silentSince(START + 50_000, 1);
    directory.markStale(
      silent,
      silent.map(({ last_seen }) => last_seen),
    );
    directory.touch(silent[0] as Entry, START + 60_000);
    flusher.tick(START + 22 * INSTANCE_FLUSH_INTERVAL_MS + 1);
    await settle();
    t.match(
      writer.calls[3],
      { name: "instance.seen", request: { rows: [silent[0]?.row], last_seen: [START + 60_000] } },
      "alive again: at once",
    );
    directory.touch(silent[0] as Entry, START + 70_000);
    const closed = flusher.close();
    writer.calls[3]?.answer(null);
    await settle();
    t.match(
      writer.calls[4],
      { request: { last_seen: [START + 70_000] } },
      "a shutdown stores heartbeats that came during a flush, too",
    );
    writer.calls[4]?.answer(null);
    await closed;
  },
);

t.test("liveness is checked at intervals, one check at a time, and only for silent instances", async (t) => {
  const directory = directoryOf(INSTANCE_FLUSH_ROWS + 1);
  const writer = new FakeWriter([markStale]);
  let now = START;
  let resumed = { beforeMs: Number.NEGATIVE_INFINITY, at_ms: START, untilMs: START + 15_000 };
  const liveness = new Liveness({
    directory,
    writer: writer.writer,
    clock: { now: () => now },
    log,
    pauseDetector: { resumed: () => resumed },
    stale_after_ms: () => 5_000,
    intervalMs: 1_000,
  });
  const tick = (at: number): void => {
    now = at;
    liveness.tick(at);
  };
  tick(START + 999);
  tick(START + 1_000);
  await settle();
  t.equal(writer.calls.length, 0, "no instance was silent for this long, so the writer is not called");
  tick(START + 20_000);
  tick(START + 40_000);
  const asked = [liveness.check(), liveness.check()];
  await settle();
  t.equal(writer.calls.length, 1, "one at a time");
  t.equal(writer.calls[0]?.name, "instance.stale");
  const { rows: marked } = writer.asked<{ readonly rows: number[] }>(0);
  t.same(
    marked,
    rows(INSTANCE_FLUSH_ROWS).map(({ row }) => row),
    "the longest silent are first, a limited number at a time",
  );
  const woken = directory.get("id-1") as Entry;
  directory.touch(woken, START + 20_001);
  writer.calls[0]?.answer({ rows: marked });
  await settle();
  t.equal(woken.status, "active", "seen meanwhile");
  t.equal(directory.get("id-2")?.status, "stale");
  t.same(writer.asked<{ readonly rows: number[] }>(1).rows, [INSTANCE_FLUSH_ROWS + 1]);
  writer.calls[1]?.answer({ rows: [] });
  await settle();
  t.same(
    writer.asked<{ readonly rows: number[] }>(2).rows,
    [1],
    "a request meanwhile gets the next check, in which it is silent again",
  );
  writer.calls[2]?.answer({ rows: [] });
  t.same(await Promise.all(asked), [[], []], "an instance that was reported is not newly stale");
  t.equal(directory.counts.stale, INSTANCE_FLUSH_ROWS + 1);
  const out = new Exposition();
  directory.expose(out);
  t.match(out.text(), `\nkoor_instances{status="stale"} ${INSTANCE_FLUSH_ROWS + 1}\n`);

  directory.touch(woken, START + 60_000);
  now = START + 100_000;
  const failing = liveness.check();
  await settle();
  writer.leave();
  t.ok((await failing) instanceof Failure);
  t.equal(woken.status, "active", "a change that is not on disk has no effect");
  writer.connect();
  const again = liveness.check();
  await settle();
  writer.calls.at(-1)?.answer({ rows: [1] });
  t.same(
    ((await again) as readonly Entry[]).map(({ id, status }) => [id, status]),
    [["id-1", "stale"]],
  );

  directory.touch(woken, START + 110_000);
  resumed = { beforeMs: START + 112_000, at_ms: START + 200_000, untilMs: START + 215_000 };
  now = START + 214_999;
  t.same(await liveness.check(), [], "while the server did not run, no heartbeat could come");
  now = START + 215_000;
  const later = liveness.check();
  await settle();
  writer.calls.at(-1)?.answer({ rows: [1] });
  t.match(await later, [{ id: "id-1" }], "there was time for one");
});

t.test("the number of instances is limited", async (t) => {
  const writer = new FakeWriter([registerInstance]);
  const directory = directoryOf(INSTANCES_MAX - 1);
  const instances = new Instances({
    directory,
    writer: writer.writer,
    clock: { now: () => START },
    log,
    flushLastSeen: null,
  });
  const last = instances.register({ name: "last" }, "", NO_CALLER);
  const refused = await instances.register({ name: "one more" }, "", NO_CALLER);
  t.match(
    refused,
    { status: "RESOURCE_EXHAUSTED", message: `${INSTANCES_MAX} instances are registered: delete those that are gone` },
    "one in flight counts",
  );
  await settle();
  writer.leave();
  t.match(await last, { status: "UNAVAILABLE" });
  writer.connect();
  const again = instances.register({ name: "last" }, "", NO_CALLER);
  await settle();
  const { id, token_hash } = writer.asked<{ readonly id: string; readonly token_hash: string }>(-1);
  t.equal(directory.get(id), undefined, "not before it is on disk");
  writer.calls.at(-1)?.answer({ row: INSTANCES_MAX, registered_at: START });
  const registration = await again;
  if (registration instanceof Failure) throw new Error(registration.message);
  t.equal(directory.byTokenHash(token_hash), registration.entry);
  t.notOk(JSON.stringify(writer.calls).includes(registration.token), "the token itself is not sent");
  t.match(await instances.register({ name: "one more" }, "", NO_CALLER), { status: "RESOURCE_EXHAUSTED" });
});

t.test("the tally counts by agent and hour, within bounds", (t) => {
  const hour = hourOf(Date.UTC(2026, 1, 16, 14, 59, 59, 999));
  t.equal(formatHour(hour), "2026-02-16T14");
  const tally = new AgentTally(Date.UTC(2026, 1, 16, 14, 59));
  tally.add("a", "rest_calls", 1);
  tally.add("a", "rest_calls", 1);
  tally.add("a", "violations", 7);
  tally.tick(Date.UTC(2026, 1, 16, 15));
  tally.add("a", "mcp_calls", 1);
  tally.tick(Date.UTC(2026, 1, 16, 14));
  tally.add("b", "errors", 1);
  t.equal(tally.size, 3);
  t.same(
    tally.take(1),
    [
      [hour, "a", "rest_calls", 2],
      [hour, "a", "violations", 7],
    ],
    "whole agents are dropped, the oldest hour first",
  );
  t.same(tally.take(1000), [
    [hour + 1, "a", "mcp_calls", 1],
    [hour + 1, "b", "errors", 1],
  ]);
  t.same(tally.take(1000), []);
  t.equal(tally.size, 0);
  for (let at = 0; at < AGENT_TALLIES_MAX; at++) tally.add(`agent-${at}`, "rest_calls", 1);
  tally.add("one more", "rest_calls", 3);
  tally.add("agent-0", "rest_calls", 1);
  t.same([tally.size, tally.dropped], [AGENT_TALLIES_MAX, 3]);
  t.end();
});

t.test("the flusher sends at intervals, with the same number until the counters are taken", async (t) => {
  const writer = new FakeWriter([countAgents]);
  const tally = new AgentTally(START);
  const flusher = new AgentMetricsFlusher(tally, writer.writer, log, START);
  tally.add("a", "rest_calls", 1);
  flusher.tick(START + AGENT_METRICS_FLUSH_INTERVAL_MS - 1);
  await settle();
  t.equal(writer.calls.length, 0);
  flusher.tick(START + AGENT_METRICS_FLUSH_INTERVAL_MS);
  flusher.tick(START + 3 * AGENT_METRICS_FLUSH_INTERVAL_MS);
  await settle();
  t.equal(writer.calls.length, 1, "one at a time");
  t.match(writer.calls[0], {
    name: "agents.count",
    request: { node: "", sequence: 1, counters: [[hourOf(START), "a", "rest_calls", 1]] },
  });
  tally.add("a", "rest_calls", 5);
  writer.leave();
  await settle();
  writer.connect();
  flusher.tick(START + 10 * AGENT_METRICS_FLUSH_INTERVAL_MS);
  await settle();
  t.same(writer.calls[1]?.request, writer.calls[0]?.request, "exactly the same again");
  writer.calls[1]?.answer(null);
  await settle();
  t.match(writer.calls[2]?.request, { sequence: 2, counters: [[hourOf(START), "a", "rest_calls", 5]] });
  writer.calls[2]?.answer(null);
  await settle();
  await flusher.flush();
  t.equal(writer.calls.length, 3, "nothing is sent without counts");
  for (let at = 0; at < AGENT_METRICS_FLUSH_ROWS + 1; at++) tally.add(`agent-${at}`, "errors", 1);
  tally.dropped = 3;
  const whole = flusher.flush();
  await settle();
  const [later, latest] = [flusher.flush(), flusher.flush()];
  t.equal(latest, later, "requests during a flush wait for the same next one");
  writer.calls[3]?.answer(null);
  await settle();
  writer.calls[4]?.answer(null);
  await whole;
  await later;
  t.same(
    [3, 4].map((at) => writer.asked<{ readonly counters: unknown[] }>(at).counters.length),
    [AGENT_METRICS_FLUSH_ROWS, 1],
  );
  t.same([tally.size, tally.dropped], [0, 0]);
  t.match(lines.at(-1), /not counted/);
});
