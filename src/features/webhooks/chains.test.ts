/**
 * Tests chains of deliveries (docs/webhooks.md "Chains") in the writer. Each event is stored with its `hops`, the
 * number of deliveries in its chain. If an event would make the chain too long for a webhook, the webhook is disabled
 * in the transaction that publishes the event.
 */
import t from "tap";
import { pushOf } from "../../../test/support/push-of.js";
import { Check } from "typebox/value";
import type { CommittedEvent } from "../../../schemas/events.js";
import { WEBHOOK_HOPS_MAX } from "../../../schemas/limits/webhooks.js";
import { EVENTS, publisher } from "../events/publisher.js";
import { migrate } from "../../platform/store/migrate.js";
import { Models } from "../../platform/threads/model.js";
import { outboxModel, OUTBOX } from "../outbox/outbox.js";
import { deliveryHeaders } from "./request.js";
import { webhookReader } from "../outbox/table.js";
import { openDatabase } from "../../platform/store/sqlite/choice.js";

const CALL = { nowMs: 1_000, actor: "", reload: (): void => undefined };
const REASON = `a chain of deliveries would be longer than ${WEBHOOK_HOPS_MAX}`;

/** Opens the models of the writer on a database in memory. `webhooks` has the patterns of each webhook, by its id. */
function openWith(webhooks: Readonly<Record<string, readonly string[]>>) {
  const db = openDatabase(":memory:");
  migrate(db);
  const models = new Models(db, { state_history: 0, state_events: false, event_history: 0 });
  const [events, outbox, reader] = [models.use(publisher), models.use(outboxModel), models.use(webhookReader)];
  const rowOf = (id: string): number => reader.byId(id)?.row ?? 0;
  const add = (id: string, patterns: readonly string[]): void => {
    outbox.table.insert({ id, url: `http://${id}/`, patterns: [...patterns], secret: "" }, 0);
    const webhook = reader.byId(id);
    if (webhook !== undefined) outbox.add(webhook);
  };
  for (const [id, patterns] of Object.entries(webhooks)) add(id, patterns);
  return {
    events,
    outbox,
    reader,
    rowOf,
    publish: (topic: string, hops = 0, trusted = true): CommittedEvent =>
      events.publish({ topic, data: "1", source: "" }, CALL, { hops, trusted, guarded: false }),
    /** Returns the queue of a webhook: the id of each event with its `hops`. */
    queueOf: (id: string): unknown[] =>
      db
        .prepare(
          "SELECT event, hops FROM webhook_queue JOIN webhook_body USING (event) WHERE webhook = ? ORDER BY event",
        )
        .raw()
        .all(rowOf(id)),
    /** Returns the topics and data of the events that were published since the last call. */
    published: (): unknown[] => {
      return (pushOf(events, EVENTS)?.texts ?? []).map((text) => {
        const { id, topic, data, source } = JSON.parse(text) as Readonly<Record<string, unknown>>;
        return [id, topic, source, data];
      });
    },
  };
}

t.test("the hops of an event are stored with its body, and a delivery sends one more", (t) => {
  const { publish, queueOf, reader, rowOf } = openWith({ w: ["**"] });
  publish("first");
  publish("second", 1);
  publish("last", WEBHOOK_HOPS_MAX - 1);
  t.same(queueOf("w"), [
    [1, 0],
    [2, 1],
    [3, WEBHOOK_HOPS_MAX - 1],
  ]);
  t.match(reader.next(rowOf("w"), 1), { event: 2, hops: 1 });
  t.equal(deliveryHeaders("d", 0, null)["X-Koor-Hops"], "1", "no delivery caused it");
  t.equal(deliveryHeaders("d", WEBHOOK_HOPS_MAX - 1, null)["X-Koor-Hops"], String(WEBHOOK_HOPS_MAX));
  t.end();
});

t.test("a webhook that would make a chain too long is disabled, with an event that it does not get itself", (t) => {
  const { events, outbox, publish, queueOf, published, reader, rowOf } = openWith({
    loop: ["a.*", "**"],
    other: ["a.b"],
    apart: ["c"],
    watcher: ["webhook.*"],
  });
  publish("a.b", WEBHOOK_HOPS_MAX - 1);
  const before = pushOf(outbox, OUTBOX);
  t.same(
    before?.queued.toSorted((a, b) => a - b),
    [rowOf("loop"), rowOf("other")],
  );
  t.same(before?.chained, [], "the last delivery of a chain is made");
  published();

  publish("a.b", WEBHOOK_HOPS_MAX);
  const ended = (id: string) => ({ id, url: `http://${id}/`, fail_count: 0, reason: REASON });
  t.same(published(), [
    [2, "a.b", "", 1],
    [3, "webhook.disabled", "webhooks", ended("loop")],
    [4, "webhook.disabled", "webhooks", ended("other")],
  ]);
  t.same(queueOf("loop"), [[1, WEBHOOK_HOPS_MAX - 1]], "its queue stays, and neither event is in it");
  t.same(queueOf("other"), [[1, WEBHOOK_HOPS_MAX - 1]]);
  t.same(queueOf("apart"), []);
  t.same(
    queueOf("watcher"),
    [
      [3, 0],
      [4, 0],
    ],
    "the word of it begins no chain and is in none",
  );
  t.same(
    reader.all().map(({ id, active }) => [id, active]),
    [
      ["apart", 1],
      ["loop", 0],
      ["other", 0],
      ["watcher", 1],
    ],
  );
  const pushed = pushOf(outbox, OUTBOX);
  t.same(pushed?.chained, [
    { id: "loop", fail_count: 0, reason: REASON },
    { id: "other", fail_count: 0, reason: REASON },
  ]);
  t.same(pushed?.changed, [rowOf("loop"), rowOf("other")]);
  t.ok(Check(OUTBOX.payload, pushed), "in the shape that the message declares");

  publish("a.b", WEBHOOK_HOPS_MAX + 5);
  t.equal(published().length, 1, "they are off: nothing is turned off twice");
  outbox.table.enable(rowOf("other"));
  outbox.enable(rowOf("other"));
  publish("a.b", 3);
  t.same(queueOf("other").at(-1), [6, 3], "it continues when it is enabled");
  t.equal(events.lastId, 6);
  t.end();
});

t.test("the order of the disabled webhooks does not depend on the history of the process", (t) => {
  const fresh = openWith({ z: ["t"], a: ["*"], m: ["t", "**"] });
  const grown = openWith({ z: ["t"], a: ["*"], m: ["t", "**"] });
  for (const id of ["z", "a"]) {
    grown.outbox.table.disable(grown.rowOf(id));
    grown.outbox.reload();
    grown.outbox.table.enable(grown.rowOf(id));
    grown.outbox.enable(grown.rowOf(id));
  }
  for (const { publish } of [fresh, grown]) publish("t", WEBHOOK_HOPS_MAX);
  const published = fresh.published();
  t.equal(published.length, 4);
  t.same(grown.published(), published);
  t.end();
});

t.test("a claim of an agent disables no webhook: the event is dropped for the webhooks that wanted it", (t) => {
  const { outbox, publish, queueOf, published } = openWith({ w: ["t"] });
  publish("t", WEBHOOK_HOPS_MAX, false);
  t.equal(outbox.listens, true, "the webhook stays on");
  t.same(queueOf("w"), []);
  t.equal(published().length, 1, "the event itself, and nothing of a webhook that is off");
  publish("t", WEBHOOK_HOPS_MAX - 1, false);
  t.equal(queueOf("w").length, 1);
  t.end();
});

t.test("a transaction that is rolled back disables nothing", (t) => {
  const db = openDatabase(":memory:");
  migrate(db);
  const models = new Models(db, { state_history: 0, state_events: false, event_history: 0 });
  const [events, outbox] = [models.use(publisher), models.use(outboxModel)];
  outbox.table.insert({ id: "w", url: "http://w/", patterns: ["t"], secret: "" }, 0);
  outbox.loadRestored();
  pushOf(outbox, OUTBOX);
  db.exec("BEGIN");
  events.publish({ topic: "t", data: "1", source: "" }, CALL, {
    hops: WEBHOOK_HOPS_MAX,
    trusted: true,
    guarded: false,
  });
  t.equal(outbox.listens, false);
  db.exec("ROLLBACK");
  events.reload();
  outbox.reload();
  t.equal(outbox.listens, true);
  t.equal(pushOf(outbox, OUTBOX), null);
  t.equal(pushOf(events, EVENTS), null);
  t.end();
});
