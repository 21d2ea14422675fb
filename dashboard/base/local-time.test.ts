/** Tests the times in input fields and addresses: conversions in both directions, and malformed values. */
import t from "tap";
import { fromField, timeIn, toField } from "./local-time.js";

t.test("a time comes back from a field to the second", async (t) => {
  for (const time of ["2026-02-09T14:30:00.000Z", "2026-07-31T23:59:59.000Z", "2000-01-01T00:00:00.000Z"])
    t.equal(fromField(toField(time)), time);
  t.equal(fromField("2026-02-09T14:30"), fromField("2026-02-09T14:30:00"), "browsers leave out seconds that are 0");
});

t.test("an incomplete time is rejected", async (t) => {
  for (const text of ["", "2026-02-09", "2026-13-09T14:30", "soon"]) {
    t.equal(fromField(text), "", text);
  }
  t.equal(toField("soon"), "");
  t.equal(timeIn("soon"), "");
  t.equal(timeIn(undefined), "");
  t.equal(timeIn("2026-02-09T14:30:00Z"), "2026-02-09T14:30:00Z");
});
