/** Tests how the reported tasks in a cursor are parsed. Cursors of versions without a watermark are covered too. */
import t from "tap";
import { WAIT_MARK_CHARACTERS_MAX } from "../../../schemas/limits/wait.js";
import { fits, readReported, REPORTED_TASKS, writeReported } from "./reported-tasks.js";

const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `${(at + 1).toString(36)}-x1y2`);

t.test("a written mark is read back", (t) => {
  for (const reported of [
    { event: 0, watermark: null, able: "", names: [] },
    { event: 71, watermark: null, able: "", names: names(3) },
    { event: 71, watermark: { at_ms: 1_800_000_000_000, row: 0 }, able: "a-_b-c9Z", names: [] },
    { event: 71, watermark: { at_ms: 0, row: 100_000 }, able: "--------", names: names(200) },
  ]) {
    const mark = writeReported(reported);
    t.match(mark, REPORTED_TASKS);
    t.same(readReported(mark), reported);
  }
  t.same(readReported(""), { event: 0, watermark: null, able: "", names: [] });
  t.end();
});

t.test("invalid marks", (t) => {
  for (const mark of ["_1-2-abcdefgh", "1._1-2", "1._1-2-abc", "1.1-2._1-2-abcdefgh", "1.", "1._1-2-abcdefgh.", "x y"])
    t.notMatch(mark, REPORTED_TASKS, mark);
  t.end();
});

t.test("the names are limited, with room for the longest watermark", (t) => {
  let count = 1;
  while (fits({ event: 0, watermark: null, able: "", names: names(count + 1) })) count += 1;
  const longest = { at_ms: Number.MAX_SAFE_INTEGER, row: Number.MAX_SAFE_INTEGER };
  const reported = { event: Number.MAX_SAFE_INTEGER, watermark: longest, able: "abcdefgh", names: names(count) };
  t.ok(writeReported(reported).length <= WAIT_MARK_CHARACTERS_MAX);
  t.same(readReported(writeReported(reported)), reported);
  const old = readReported(writeReported({ event: 5, watermark: null, able: "", names: names(count + 10) }));
  t.same(
    old.names,
    names(count + 10).slice(-old.names.length),
    "of too many names, which earlier versions kept, the last ones",
  );
  t.ok(fits(old));
  t.end();
});
