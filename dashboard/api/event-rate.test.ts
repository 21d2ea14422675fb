import t from "tap";
import { EventRate, RATE_SECONDS } from "./event-rate.js";

const NOW_MS = 1_700_000_000_500;

t.test("events are counted in their second", (t) => {
  const rate = new EventRate();
  rate.add(NOW_MS - 3_000, 2);
  rate.add(NOW_MS);
  rate.add(NOW_MS);
  const minute = rate.lastMinute(NOW_MS);
  t.equal(minute.length, RATE_SECONDS);
  t.same(minute.slice(-4), [2, 0, 0, 2]);
  t.end();
});

t.test("counts expire as seconds pass", (t) => {
  const rate = new EventRate();
  rate.add(NOW_MS, 7);
  t.same(rate.lastMinute(NOW_MS + 2_000).slice(-3), [7, 0, 0]);
  t.equal(rate.lastMinute(NOW_MS + 59_000)[0], 7, "the last of its seconds");
  t.equal(Math.max(...rate.lastMinute(NOW_MS + 60_000)), 0);
  t.end();
});

t.test("events older than a minute are ignored, and overwrite no slot", (t) => {
  const rate = new EventRate();
  rate.add(NOW_MS, 3);
  rate.add(NOW_MS - 60_000, 9);
  rate.add(NOW_MS - 3_600_000, 9);
  t.same(
    rate.lastMinute(NOW_MS).filter((count) => count > 0),
    [3],
  );
  t.end();
});

t.test("after a pause of hours all counts are zero", (t) => {
  const rate = new EventRate();
  for (let second = 0; second < 60; second++) rate.add(NOW_MS + second * 1_000, 5);
  rate.add(NOW_MS + 10_000_000);
  t.equal(
    rate.lastMinute(NOW_MS + 10_000_000).reduce((sum, count) => sum + count),
    1,
  );
  t.end();
});
