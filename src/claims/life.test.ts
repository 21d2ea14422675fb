/** Tests each rule of when a claim expires. */
import t from "tap";
import type { Resumed } from "../base/pause-detector.js";
import { type Life, lifeOf as lifeSince } from "./life.js";

const HELD: Life = { ttl_s: 60, max_s: 600, offered: false, requested_at: 100_000, granted_at: 100_000 };

function startedAt(at_ms: number): Resumed {
  return { before_ms: Number.NEGATIVE_INFINITY, at_ms, until_ms: at_ms + 15_000 };
}

function lifeOf(life: Life, heard_ms: number, started_ms: number): ReturnType<typeof lifeSince> {
  return lifeSince(life, heard_ms, startedAt(started_ms));
}

t.test("a claim lives as long as its holder is heard of, and no longer than it may", (t) => {
  t.same(lifeOf(HELD, 0, 0), { ends_ms: 160_000, reason: "expired" }, "from its grant");
  t.same(lifeOf(HELD, 130_000, 0), { ends_ms: 190_000, reason: "expired" }, "from the last sign of life");
  t.same(lifeOf(HELD, 500_000, 0), { ends_ms: 560_000, reason: "expired" });
  t.same(lifeOf(HELD, 660_000, 0), { ends_ms: 700_000, reason: "max_s" }, "however alive it is");
  t.end();
});

t.test("what is offered to one who waited has to be taken", (t) => {
  const offered = { ...HELD, offered: true };
  t.same(lifeOf(offered, 100_000, 0).ends_ms, 130_000);
  t.same(lifeOf({ ...offered, ttl_s: 10 }, 0, 0).ends_ms, 110_000, "or its ttl, if that is less");
  t.same(lifeOf(offered, 100_001, 0).ends_ms, 160_001, "it was heard of since");
  t.same(lifeOf(offered, 400_000, 0).ends_ms, 460_000, "or is busy");
  t.end();
});

t.test("who waits is heard of, too", (t) => {
  const waiting = { ...HELD, granted_at: null };
  t.same(lifeOf(waiting, 0, 0).ends_ms, 160_000);
  t.same(lifeOf(waiting, 9_000_000, 0), { ends_ms: 9_060_000, reason: "expired" }, "for ever, if it likes");
  t.end();
});

t.test("after a restart there is time to be heard", (t) => {
  t.same(lifeOf(HELD, 0, 150_000).ends_ms, 165_000);
  t.same(lifeOf(HELD, 140_000, 150_000).ends_ms, 200_000, "where there was not more");
  t.same(lifeOf({ ...HELD, max_s: 55 }, 0, 150_000), { ends_ms: 165_000, reason: "max_s" }, "whatever else");
  t.same(lifeOf({ ...HELD, max_s: 80 }, 190_000, 150_000), { ends_ms: 180_000, reason: "max_s" }, "but not for ever");
  t.same(lifeOf(HELD, 0, 100_000).ends_ms, 160_000, "what was granted since needs none");
  t.end();
});

t.test("where the server did not run there is time to be heard, for what was alive when it stopped", (t) => {
  const slept: Resumed = { before_ms: 150_000, at_ms: 900_000, until_ms: 915_000 };
  t.same(lifeSince({ ...HELD, max_s: 3_600 }, 0, slept), { ends_ms: 915_000, reason: "expired" });
  t.same(lifeSince({ ...HELD, max_s: 55 }, 140_000, slept), { ends_ms: 915_000, reason: "max_s" });
  t.same(lifeSince(HELD, 899_000, slept), { ends_ms: 915_000, reason: "max_s" }, "nor is it longer than that");
  t.same(lifeSince({ ...HELD, ttl_s: 50 }, 0, slept).ends_ms, 150_000, "what had ended by then had ended");
  t.same(lifeSince({ ...HELD, granted_at: 900_000 }, 0, slept).ends_ms, 960_000, "what was granted since needs none");
  t.same(lifeSince({ ...HELD, granted_at: null }, 0, slept).ends_ms, 915_000, "a place in line, too");
  t.end();
});
