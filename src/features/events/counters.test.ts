/** Tests the metrics of events and subscribers. Each metric is exposed once, with its type and the hub's value. */
import t from "tap";
import { parseExposition } from "../../../test/support/exposition.js";
import { FakeBroadcaster } from "../../../test/support/fake-broadcaster.js";
import { Failure } from "../../base/result.js";
import { Exposition } from "../../platform/measure/exposition.js";
import { compilePattern } from "../../platform/topics/pattern.js";
import { EventCounters } from "./counters.js";
import { Hub } from "./hub.js";
import { SendingTurns } from "./sending-turns.js";

t.test("every metric is exposed once, with its type", (t) => {
  const counters = new EventCounters();
  const hub = new Hub(new FakeBroadcaster(2), counters, 20);
  const pattern = compilePattern("a");
  if (pattern instanceof Failure) throw new Error(pattern.message);
  hub.join(pattern);
  hub.join(pattern);
  hub.fanOut([{ id: 21, topic: "a", source: "", text: "{}" }]);
  counters.dropped += 3;
  const out = new Exposition();
  hub.expose(out);
  const figures = [...parseExposition(out.text())].map(([name, { type, samples }]) => [
    name,
    type,
    samples.map(({ value }) => value),
  ]);
  t.same(figures, [
    ["koor_subscribers", "gauge", [2]],
    ["koor_subscriber_patterns", "gauge", [1]],
    ["koor_last_event_id", "gauge", [21]],
    ["koor_events_published_total", "counter", [1]],
    ["koor_events_delivered_total", "counter", [2]],
    ["koor_events_dropped_total", "counter", [3]],
  ]);
  t.end();
});

t.test("an event is the newest one from its commit on, before it is sent to anyone", (t) => {
  const hub = new Hub(new FakeBroadcaster(0), new EventCounters(), 20, new SendingTurns({ later: () => undefined }));
  hub.accept([{ id: 21, topic: "a", source: "", text: "{}" }]);
  const out = new Exposition();
  hub.expose(out);
  t.same(
    parseExposition(out.text())
      .get("koor_last_event_id")
      ?.samples.map(({ value }) => value),
    [21],
  );
  t.equal(hub.lastId, 20, "no run has begun");
  t.end();
});
