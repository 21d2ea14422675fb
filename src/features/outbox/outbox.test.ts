/**
 * Tests that the outbox finds the subscribers of an event in a bounded number of steps. The outbox must reject patterns
 * that would take more steps. Ordinary patterns must stay far below the bound. Also tests that the size of all queues
 * together is bounded. The tests count steps, rows and bytes, and measure no time.
 */
import t from "tap";
import { PUBLISH_EVENTS_MAX } from "../../../schemas/limits/events.js";
import { MIB } from "../../../schemas/limits/units.js";
import {
  WEBHOOK_BODIES_STORED_BYTES_MAX,
  WEBHOOK_PATTERN_STEPS_MAX,
  WEBHOOK_QUEUE_BYTES_LEAST,
  WEBHOOK_QUEUE_ROWS_LEAST,
  WEBHOOK_QUEUE_ROWS_MAX,
  WEBHOOK_QUEUES_ROWS_MAX,
  WEBHOOKS_MAX,
} from "../../../schemas/limits/webhooks.js";
import { migrate } from "../../platform/store/migrate.js";
import type { Db } from "../../platform/store/open.js";
import { WriteBuffer } from "../../platform/store/write-buffer.js";
import { openDatabase } from "../../platform/store/sqlite/choice.js";
import { outboxModel, type Outbox } from "./outbox.js";

function openStore(): { readonly outbox: Outbox; readonly rows: WriteBuffer; readonly db: Db } {
  const db = openDatabase(":memory:");
  migrate(db);
  const rows = new WriteBuffer(db);
  return { outbox: outboxModel.open({ db, rows } as Parameters<typeof outboxModel.open>[0]), rows, db };
}

function open(): Outbox {
  return openStore().outbox;
}

function add(outbox: Outbox, id: string, patterns: readonly string[]): number {
  outbox.table.insert({ id, url: "http://h/", patterns: [...patterns], secret: "" }, 0);
  const row = outbox.table.byId(id);
  if (row === undefined) throw new Error("it was stored");
  outbox.add(row);
  return row.row;
}

let lastEvent = 0;
function publish(outbox: Outbox, topic: string): void {
  outbox.publish({ id: ++lastEvent, topic, data: "1", source: "", created_at: 0, hops: 0, trusted: true });
}

t.test("a thousand webhooks with ordinary patterns are far below the bound", (t) => {
  const outbox = open();
  for (let n = 0; n < WEBHOOKS_MAX; n++) {
    const patterns = [
      "lease.lost",
      "task.**",
      "state.*.changed",
      "**.failed",
      `state.p${n}.changed`,
      `task.t${n}.**`,
      `*.p${n}.done`,
      `**.m${n}`,
      `build.${n}.*`,
      `agent-${n}.**.error`,
    ];
    if (outbox.refuseSteps(patterns) !== null) t.fail(`webhook ${n} is refused`);
    add(outbox, `w${n}`, patterns);
  }
  const before = outbox.visited;
  for (let n = 0; n < PUBLISH_EVENTS_MAX; n++) publish(outbox, `agent-${n}.a.b.c.d.e.f.${n}`);
  const visited = (outbox.visited - before) / PUBLISH_EVENTS_MAX;
  t.ok(visited < WEBHOOK_PATTERN_STEPS_MAX / 50, `${visited} nodes for one topic`);
  t.end();
});

t.test("patterns are refused if a topic would take too many steps, alone or together with others", (t) => {
  const outbox = open();
  t.match(outbox.refuseSteps([`${"**.a.".repeat(18)}x`]), {
    status: "INVALID_ARGUMENT",
    message: /would take up to \d+ steps, more than 4096: use fewer wildcards, or delete a webhook first/,
  });
  t.equal(outbox.refuseSteps(["**.a.**"]), null, "the index has no pattern of the refused webhook");

  const rows: number[] = [];
  let refused = outbox.refuseSteps(["?0?"]);
  while (refused === null) {
    const texts = [`?${rows.length}?`];
    rows.push(add(outbox, `w${rows.length}`, texts));
    refused = outbox.refuseSteps([`?${rows.length}?`]);
  }
  t.ok(rows.length > 20, `${rows.length} webhooks with patterns that are tested one by one`);
  t.equal(outbox.refuseSteps(["?0?"]), null, "a pattern that another webhook has takes no steps");
  publish(outbox, "x0y");

  const first = rows[0] ?? 0;
  outbox.table.disable(first);
  outbox.loadRestored();
  t.ok(outbox.refuseSteps(["?new?"]), "a disabled webhook counts, because it may be enabled");
  outbox.remove(first);
  t.equal(outbox.refuseSteps(["?new?"]), null);
  t.end();
});

t.test("a disabled webhook gets no event, and is found again when it is enabled", (t) => {
  const outbox = open();
  const row = add(outbox, "w", ["a.*", "**"]);
  t.equal(outbox.listens, true);
  outbox.table.disable(row);
  outbox.loadRestored();
  t.equal(outbox.listens, false);
  publish(outbox, "a.b");
  t.equal(outbox.table.first(row), undefined);
  outbox.enable(row);
  outbox.enable(row);
  publish(outbox, "a.b");
  t.equal(outbox.table.first(row), lastEvent);
  outbox.remove(row);
  t.equal(outbox.listens, false);
  t.end();
});

/** Stores `events` events of `bytes` bytes each in the queue of each given webhook. */
function fill(
  { db, outbox }: ReturnType<typeof openStore>,
  rows: readonly number[],
  events: number,
  bytes: number,
): void {
  db.prepare(
    `WITH RECURSIVE event (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM event WHERE id < ${events})
     INSERT INTO webhook_body (event, waiting, bytes, body, hops) SELECT id, ${rows.length}, ${bytes}, '1', 0 FROM event`,
  ).run();
  for (const row of rows) db.prepare("INSERT INTO webhook_queue SELECT ?, event FROM webhook_body").run(row);
  lastEvent = events;
  outbox.loadRestored();
}

function statusOf({ outbox, rows }: ReturnType<typeof openStore>, id: string): { dropped: number; pending: number } {
  rows.write();
  const status = outbox.table.status(id);
  return { dropped: status?.dropped ?? 0, pending: status?.pending ?? 0 };
}

t.test("all queues together have a bound, and each keeps some room of its own", (t) => {
  const store = openStore();
  const { outbox } = store;
  const full = WEBHOOK_QUEUE_ROWS_MAX - 1;
  const away = Array.from({ length: Math.floor(WEBHOOK_QUEUES_ROWS_MAX / full) }, (_, at) =>
    add(outbox, `away${at}`, ["**"]),
  );
  add(outbox, "there", ["**"]);
  fill(store, away, full, 1);
  for (let at = 0; at < WEBHOOK_QUEUE_ROWS_LEAST + 5; at++) publish(outbox, "a");
  t.same(statusOf(store, "there"), { dropped: 5, pending: WEBHOOK_QUEUE_ROWS_LEAST });
  t.same(statusOf(store, "away0"), { dropped: WEBHOOK_QUEUE_ROWS_LEAST + 5, pending: full });
  outbox.remove(away[1] ?? 0);
  publish(outbox, "a");
  t.match(statusOf(store, "away0"), { pending: full + 1 }, "there is room again");
  t.end();
});

t.test("the bodies of all webhooks together have a bound, those of dead letters too", (t) => {
  const store = openStore();
  const { outbox, db } = store;
  const big = 16 * MIB;
  const events = WEBHOOK_BODIES_STORED_BYTES_MAX / big;
  // A body counts only once, even if several webhooks wait for it.
  const first = add(outbox, "first", ["**"]);
  const second = add(outbox, "second", ["**"]);
  add(outbox, "third", ["**"]);
  fill(store, [first, second], events, big);
  publish(outbox, "a");
  t.same(statusOf(store, "first"), { dropped: 1, pending: events });
  t.same(statusOf(store, "third"), { dropped: 0, pending: 1 }, "a small event fits into a small queue");
  outbox.publish({
    id: ++lastEvent,
    topic: "a",
    data: JSON.stringify("x".repeat(WEBHOOK_QUEUE_BYTES_LEAST)),
    source: "",
    created_at: 0,
    hops: 0,
    trusted: true,
  });
  t.same(statusOf(store, "third"), { dropped: 1, pending: 1 }, "a large one does not");

  // The bodies of all webhooks take too much space. So a webhook keeps only the newest of its large dead letters.
  for (let at = 0; at < 3; at++) outbox.skip(second, null, 0);
  const letters = db.prepare<[number], number>("SELECT count(*) FROM webhook_dead_letter WHERE webhook = ?").pluck();
  t.equal(letters.get(second), 1);
  t.equal(statusOf(store, "second").dropped, 2 + 2, "and counts the others");

  outbox.remove(first);
  publish(outbox, "a");
  t.equal(statusOf(store, "second").dropped, 4 + 1, "the second one still waits for most bodies");
  outbox.remove(second);
  const left = db.prepare<[], number>("SELECT sum(bytes) FROM webhook_body").pluck();
  t.ok((left.get() ?? 0) < MIB, "with the last webhook, the bodies are deleted");
  add(outbox, "fourth", ["**"]);
  outbox.publish({
    id: ++lastEvent,
    topic: "a",
    data: JSON.stringify("x".repeat(WEBHOOK_QUEUE_BYTES_LEAST)),
    source: "",
    created_at: 0,
    hops: 0,
    trusted: true,
  });
  t.match(statusOf(store, "fourth"), { dropped: 0, pending: 1 }, "and there is room for large events again");
  t.end();
});

t.test("what is dropped in a transaction is written once for each webhook", (t) => {
  const store = openStore();
  const { outbox, rows, db } = store;
  const row = add(outbox, "full", ["**"]);
  fill(store, [row], WEBHOOK_QUEUE_ROWS_MAX, 1);
  const changes = db.prepare<[], number>("SELECT total_changes()").pluck();
  const before = changes.get() ?? 0;
  for (let at = 0; at < PUBLISH_EVENTS_MAX; at++) publish(outbox, "a");
  rows.write();
  t.equal((changes.get() ?? 0) - before, 1);
  t.same(statusOf(store, "full"), { dropped: PUBLISH_EVENTS_MAX, pending: WEBHOOK_QUEUE_ROWS_MAX });
  publish(outbox, "a");
  rows.forget();
  outbox.reload();
  t.match(statusOf(store, "full"), { dropped: PUBLISH_EVENTS_MAX }, "what is rolled back is not counted");
  t.end();
});
