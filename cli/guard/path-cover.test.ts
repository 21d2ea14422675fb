/**
 * Tests that a resource covers the same files for this module as for the server. The server takes a path for a possible
 * directory, but git's paths are files. So a glob with wildcards must cover exactly the files that match it.
 */
import t from "tap";

import { globsMeet, literalPathGlob, type PathGlob } from "../../src/base/path-glob.js";
import { parseResource } from "../../src/features/claims/resource.js";
import { Failure } from "../../src/base/result.js";
import { coverOf, leaseResource } from "./path-cover.js";

const PIECES = ["a", "b", "*", "?", "/", "**", "{a,b}", "{a,b/c}", "\\*", "ü", "**/", ".ts"] as const;
const FILES = [
  "a.ts",
  "b.ts",
  "a/a.ts",
  "a/b.ts",
  "b/a/b.ts",
  "a/b/c/d.ts",
  "ab.ts",
  "*.ts",
  "a*.ts",
  "ü.ts",
  "b/c.ts",
];

/** Returns whether a glob matches a file exactly, segment by segment. */
function matches([first, ...more]: PathGlob["segments"], file: readonly string[]): boolean {
  if (first === undefined) return file.length === 0;
  const [segment, ...below] = file;
  if (first === null) return matches(more, file) || (segment !== undefined && matches([null, ...more], below));
  if (segment === undefined) return false;
  return (typeof first === "string" ? first === segment : first.matches(segment)) && matches(more, below);
}

function coversForServer(glob: PathGlob, file: string): boolean {
  return glob.literal ? globsMeet(glob, literalPathGlob(file)) : matches(glob.segments, file.split("/"));
}

t.test("every short resource covers what it covers for the server", (t) => {
  const wrong: string[] = [];
  let compared = 0;
  for (const first of PIECES)
    for (const second of PIECES)
      for (const third of PIECES)
        for (const fourth of ["", ...PIECES]) {
          const text = `path:${first}${second}${third}${fourth}`;
          const resource = parseResource(text, "w", "r");
          if (resource instanceof Failure) continue;
          const covers = coverOf([text]);
          for (const file of FILES) {
            compared += 1;
            const expected = resource.globs.some((glob) => coversForServer(glob, file));
            if (covers(file) !== expected) wrong.push(`${text} and ${file}: ${expected}`);
            if (expected && !resource.globs.some((glob) => globsMeet(glob, literalPathGlob(file))))
              wrong.push(`${text} covers ${file}, but the server does not check it`);
          }
        }
  t.ok(compared > 10_000, `${compared} comparisons`);
  t.same(wrong, []);
  t.end();
});

t.test("a resource of one file covers this file alone", (t) => {
  for (const path of ["a b.ts", "a*.ts", "{a,b}.ts", "a?", "!x", "x;y|z", "ü.ts"]) {
    t.ok(coverOf([leaseResource(path)])(path), path);
    t.notOk(coverOf([leaseResource(path)])("ab.ts"));
    t.notOk(parseResource(leaseResource(path), "w", "r") instanceof Failure, path);
  }
  t.notOk(coverOf(["state:a.ts", "a.ts", "name:a.ts"])("a.ts"), "other resources are no files");
  t.end();
});

t.test("many wildcards cost no more than the product of the lengths", (t) => {
  t.notOk(coverOf([`path:${"*a".repeat(120)}b`])("a".repeat(250)));
  t.notOk(coverOf([`path:${"**/a/".repeat(100)}b`])(Array(500).fill("a").join("/")));
  t.end();
});
