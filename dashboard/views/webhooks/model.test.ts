import t from "tap";
import { WEBHOOK_FAILURES_MAX } from "../../../schemas/limits/webhooks.js";
import type { Webhook, WebhookDelivery } from "../../api/types.js";
import { adviceFor, byUrgency, FAILURES_MAX, fieldOf, healthOf, patternsOf, toneOf, offersOf } from "./model.js";

const HEALTHY: Webhook = {
  id: "ci",
  url: "http://127.0.0.1:9000/koor",
  patterns: ["*"],
  active: true,
  created_at: "2026-02-09T14:30:00Z",
  fail_count: 0,
  last_fired: "2026-02-09T14:31:00Z",
  pending: 0,
  dropped: 0,
  dead_letters: 0,
};
const FAILING: Webhook = { ...HEALTHY, id: "chat", fail_count: 3 };
const OFF: Webhook = { ...HEALTHY, id: "pager", active: false, fail_count: 10 };

t.test("health is described in words", (t) => {
  t.same(healthOf(HEALTHY), { tone: "good", words: "healthy" });
  t.same(healthOf(FAILING), { tone: "warn", words: "failing 3 times in a row" });
  t.equal(healthOf({ ...FAILING, fail_count: 1 }).words, "failing once");
  t.same(healthOf(OFF), { tone: "bad", words: "off" });
  const { last_fired: _last_fired, ...fresh } = HEALTHY;
  t.same(healthOf(fresh), { tone: "plain", words: "nothing delivered yet" });
  t.end();
});

t.test("webhooks that need attention come first", (t) => {
  const listed = [HEALTHY, { ...HEALTHY, id: "a" }, { ...HEALTHY, id: "z", dead_letters: 2 }, FAILING, OFF];
  t.same(
    byUrgency(listed).map(({ id }) => id),
    ["pager", "chat", "z", "a", "ci"],
  );
  t.same(byUrgency(listed).map(toneOf), ["bad", "warn", "warn", undefined, undefined]);
  t.end();
});

t.test("advice is shown if an action is needed", (t) => {
  t.equal(FAILURES_MAX, WEBHOOK_FAILURES_MAX);
  t.equal(adviceFor(HEALTHY), "");
  t.match(adviceFor(FAILING), /After 400 failures in a row.*or skip the event/);
  t.match(adviceFor(OFF), /127\.0\.0\.1:9000.*then enable the webhook/);
  t.end();
});

t.test("patterns are separated by commas and spaces, without duplicates", (t) => {
  t.same(patternsOf("api.**, build.done\nbuild.done  x"), ["api.**", "build.done", "x"]);
  t.same(patternsOf(" , "), ["*"]);
  t.end();
});

t.test("a refusal is shown at its field", (t) => {
  t.equal(fieldOf("id is required"), "id");
  t.equal(fieldOf("webhook already exists: ci"), "id");
  t.equal(fieldOf("url must be an http or https URL"), "url");
  t.equal(fieldOf("address refused: cloud metadata addresses are never called"), "url");
  t.equal(fieldOf('malformed pattern "a.["'), "patterns");
  t.equal(fieldOf("secret must have at most 1024 bytes"), "secret");
  t.equal(fieldOf("the server cannot be reached"), undefined);
  t.end();
});

t.test("the last try of an event offers what can be done with it", (t) => {
  const row = (eventId: number, attempt: number): WebhookDelivery => ({
    at: "2026-02-09T14:30:00Z",
    event_id: eventId,
    attempt,
    outcome: "failed",
    duration_ms: 1,
  });
  const tries = [row(7, 2), row(7, 1), row(5, 3), row(5, 2), row(4, 1)];
  const failing = { event_id: 7, tries: 2, since: "2026-02-09T14:30:00Z" };
  const offers = offersOf(tries, { failing }, [{ event_id: 5 }]);
  t.same(
    tries.map((one) => offers.get(one) ?? "none"),
    ["skip", "none", "send", "none", "none"],
  );
  t.equal(offersOf(tries, {}, []).size, 0);
  t.end();
});
