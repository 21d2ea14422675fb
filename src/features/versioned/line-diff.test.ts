/** Tests the differences between texts by lines. */
import * as fc from "fast-check";
import t from "tap";
import { LINE_EDITS_MAX } from "../../../schemas/limits/versioned.js";
import { must } from "../../base/assert.js";
import { Failure } from "../../base/result.js";
import { diffLines } from "./line-diff.js";

interface Entry {
  readonly operation: "add" | "remove" | "replace";
  readonly path: string;
  readonly old_value?: string;
  readonly new_value?: string;
}

function entriesOf(before: string, after: string): Entry[] {
  const diffs = diffLines(before, after);
  if (diffs instanceof Failure) throw new Error(diffs.message);
  return JSON.parse(diffs) as Entry[];
}

/** Applies the entries of a diff to the older text. The result must be the newer text. */
function apply(before: string, entries: readonly Entry[]): string {
  const old = before.split("\n");
  const gone = new Set(
    entries.flatMap(({ operation, path }) => (operation === "remove" ? [Number(path.slice(1))] : [])),
  );
  const put = new Map(
    entries.flatMap((entry) => (entry.operation === "remove" ? [] : [[Number(entry.path.slice(1)), entry] as const])),
  );
  const lines: string[] = [];
  for (let at = 0; at < old.length || put.has(lines.length); ) {
    const entry = put.get(lines.length);
    if (gone.has(at)) at += 1;
    else if (entry === undefined) lines.push(must(old[at++], "a line"));
    else {
      lines.push(entry.new_value ?? "");
      if (entry.operation === "replace") at += 1;
    }
  }
  return lines.join("\n");
}

t.test("lines are replaced, added and removed", (t) => {
  t.same(entriesOf("a\nb\nc", "a\nx\nc"), [{ operation: "replace", path: "/1", old_value: "b", new_value: "x" }]);
  t.same(entriesOf("a\nc", "a\nb\nc"), [{ operation: "add", path: "/1", new_value: "b" }]);
  t.same(entriesOf("a\nb\nc", "a\nc"), [{ operation: "remove", path: "/1", old_value: "b" }]);
  t.same(entriesOf("a\n", "a"), [{ operation: "remove", path: "/1", old_value: "" }], "the last line end");
  t.same(entriesOf("same", "same"), []);
  const many = Array.from({ length: LINE_EDITS_MAX + 10 }, (_unused, at) => `${at}`);
  const others = many.map((line) => `x${line}`);
  t.equal(entriesOf(many.join("\n"), others.join("\n")).length, many.length, "texts with too many edits");
  t.end();
});

t.test("any diff leads from one text to the other, with no more entries than lines", (t) => {
  const text = fc.array(fc.constantFrom("a", "b", "c", ""), { maxLength: 12 }).map((lines) => lines.join("\n"));
  fc.assert(
    fc.property(text, text, (before, after) => {
      t.equal(apply(before, entriesOf(before, after)), after, JSON.stringify([before, after]));
    }),
  );
  t.end();
});
