/** Globs over paths: examples, and a naive model with backtracking. */
import * as fc from "fast-check";
import t from "tap";
import { FileGlob } from "../../schemas/rules.js";
import { must } from "../base/assert.js";
import { compileSegment } from "../base/segment-glob.js";
import { compileFileGlob, splitPath } from "./file-glob.js";

const matches = (glob: string, path: string): boolean | undefined => compileFileGlob(glob)?.matches(splitPath(path));

t.test("examples", (t) => {
  const rows: readonly [glob: string, path: string, expected: boolean | undefined][] = [
    ["*", "a.ts", true],
    ["*", "a/b.ts", false],
    ["*.ts", "a.ts", true],
    ["*.ts", "a.tsx", false],
    ["src/*.ts", "src/a.ts", true],
    ["src/*.ts", "src/b/a.ts", false],
    ["src/?.ts", "src/a.ts", true],
    ["src?a.ts", "src/a.ts", false],
    ["[a-c].ts", "b.ts", true],
    ["[^a-c].ts", "b.ts", false],
    ["\\*.ts", "*.ts", true],
    ["\\*.ts", "a.ts", false],
    ["src/**/*.ts", "src/a.ts", true],
    ["src/**/*.ts", "src/b/c/a.ts", true],
    ["**", "a/b/c", true],
    ["**/a.ts", "a.ts", true],
    ["a/**", "a", true],
    ["a/**", "b/a", false],
    ["a**", "a/b", false],
    ["src/*.ts", "src\\a.ts", true],
    ["A.ts", "a.ts", false],
    ["", "a", undefined],
    ["[", "a", undefined],
    ["a/[]", "a", undefined],
    ["a\\", "a", undefined],
  ];
  for (const [glob, path, expected] of rows) t.equal(matches(glob, path), expected, `${glob} on ${path}`);
  t.end();
});

function naive(glob: readonly string[], path: readonly string[]): boolean {
  const [first, ...rest] = glob;
  if (first === undefined) return path.length === 0;
  if (first === "**") return naive(rest, path) || (path.length > 0 && naive(glob, path.slice(1)));
  return path.length > 0 && compileSegment(first)?.matches(path[0] ?? "") === true && naive(rest, path.slice(1));
}

t.test("any glob on any path, as a model that tries everything", (t) => {
  const globs = fc.array(fc.constantFrom("**", "*", "a", "b", "a*", "?", "[ab]"), { minLength: 1, maxLength: 6 });
  const paths = fc.array(fc.constantFrom("a", "b", "ab", ""), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(globs, paths, (glob, path) => compileFileGlob(glob.join("/"))?.matches(path) === naive(glob, path)),
    { numRuns: 3000 },
  );
  t.end();
});

t.test("what the description promises is what compiles", (t) => {
  const promised = new RegExp(must(FileGlob.text.promised_pattern, "globs have a pattern"), "u");
  const parts = fc.constantFrom("a", "[", "]", "^", "-", "\\", "/", "*", "**", "?", "é", "\u{1F600}", "\n");
  let globs = 0;
  fc.assert(
    fc.property(
      fc.array(parts, { maxLength: 9 }).map((some) => some.join("")),
      (glob) => {
        const compiles = compileFileGlob(glob) !== undefined;
        if (compiles && glob.includes("[")) globs += 1;
        return promised.test(glob) === compiles;
      },
    ),
    { numRuns: 20_000 },
  );
  t.ok(globs > 500, "many of them had classes");
  t.end();
});
