/** Tests which lines of JSON can be folded, and which lines are visible. */
import * as fc from "fast-check";
import t from "tap";
import { firstClosed, foldLines, visibleLines } from "./fold-lines.js";

const TEXT = JSON.stringify({ a: [1, 2, { b: "{" }], c: "}", d: {}, e: ["["] }, null, 2);

t.test("objects and arrays can be folded, and have a count", (t) => {
  const openers = foldLines(TEXT).filter(({ end }) => end !== null);
  t.same(
    openers.map(({ text, count, depth }) => `${text.trim()} ${count} ${depth}`),
    ["{ 4 0", '"a": [ 3 1', "{ 1 2", '"e": [ 1 1'],
  );
  t.end();
});

t.test("a folded object is one line", (t) => {
  const lines = foldLines(TEXT);
  const textsOf = (closed: readonly number[]) =>
    visibleLines(lines, new Set(closed)).map((at) => lines[at]?.text.trim());
  t.same(textsOf([0]), ["{"]);
  t.same(textsOf([1, 4]), ["{", '"a": [', '"c": "}",', '"d": {},', '"e": [', '"["', "]", "}"]);
  t.equal(textsOf([]).length, lines.length);
  t.end();
});

t.test("of a long text only the members of the outermost object are visible at first", (t) => {
  const lines = foldLines(TEXT);
  t.equal(firstClosed(lines, 100).size, 0);
  t.equal(visibleLines(lines, firstClosed(lines, 3)).length, 6);
  t.end();
});

t.test("all JSON has balanced lines", (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.json(), (json) => {
        const lines = foldLines(JSON.stringify(JSON.parse(json), null, 2));
        const opened = lines.filter(({ end }) => end !== null).length;
        return opened === lines.filter(({ text }) => /^\s*[\]}],?$/.test(text)).length;
      }),
    ),
  );
  t.end();
});
