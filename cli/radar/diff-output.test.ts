/** Tests the parser of the output of `git diff-index`: the paths, the changed line ranges, and the object ids. */
import t from "tap";

import { parseDiff } from "./diff-output.js";

const OLD = "1".repeat(40);
const NEW = "2".repeat(40);
const NONE = "0".repeat(40);

function raw(path: string, status = "M", modes = "100644 100644", id = NONE): string {
  return `:${modes} ${OLD} ${id} ${status}\0${path}\0`;
}

function patch(path: string, ...lines: string[]): string {
  return `diff --git a/${path} b/${path}\nindex ${OLD}..${NEW} 100644\n--- a/${path}\n+++ b/${path}\n${lines.join("\n")}\n`;
}

function parse(text: string, hasPatches = true) {
  return parseDiff(Buffer.from(text, "latin1"), hasPatches);
}

t.test("hunks become ranges of the old side", (t) => {
  const hunks = ["@@ -0,0 +1,2 @@", "+a", "+b", "@@ -2 +4 @@ x", "-a", "+b", "@@ -5,3 +6,0 @@", "-a", "-b", "-c"];
  const [file] = parse(`${raw("a.ts")}\0${patch("a.ts", ...hunks, "@@ -9,0 +8 @@", "+z")}`);
  t.match(file, { path: "a.ts", blob: NEW, isFromTree: true });
  t.same(file?.ranges, [
    [1, 0],
    [2, 2],
    [5, 7],
    [10, 9],
  ]);
  t.end();
});

t.test("content cannot look like a header", (t) => {
  const tricks = [
    "+x\r@@ -70,9 +70,9 @@ ",
    `+\rdiff --git a/b.ts b/b.ts`,
    "+diff --git a/b.ts b/b.ts",
    "-@@ -80 +1 @@ ",
  ];
  const text = `${raw("a.ts")}${raw("b.ts")}\0${patch("a.ts", "@@ -1 +1,9 @@", ...tricks)}${patch("b.ts", "@@ -3 +3 @@", "-x", "+y")}`;
  t.same(
    parse(text).map(({ path, ranges }) => [path, ranges]),
    [
      ["a.ts", [[1, 1]]],
      ["b.ts", [[3, 3]]],
    ],
  );
  t.end();
});

t.test("paths that git quotes are those of the raw lines", (t) => {
  const paths = ['qu"o\\te.ts', "ta\tb.ts", "n\nl.ts", "\xc3\xbc.ts", "bad\xff.ts", "sp ace b/x.ts"];
  const quoted = ['qu\\"o\\\\te.ts', "ta\\tb.ts", "n\\nl.ts", "\\303\\274.ts", "bad\\377.ts"].map(
    (path) => `"a/${path}" "b/${path}"`,
  );
  const headers = [...quoted, "a/sp ace b/x.ts b/sp ace b/x.ts"];
  const patches = headers.map(
    (names, at) => `diff --git ${names}\nindex ${OLD}..${NEW} 100644\n@@ -${at + 1} +1 @@\n-x\n+y\n`,
  );
  const files = parse(`${paths.map((path) => raw(path)).join("")}\0${patches.join("")}`);
  t.same(
    files.map(({ path, ranges }) => [path, ranges]),
    paths.map((path, at) => [path, [[at + 1, at + 1]]]),
  );
  t.end();
});

t.test("a binary file has no ranges, and one whose times alone differ is left out", (t) => {
  const binary = `diff --git a/b b/b\nindex ${OLD}..${NEW} 100644\nBinary files a/b and b/b differ\n`;
  t.match(parse(`${raw("b")}${raw("touched")}\0${binary}`), [{ path: "b", ranges: undefined, blob: NEW }]);
  t.equal(parse(`${raw("b")}${raw("touched")}\0${binary}`).length, 1);
  t.equal(parse(`${raw("b")}${raw("touched")}`, false).length, 2, "without patches nobody knows");
  t.end();
});

t.test("a mode alone, a deletion, and a file that is being merged", (t) => {
  const modes = raw("m", "M", "100644 100755", OLD);
  const gone = raw("g", "D", "100644 000000");
  const merged = `:000000 000000 ${NONE} ${NONE} U\0u\0`;
  const patches = "diff --git a/m b/m\nold mode 100644\nnew mode 100755\n" + patch("g", "@@ -1,2 +0,0 @@", "-a", "-b");
  const files = parse(`${gone}${modes}${merged}\0${patches.replace(`${OLD}..${NEW}`, `${OLD}..${NONE}`)}`);
  t.same(
    files.map(({ path, newMode, blob, ranges }) => ({ path, newMode, blob, ranges })),
    [
      { path: "g", newMode: "000000", blob: undefined, ranges: [[1, 2]] },
      { path: "m", newMode: "100755", blob: OLD, ranges: undefined },
      { path: "u", newMode: "100644", blob: undefined, ranges: undefined },
    ],
  );
  t.end();
});
