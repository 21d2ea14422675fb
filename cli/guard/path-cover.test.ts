/** Compares the cover of resources with the server's: a file is covered if the server's glob meets its path. */
import t from "tap";

import { parseResource } from "../../src/features/claims/resource.js";
import { Failure } from "../../src/base/result.js";
import { coverOf, leaseResource } from "./path-cover.js";

const PIECES = ["a", "b", "*", "?", "/", "**", "{a,b}", "{a,b/c}", "\\*", "ü", "**/", ".ts"] as const;
const FILES = ["a.ts", "b.ts", "a/a.ts", "a/b.ts", "b/a/b.ts", "a/b/c/d.ts", "ab.ts", "*.ts", "a*.ts", "ü.ts", "b/c.ts"];

t.test("every short resource covers what it covers for the server", async (t) => {
  const { literalPathGlob, globsMeet } = await import("../../src/base/path-glob.js");
  const files = FILES.map((file) => [file, literalPathGlob(file)] as const);
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
          for (const [file, glob] of files) {
            compared += 1;
            const expected = resource.globs.some((one) => globsMeet(one, glob));
            if (covers(file) !== expected) wrong.push(`${text} and ${file}: ${expected}`);
          }
        }
  t.ok(compared > 10_000, `${compared} comparisons`);
  t.same(wrong, []);
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
