/** Tests how the answers of receivers are interpreted: success, redirects, and requests to retry later. */
import t from "tap";
import { WEBHOOK_LOCATION_CHARS_MAX, WEBHOOK_RETRY_AFTER_MS_MAX } from "../../../schemas/limits/webhooks.js";
import { retryAfterDelay } from "./backoff.js";
import { answerOutcome } from "./send.js";

const NOW_MS = Date.UTC(2026, 10, 25, 12, 0, 0);
const LONG = "https://x/" + "é".repeat(WEBHOOK_LOCATION_CHARS_MAX);

t.test("only a 2xx is a delivery", (t) => {
  for (const status of [200, 201, 202, 204, 226, 299])
    t.same(answerOutcome("h", { status, headers: {} }, NOW_MS), { kind: "delivered", status });
  for (const [status, failure] of [
    [101, "unavailable"],
    [199, "unavailable"],
    [300, "refused"],
    [301, "refused"],
    [304, "refused"],
    [400, "refused"],
    [404, "refused"],
    [408, "unavailable"],
    [410, "refused"],
    [425, "unavailable"],
    [429, "unavailable"],
    [499, "refused"],
    [500, "unavailable"],
    [503, "unavailable"],
    [599, "unavailable"],
  ] as const)
    t.match(answerOutcome("h", { status, headers: {} }, NOW_MS), {
      kind: "failed",
      failure,
      status,
      reason: `h answered ${status}`,
    });
  t.end();
});

t.test("a redirect shows its target, bounded and without control characters", (t) => {
  for (const [status, location, reason] of [
    [301, "/new", "h answered 301 with Location /new, which is not followed"],
    [308, ["https://a/", "https://b/"], "h answered 308 with Location https://a/, which is not followed"],
    [302, "/a\tb\u0085\u202e", "h answered 302 with Location /a\uFFFDb\uFFFD\uFFFD, which is not followed"],
    [307, LONG, `h answered 307 with Location ${LONG.slice(0, WEBHOOK_LOCATION_CHARS_MAX)}…, which is not followed`],
    [201, "/made", undefined],
    [404, "/elsewhere", "h answered 404"],
  ] as const)
    t.match(answerOutcome("h", { status, headers: { location: location as string } }, NOW_MS), { reason });
  t.end();
});

t.test("Retry-After: seconds or a date, bounded", (t) => {
  for (const [header, delayMs] of [
    [undefined, 0],
    ["", 0],
    ["0", 0],
    ["120", 120_000],
    [" 7 ", 7_000],
    ["999999999999999999999999", WEBHOOK_RETRY_AFTER_MS_MAX],
    ["-5", 0],
    ["1.5", 0],
    ["soon", 0],
    ["Wed, 25 Nov 2026 12:00:30 GMT", 30_000],
    ["Wed, 25 Nov 2026 11:00:00 GMT", 0],
    ["Fri, 25 Dec 2026 12:00:00 GMT", WEBHOOK_RETRY_AFTER_MS_MAX],
    ["not a date GMT", 0],
  ] as const)
    t.equal(retryAfterDelay(header, NOW_MS), delayMs, String(header));
  t.match(answerOutcome("h", { status: 503, headers: { "retry-after": "30" } }, NOW_MS), { retryAfterMs: 30_000 });
  t.end();
});
