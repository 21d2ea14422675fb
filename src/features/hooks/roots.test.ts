/**
 * Tests how paths are located in a workspace, for each way in which agents write paths, and for ignored paths. Also
 * tests, with the parser of leases, that the resource of a path covers exactly this path.
 */
import * as fc from "fast-check";
import t from "tap";
import { HOOK_GLOB_STEPS_MAX, HOOK_GLOBS_MAX } from "../../../schemas/limits/hooks.js";
import { HOOK_IGNORE_DEFAULT, HOOK_REPO_SCOPE_DEFAULT } from "../../../schemas/hooks.js";
import { newSeed } from "../../../test/support/random.js";
import { globsMeet, literalPathGlob } from "../../base/path-glob.js";
import { Failure } from "../../base/result.js";
import { parseResource, storedResource } from "../claims/resource.js";
import { PathList } from "./path-list.js";
import { escapePath, type LocatedPath, WorkspaceRoots } from "./roots.js";

const DEFAULTS = { ignored: PathList.of(HOOK_IGNORE_DEFAULT), repoScope: PathList.of(HOOK_REPO_SCOPE_DEFAULT) };

function locate(roots: readonly string[], path: string, directory = ""): LocatedPath | null {
  return new WorkspaceRoots({ ...DEFAULTS, roots }).locate(path, directory);
}

t.test("the ways to write a path", (t) => {
  const roots = ["/home/ana/p", "/mnt/disk/p"];
  for (const [path, directory, expected] of [
    ["/home/ana/p/src/a.ts", "", "src/a.ts"],
    ["/mnt/disk/p/src/a.ts", "", "src/a.ts"],
    ["src/a.ts", "", "src/a.ts"],
    ["src/a.ts", "/mnt/disk/p", "src/a.ts"],
    ["a.ts", "/mnt/disk/p/src", "src/a.ts"],
    ["a.ts", "src", "src/a.ts"],
    ["../b.ts", "/mnt/disk/p/src", "b.ts"],
    ["./src/./x/../a.ts", "", "src/a.ts"],
    ["src//a.ts", "", "src/a.ts"],
    ["src/", "", "src"],
    ["/home/ana/../ana/p/a.ts", "", "a.ts"],
    ["/home/ana/p/../p/a.ts", "", "a.ts"],
    [".", "", ""],
    [".", "/home/ana/p/src", "src"],
    ["/home/ana/p", "", ""],
    ["a\\b", "", "a\\b"],
    ["c:", "", "c:"],
    ["../a.ts", "", null],
    ["/home/ana/p2/a.ts", "", null],
    ["/home/ana", "", null],
    ["/etc/passwd", "", null],
    ["a.ts", "/tmp", null],
    ["~/a.ts", "", null],
    ["a\0b", "", null],
    ["", "", null],
    ["a".repeat(10_000), "", null],
    ["/home/ana/p/.git/config", "", null],
    [".git", "", null],
    ["node_modules/x/i.js", "", null],
    ["packages/a/node_modules/x/i.js", "", null],
    [".github/workflows/ci.yml", "", ".github/workflows/ci.yml"],
  ] as const)
    t.equal(locate(roots, path, directory)?.path ?? null, expected, `${path.slice(0, 40)} in ${directory}`);
  t.equal(locate([], "a.ts")?.path, undefined, "without a root, nothing is checked");
  t.equal(locate(["relative"], "relative/a.ts")?.path, undefined, "a root must be absolute");
  t.equal(locate(["/", "/p"], "/p/a")?.path, "a", "the innermost root");
  t.equal(locate(["/"], "/p/a")?.path, "p/a");
  t.equal(locate(["/caf\u00e9"], "/cafe\u0301/x")?.path, "x", "two spellings of the same letter");
  t.end();
});

t.test("paths of Windows", (t) => {
  for (const [root, path, directory, expected] of [
    ["C:\\p", "C:\\p\\src\\a.ts", "", "src/a.ts"],
    ["C:\\p", "c:\\p\\src\\a.ts", "", "src/a.ts"],
    ["c:/p", "C:/p/src/a.ts", "", "src/a.ts"],
    ["C:\\p", "src\\a.ts", "", "src/a.ts"],
    ["C:\\p", "C:\\p.\\src \\a.ts. .", "", "src/a.ts"],
    ["C:\\p", "src\\a.ts::$DATA", "", "src/a.ts"],
    ["C:\\p", "src\\...\\a.ts", "", "src/.../a.ts"],
    ["C:\\p", "src/a.ts", "C:\\p\\x", "x/src/a.ts"],
    ["C:\\p", "..\\a.ts", "C:\\p\\x", "a.ts"],
    ["C:\\p", "\\p\\a.ts", "", "a.ts"],
    ["C:\\", "c:\\a.ts", "", "a.ts"],
    ["C:\\", "c:\\..\\..\\a.ts", "", "a.ts"],
    ["\\\\host\\share\\p", "\\\\host\\share\\p\\a.ts", "", "a.ts"],
    ["\\\\host\\share\\p", "b\\a.ts", "", "b/a.ts"],
    ["C:\\p", "D:\\p\\a.ts", "", null],
    ["C:\\p", "C:p\\a.ts", "", null],
    ["C:\\p", "C:\\pp\\a.ts", "", null],
    ["/p", "C:\\p\\a.ts", "C:\\p", null],
  ] as const)
    t.equal(locate([root], path, directory)?.path ?? null, expected, `${path} in ${root}, ${directory}`);
  t.end();
});

t.test("the scope of a path", (t) => {
  for (const [path, scope] of [
    ["src/a.ts", "checkout"],
    ["package.json", "checkout"],
    ["package-lock.json", "repo"],
    ["web/pnpm-lock.yaml", "repo"],
    ["Cargo.lock", "repo"],
    ["db/migrations/001.sql", "repo"],
    ["src/generated/a.ts", "repo"],
    ["src/a.gen.ts", "repo"],
    ["api/a.pb.go", "repo"],
    ["migrations.md", "checkout"],
  ] as const)
    t.equal(locate(["/p"], path)?.scope, scope, path);
  t.same(locate(["/p"], ".")?.resource, "path:**");
  t.end();
});

t.test("a list of globs", (t) => {
  for (const [globs, path, expected] of [
    [["build"], "build/x/a.o", true],
    [["build/"], "build/x/a.o", true],
    [["./build"], "build", true],
    [["build/out/**"], "build", false],
    [["*.o"], "a.o", true],
    [["*.o"], "x/a.o", false],
    [["**/*.{o,a}"], "x/y/a.a", true],
    [["a\\*"], "ab", false],
    [["caf\u00e9"], "cafe\u0301/x", true],
    [["odd, name/**"], "odd, name/b", true],
    [["odd\\, {x,y}*"], "odd, xz", true],
    [["/abs", "{", "a//b", "../x", "", "ok"], "ok", true],
    [[], "a", false],
  ] as const)
    t.equal(PathList.of(globs).covers(path.normalize("NFC").split("/")), expected, `${globs.join(" ")}: ${path}`);
  const many = Array.from({ length: 1_000 }, (_, at) => `d${at}`);
  t.equal(PathList.of(many).covers(["d63"]), true, "the first 64 globs");
  t.equal(PathList.of(many).covers(["d64"]), false, "further globs are ignored");
  t.equal(PathList.of([`{${"a,".repeat(60)}b}`, "c{d,e}"]).covers(["cd"]), false, "alternatives count");
  t.end();
});

t.test("the resource of a path covers exactly this path", (t) => {
  const pathOf = (characters: string): fc.Arbitrary<string> => {
    const segment = fc
      .string({ unit: fc.constantFrom(...characters.split("")), minLength: 1, maxLength: 8 })
      .filter((text) => text !== "." && text !== "..");
    return fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join("/"));
  };
  const path = pathOf("ab.*?{},;|! []é");
  const property = fc.property(path, path, (one, other) => {
    const resource = storedResource(`path:${escapePath(one)}`, "w");
    const covers = (text: string): boolean =>
      resource.globs.some((glob) => globsMeet(glob, literalPathGlob(text.normalize("NFC"))));
    // A path and the path of its parent directory overlap.
    const overlap = `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`);
    return (
      covers(one) && covers(`${one}/x`) && covers(other) === overlap && resource.globs.every(({ literal }) => literal)
    );
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2_000, seed: newSeed() | 0 }));
  // A resource must not begin like a home directory (`~/`), a drive (`c:`) or a prefix (`path:`), and must not have a
  // character of the second line.
  const anyPath = fc.oneof(
    pathOf("abpthfile.*?{},;|! []~:é"),
    pathOf("ab*{}, ~:\\\t\n\u007f\u200b\u202e\u00a0\u2028\u{e0001}"),
  );
  const accepted = fc.property(anyPath, (one) => {
    const resource = parseResource(`path:${escapePath(one)}`, "w", "it");
    const literal = literalPathGlob(one.normalize("NFC"));
    return !(resource instanceof Failure) && resource.globs.some((glob) => globsMeet(glob, literal));
  });
  t.doesNotThrow(() => fc.assert(accepted, { numRuns: 2_000, seed: newSeed() | 0 }));
  for (const [plain, escaped] of [
    ["src/a.ts", "src/a.ts"],
    ["app/[id]/page.tsx", "app/[id]/page.tsx"],
    ["my file.md", "my file.md"],
    ["a,b.ts", "a,b.ts"],
    ["a*.ts", "a\\*.ts"],
    ["a?\\b", "a\\??b"],
    ["src\\a\tb\u200b.ts", "src?a?b?.ts"],
    ["c:", "c?"],
    ["file:a", "file?a"],
    ["~/a", "?/a"],
    ["~a", "~a"],
    ["~*", "?\\*"],
    ["\u00a0a\u3000", "?a?"],
    ["{x}.ts", "\\{x\\}.ts"],
    ["!a", "\\!a"],
    ["a* b*", "a\\*\\ b\\*"],
  ] as const)
    t.equal(escapePath(plain), escaped);
  t.end();
});

t.test("globs and paths that cost too much to compare leave the rest of a call without places", (t) => {
  const glob = "**/a/**/a/**/a/**/a/**/a/**/a/**/a";
  const hostile = PathList.of(Array.from({ length: HOOK_GLOBS_MAX }, () => glob));
  const path = `${"a/".repeat(120)}b`;
  const roots = new WorkspaceRoots({ roots: ["/w"], ignored: hostile, repoScope: hostile });
  const steps = 2 * hostile.stepsFor(path.split("/"));
  const count = Math.floor(HOOK_GLOB_STEPS_MAX / steps);
  for (let at = 0; at < count; at++) t.equal(roots.locate(path, "/w")?.path, path);
  t.notOk(roots.isSpent);
  t.equal(roots.locate(path, "/w"), null);
  t.ok(roots.isSpent);
  t.end();
});
