/** Tests the rules that decide when a claim expires, one by one. */
import t from "tap";
import type { Resumed } from "../../base/pause-detector.js";
import { type Life, lifeOf as lifeSince } from "./life.js";

const HELD: Life = {
  ttl_s: 60,
  max_s: 600,
  offered: false,
  requested_at: 100_000,
  granted_at: 100_000,
  touched_at: null,
};

function startedAt(atMs: number): Resumed {
  return { beforeMs: Number.NEGATIVE_INFINITY, at_ms: atMs, untilMs: atMs + 15_000 };
}

function lifeOf(life: Life, lastSeenMs: number, startedMs: number): ReturnType<typeof lifeSince> {
  return lifeSince(life, lastSeenMs, startedAt(startedMs));
}

t.test("a claim expires after its holder was last seen, and at the latest after max_s", (t) => {
  t.same(lifeOf(HELD, 0, 0), { endsMs: 160_000, reason: "expired" }, "from its grant");
  t.same(lifeOf(HELD, 130_000, 0), { endsMs: 190_000, reason: "expired" }, "from the last heartbeat");
  t.same(lifeOf(HELD, 500_000, 0), { endsMs: 560_000, reason: "expired" });
  t.same(lifeOf(HELD, 660_000, 0), { endsMs: 700_000, reason: "max_s" }, "however recently its holder was seen");
  const touched = { ...HELD, touched_at: 650_000 };
  t.same(lifeOf(touched, 1_240_000, 0), { endsMs: 1_250_000, reason: "max_s" }, "max_s was started again");
  t.same(lifeOf(touched, 0, 0), { endsMs: 160_000, reason: "expired" }, "which says nothing about its holder");
  t.end();
});

t.test("a grant to a waiter must be confirmed", (t) => {
  const offered = { ...HELD, offered: true };
  t.same(lifeOf(offered, 100_000, 0).endsMs, 130_000);
  t.same(lifeOf({ ...offered, ttl_s: 10 }, 0, 0).endsMs, 110_000, "or within its ttl, if that is less");
  t.same(lifeOf(offered, 100_001, 0).endsMs, 160_001, "its holder was seen since");
  t.same(lifeOf(offered, 400_000, 0).endsMs, 460_000, "or its holder is busy");
  t.end();
});

t.test("a waiting claim expires after its holder was last seen, too", (t) => {
  const waiting = { ...HELD, granted_at: null };
  t.same(lifeOf(waiting, 0, 0).endsMs, 160_000);
  t.same(lifeOf(waiting, 9_000_000, 0), { endsMs: 9_060_000, reason: "expired" }, "without a limit");
  t.end();
});

t.test("after a restart there is time for a heartbeat", (t) => {
  t.same(lifeOf(HELD, 0, 150_000).endsMs, 165_000);
  t.same(lifeOf(HELD, 140_000, 150_000).endsMs, 200_000, "if there was not more");
  t.same(lifeOf({ ...HELD, max_s: 55 }, 0, 150_000), { endsMs: 165_000, reason: "max_s" }, "in every other case");
  t.same(
    lifeOf({ ...HELD, max_s: 80 }, 190_000, 150_000),
    { endsMs: 180_000, reason: "max_s" },
    "but not without a limit",
  );
  t.same(lifeOf(HELD, 0, 100_000).endsMs, 160_000, "a claim granted since needs none");
  t.end();
});

t.test("after a pause of the server, live claims have time for a heartbeat", (t) => {
  const slept: Resumed = { beforeMs: 150_000, at_ms: 900_000, untilMs: 915_000 };
  t.same(lifeSince({ ...HELD, max_s: 3_600 }, 0, slept), { endsMs: 915_000, reason: "expired" });
  t.same(lifeSince({ ...HELD, max_s: 55 }, 140_000, slept), { endsMs: 915_000, reason: "max_s" });
  t.same(lifeSince(HELD, 899_000, slept), { endsMs: 915_000, reason: "max_s" }, "and no longer than that");
  t.same(lifeSince({ ...HELD, ttl_s: 50 }, 0, slept).endsMs, 150_000, "a claim that had expired before stays expired");
  t.same(lifeSince({ ...HELD, granted_at: 900_000 }, 0, slept).endsMs, 960_000, "a claim granted since needs none");
  t.same(lifeSince({ ...HELD, granted_at: null }, 0, slept).endsMs, 915_000, "so does a waiting claim");
  t.end();
});
