import t from "tap";
import { earliest, repeatsOf } from "./repeats.js";

t.test("repeated items are grouped in the order of the first of each", (t) => {
  const groups = repeatsOf(["fig", "nut", "fir", "flax", "nib"], ([letter = ""]) => letter);
  t.same(groups, [
    ["fig", "fir", "flax"],
    ["nut", "nib"],
  ]);
  t.same(
    repeatsOf([], () => ""),
    [],
  );
  t.end();
});

t.test("the earliest time is one in the time zone of any", (t) => {
  t.equal(
    earliest(["2026-02-09T14:00:00.000Z", "2026-02-09T13:59:59.999Z", "2026-02-10T00:00:00.000Z"]),
    "2026-02-09T13:59:59.999Z",
  );
  t.equal(earliest(["2026-02-09T14:00:00Z"]), "2026-02-09T14:00:00Z");
  t.end();
});
