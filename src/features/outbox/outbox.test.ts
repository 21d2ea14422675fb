/**
 * Tests that the outbox finds the webhooks of an event in a bounded number of steps: it refuses patterns that would
 * take more, and ordinary patterns are far below the bound. Counts steps, and measures no time.
 */
import t from "tap";
import { PUBLISH_EVENTS_MAX } from "../../../schemas/limits/events.js";
import { WEBHOOK_PATTERN_STEPS_MAX, WEBHOOKS_MAX } from "../../../schemas/limits/webhooks.js";
import { migrate } from "../../platform/store/migrate.js";
import { openDatabase } from "../../platform/store/sqlite/choice.js";
import { outboxModel, type Outbox } from "./outbox.js";

function open(): Outbox {
  const db = openDatabase(":memory:");
  migrate(db);
  return outboxModel.open({ db } as Parameters<typeof outboxModel.open>[0]);
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
    message: /would take up to \d+ steps, more than 2048: use fewer wildcards, or delete a webhook first/,
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
