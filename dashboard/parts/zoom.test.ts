/** Tests the time range that charts show: its text in the address, and zooming and moving. */
import t from "tap";
import { changeZoom, formatZoom, minutesOf, parseZoom, wholeOf } from "./zoom.js";

const WHOLE = { fromS: 1_000, toS: 4_600 };

t.test("a range is the same after it was part of an address", async (t) => {
  t.same(parseZoom(formatZoom({ fromS: 1_000, toS: 2_000 })), { fromS: 1_000, toS: 2_000 });
  t.equal(formatZoom(null), "");
  for (const text of ["", "x", "5-", "2000-1000", "1000-1001", "1e3-2e3"]) t.equal(parseZoom(text), null, text);
});

t.test("a range is zoomed around its middle, and moved within the whole time", async (t) => {
  const half = changeZoom(null, WHOLE, { factor: 0.5 });
  t.same(half, { fromS: 1_900, toS: 3_700 });
  t.same(changeZoom(half, WHOLE, { by: -0.25 }), { fromS: 1_450, toS: 3_250 });
  t.same(changeZoom(half, WHOLE, { by: 3 }), { fromS: 2_800, toS: 4_600 }, "not past the end");
  t.equal(changeZoom(half, WHOLE, { factor: 2 }), null, "the whole time is no zoom");
  t.same(changeZoom({ fromS: 2_000, toS: 2_020 }, WHOLE, { factor: 0.5 }), { fromS: 2_000, toS: 2_020 });
});

t.test("the whole time is that of the samples, and at least a minute", async (t) => {
  t.same(wholeOf([1_000, 1_010, 4_600]), WHOLE);
  t.same(wholeOf([1_000]), { fromS: 940, toS: 1_000 });
  t.equal(wholeOf([]), null);
});

t.test("the minutes of a sample are whole, and include those since the previous sample", async (t) => {
  t.same(minutesOf(130, 140), { fromS: 120, toS: 180 });
  t.same(minutesOf(115, 125), { fromS: 60, toS: 180 });
  t.same(minutesOf(120, 120), { fromS: 120, toS: 180 });
});
