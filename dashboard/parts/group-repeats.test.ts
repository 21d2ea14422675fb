/** Tests which rows form a group, which key a group has, and what is shown of an open group. */
import t from "tap";
import { groupRepeats, type Shown } from "./group-repeats.js";

interface Row {
  readonly id: number;
  readonly text: string;
}

const rowsOf = (text: string, firstId: number, step: 1 | -1): Row[] =>
  Array.from(text, (one, at) => ({ id: firstId + step * at, text: one }));
const group = (rows: readonly Row[], grows: "head" | "end", open: readonly number[] = []): Shown<Row>[] =>
  groupRepeats(rows, { same: (a, b) => a.text === b.text, keyOf: ({ id }) => id, grows, open: new Set(open) });
const brief = (shown: readonly Shown<Row>[]): string =>
  shown.map(({ row, members }) => `${row.text}${members.length > 1 ? members.length : ""}`).join(" ");

t.test("only identical neighbours are a group", (t) => {
  t.equal(brief(group(rowsOf("aaabab", 9, -1), "head")), "a3 b a b");
  t.equal(brief(group(rowsOf("abb", 1, 1), "end")), "a b2");
  t.equal(brief(group(rowsOf("a", 1, 1), "end")), "a");
  t.same(group([], "head"), []);
  t.end();
});

t.test("the key of a group stays while it grows", (t) => {
  const [now] = group(rowsOf("aa", 2, -1), "head");
  const [later] = group(rowsOf("aaaa", 4, -1), "head");
  t.equal(now?.key, 1);
  t.equal(later?.key, 1);
  t.equal(later?.row.id, 4, "the newest row is shown");
  t.equal(group(rowsOf("aaa", 1, 1), "end")[0]?.key, 1);
  t.end();
});

t.test("an open group shows its rows, and its first one can close it", (t) => {
  const shown = group(rowsOf("baaa", 9, -1), "head", [6]);
  t.same(
    shown.map(({ key, opened, members }) => [key, opened, members.length]),
    [
      [9, null, 1],
      [8, 6, 1],
      [7, null, 1],
      [6, null, 1],
    ],
  );
  t.equal(brief(group(rowsOf("ba", 9, -1), "head", [8])), "b a", "one row is no group");
  t.end();
});
