/** Tests the state machine of a connection: its states, its delays, and the HTTP statuses after which it gives up. */
import * as fc from "fast-check";
import t from "tap";
import { isTemporary, Reconnect, type ReconnectOptions } from "./reconnect.js";
import { retryDelayMs } from "./retry-delay.js";

const OPTIONS: ReconnectOptions = { minMs: 250, maxMs: 5_000 };

t.test("the first attempt is connecting, later ones are reconnecting", (t) => {
  const link = new Reconnect(OPTIONS);
  t.equal(link.state, "off");
  link.connecting();
  t.equal(link.state, "connecting");
  link.failed(1_000);
  t.same([link.state, link.failures, link.lostMs, link.wasLive], ["reconnecting", 1, 1_000, false]);
  link.connecting();
  link.failed(2_000);
  t.same(
    [link.state, link.failures, link.lostMs],
    ["reconnecting", 2, 1_000],
    "the outage began with the first failure",
  );
  link.opened();
  t.same([link.state, link.failures, link.lostMs, link.wasLive], ["live", 0, null, true]);
  link.failed(3_000);
  t.same([link.state, link.failures, link.lostMs], ["reconnecting", 1, 3_000]);
  t.end();
});

t.test("a closed connection is no failure, and counts as lost", (t) => {
  const link = new Reconnect(OPTIONS);
  link.connecting();
  link.closed(500);
  t.same([link.state, link.lostMs], ["connecting", null], "there was no connection to lose");
  link.opened();
  link.closed(1_000);
  t.same([link.state, link.failures, link.lostMs], ["reconnecting", 0, 1_000]);
  link.closed(2_000);
  t.equal(link.lostMs, 1_000);
  t.end();
});

t.test("a paused connection resumes, and a forgotten one begins anew", (t) => {
  const link = new Reconnect(OPTIONS);
  link.connecting();
  link.opened();
  link.paused();
  t.same([link.state, link.wasLive], ["off", true]);
  link.connecting();
  t.equal(link.state, "reconnecting", "it has to make up for what was missed");
  link.failed(1_000);
  link.forget();
  t.same([link.state, link.wasLive, link.failures, link.lostMs], ["off", false, 0, null]);
  link.connecting();
  t.equal(link.state, "connecting");
  t.end();
});

t.test("the delay doubles with each round through the servers, and half of it is random", (t) => {
  const longest = new Reconnect({ ...OPTIONS, servers: 3, random: () => 1 });
  const shortest = new Reconnect({ ...OPTIONS, servers: 3, random: () => 0 });
  const delays: number[] = [];
  for (let failures = 1; failures <= 18; failures += 1) {
    for (const link of [longest, shortest]) link.failed(0);
    t.equal(longest.allFailed, failures >= 3);
    t.equal(longest.rounds, Math.ceil(failures / 3));
    t.equal(shortest.delayMs, longest.delayMs / 2);
    delays.push(longest.delayMs);
  }
  const doubled = [250, 500, 1_000, 2_000, 4_000, 5_000];
  t.same(
    delays,
    doubled.flatMap((ms) => [ms, ms, ms]),
  );
  longest.opened();
  longest.failed(0);
  t.equal(longest.delayMs, 250, "a connection starts the delays again");
  t.end();
});

t.test("every delay is within its bounds, however many attempts have failed", (t) => {
  const property = fc.property(
    fc.integer({ min: 1, max: 100_000 }),
    fc.integer({ min: 1, max: 1_000 }),
    fc.integer({ min: 1, max: 60_000 }),
    (failures, minMs, maxMs) => {
      const delayMs = retryDelayMs(failures, { minMs, maxMs });
      return delayMs >= Math.min(minMs, maxMs) / 2 && delayMs <= maxMs;
    },
  );
  t.doesNotThrow(() => fc.assert(property));
  t.end();
});

t.test("statuses that may change by themselves are temporary", (t) => {
  for (const status of [408, 429, 500, 502, 503, 504, 507]) t.equal(isTemporary(status), true, `${status}`);
  for (const status of [400, 401, 403, 404, 409, 421, 426, 501]) t.equal(isTemporary(status), false, `${status}`);
  t.end();
});
