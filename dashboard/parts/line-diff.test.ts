/**
 * Tests with random texts that the diff matches them. Each side of the diff, read from top to bottom, must be one of
 * the texts.
 */
import * as fc from "fast-check";
import t from "tap";
import { diffRows, EDITS_MAX, folded, type DiffRow } from "./line-diff.js";

function rowsOf(before: string, after: string): DiffRow[] {
  const rows = diffRows(before, after);
  if (rows === null) throw new Error("these can be compared");
  return rows;
}

/** Returns the lines of one side, joined. */
function sideOf(rows: readonly DiffRow[], side: "before" | "after"): string {
  return rows
    .flatMap((row) => row[side] ?? [])
    .map(({ pieces }) => pieces.map(({ text }) => text).join(""))
    .join("\n");
}

const withoutLastEnd = (text: string): string => text.replace(/\n$/, "");
const summary = (rows: readonly DiffRow[]): string[] =>
  rows.map(({ kind, before, after }) => `${kind} ${before?.number ?? "-"} ${after?.number ?? "-"}`);

t.test("each row has the kind of change, and the line numbers of its sides", (t) => {
  t.same(summary(rowsOf("a\nb\nc\n", "a\nB\nc\nd\n")), ["same 1 1", "changed 2 2", "same 3 3", "added - 4"]);
  t.same(summary(rowsOf("a\nb\nc\n", "c\n")), ["removed 1 -", "removed 2 -", "same 3 1"]);
  t.same(summary(rowsOf("", "a\n")), ["added - 1"]);
  t.same(summary(rowsOf("", "")), []);
  t.same(summary(rowsOf("x\n1\n2\n3\n", "x\n4\n")), ["same 1 1", "changed 2 2", "removed 3 -", "removed 4 -"]);
  t.end();
});

t.test("within a changed line the different words are marked", (t) => {
  const [row] = rowsOf("one two three", "one 2 three");
  const changed = (side: "before" | "after"): (string | undefined)[] =>
    (row?.[side]?.pieces ?? []).filter((piece) => piece.changed).map(({ text }) => text);
  t.same(changed("before"), ["two"]);
  t.same(changed("after"), ["2"]);
  t.end();
});

t.test("a line end that is missing on one side is a difference", (t) => {
  t.same(summary(rowsOf("a", "a\n")), ["changed 1 1"]);
  t.end();
});

const line = fc.oneof(
  fc.constantFrom("", "a", "b", "  a", "a b c", "a x c", "<b>"),
  fc.string({ maxLength: 8 }).map((text) => text.replaceAll("\n", "")),
);
const text = fc.tuple(fc.array(line, { maxLength: 20 }), fc.boolean()).map(([lines, ended]) => {
  const joined = lines.join("\n");
  return ended && joined !== "" ? `${joined}\n` : joined;
});

t.test("each side is its text, numbered from one without a gap", (t) => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const rows = rowsOf(before, after);
      t.equal(sideOf(rows, "before"), withoutLastEnd(before));
      t.equal(sideOf(rows, "after"), withoutLastEnd(after));
      for (const side of ["before", "after"] as const) {
        const numbers = rows.flatMap((row) => row[side]?.number ?? []);
        t.same(
          numbers,
          numbers.map((_, at) => at + 1),
        );
      }
      for (const { kind, before: left, after: right } of rows) {
        t.equal(left === null, kind === "added");
        t.equal(right === null, kind === "removed");
      }
      t.equal(
        rows.every(({ kind }) => kind === "same"),
        before === after,
        "the same rows are the same text",
      );
    }),
  );
  t.end();
});

t.test("folded, every different row is there with three around it, and all are counted", (t) => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (differs) => {
      const rows: DiffRow[] = differs.map((one, at) => ({
        kind: one ? "changed" : "same",
        before: { number: at + 1, pieces: [] },
        after: { number: at + 1, pieces: [] },
      }));
      const blocks = folded(rows);
      const shown = blocks.flatMap((block) => ("rows" in block ? block.rows : []));
      const leftOut = blocks.reduce((sum, block) => sum + ("left_out" in block ? block.left_out : 0), 0);
      t.equal(shown.length + leftOut, rows.length);
      const near = rows.filter((_, at) => rows.slice(Math.max(0, at - 3), at + 4).some(({ kind }) => kind !== "same"));
      t.same(shown, near);
      const kinds = blocks.map((block) => "rows" in block);
      t.ok(
        kinds.every((kind, at) => kind !== kinds[at + 1]),
        "no two rows of a kind are next to each other",
      );
    }),
  );
  t.end();
});

t.test("texts with too little in common get no diff rather than one that takes minutes", (t) => {
  const lines = (letter: string, count: number): string =>
    Array.from({ length: count }, (_, at) => `${letter}${at}`).join("\n");
  t.equal(diffRows(lines("a", EDITS_MAX), lines("b", EDITS_MAX)), null);
  const common = lines("same", 20_000);
  t.equal(diffRows(`${common}\na`, `${common}\nb`)?.length, 20_001, "a long text with one different line gets a diff");
  t.end();
});

t.test("long lines are one piece", (t) => {
  const [row] = rowsOf("a ".repeat(2_000), "b ".repeat(2_000));
  t.equal(row?.kind, "changed");
  t.equal(row?.before?.pieces.length, 1);
  const [words] = rowsOf("a ".repeat(400), "b ".repeat(400));
  t.equal(words?.before?.pieces.length, 1, "and so are lines whose words have nothing in common");
  t.end();
});
