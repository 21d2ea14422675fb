/** Tests globs over paths with examples, and against a naive model with backtracking. */
import * as fc from "fast-check";
import t from "tap";
import { FileGlob } from "../../../schemas/rules.js";
import { must } from "../../base/assert.js";
import { compileTopicSegment } from "../../platform/topics/topic-segment.js";
import { compileFileGlob, compileStoredGlob, GlobProblem, splitPath } from "./file-glob.js";

/** Returns whether a glob matches a path; undefined if the glob is malformed. */
function matches(glob: string, path: string): boolean | undefined {
  const compiled = compileFileGlob(glob);
  return compiled instanceof GlobProblem ? undefined : compiled.matches(splitPath(path));
}

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
    ["*.{ts,tsx}", "a.tsx", true],
    ["*.{ts,tsx}", "a.js", false],
    ["**/*.{ts,m{j,t}s}", "a/b.mts", true],
    ["{src,lib/{a,b}}/*.ts", "lib/b/x.ts", true],
    ["{src,lib/{a,b}}/*.ts", "lib/x.ts", false],
    ["a{,b}.ts", "a.ts", true],
    ["*.{ts}", "a.ts", true],
    ["{a,b}.ts", "{a,b}.ts", true],
    ["\\{a,b\\}.ts", "a.ts", false],
    ["\\{a,b\\}.ts", "{a,b}.ts", true],
    ["\\{a\\,b\\}.ts", "{a,b}.ts", true],
    ["a,b.ts", "a,b.ts", true],
    ["a\\,*.ts", "a,b.ts", true],
    ["app/[id]/page.tsx", "app/[id]/page.tsx", true],
    ["app/[id]/page.tsx", "app/i/page.tsx", true],
    ["app/\\[id\\]/page.tsx", "app/i/page.tsx", false],
    ["app/\\[id\\]/page.tsx", "app/[id]/page.tsx", true],
    ["app/[[...slug]]/*.tsx", "app/[[...slug]]/page.tsx", true],
    ["[id].*", "[id].ts", true],
    ["[!a].ts", "a.ts", false],
    ["[!a].ts", "b.ts", true],
    ["[!a].ts", "!.ts", true],
    ["[^a].ts", "a.ts", false],
    ["[]a].ts", "].ts", true],
    ["[!]a].ts", "].ts", false],
    ["[a-].ts", "-.ts", true],
    ["[-a].ts", "-.ts", true],
    ["[a\\]].ts", "].ts", true],
    ["[[:digit:]x].ts", "7.ts", true],
    ["[[:digit:]x].ts", "a.ts", false],
    ["[[:upper:]].ts", "a.ts", false],
    ["caf\u00e9.ts", "cafe\u0301.ts", true],
    ["cafe\u0301/*", "caf\u00e9/a", true],
    ["caf?.ts", "cafe\u0301.ts", true],
    ["src/*.ts", "./src/a.ts", true],
  ];
  for (const [glob, path, expected] of rows) t.equal(matches(glob, path), expected, `${glob} on ${path}`);
  t.end();
});

function naive(glob: readonly string[], path: readonly string[]): boolean {
  const [first, ...rest] = glob;
  if (first === undefined) return path.length === 0;
  if (first === "**") return naive(rest, path) || (path.length > 0 && naive(glob, path.slice(1)));
  return path.length > 0 && compileTopicSegment(first)?.matches(path[0] ?? "") === true && naive(rest, path.slice(1));
}

t.test("any glob on any path matches as in a model that tries everything", (t) => {
  const globs = fc.array(fc.constantFrom("**", "*", "a", "b", "a*", "?", "[ab]"), { minLength: 1, maxLength: 6 });
  const compile = (glob: string) => {
    const compiled = compileFileGlob(glob);
    return compiled instanceof GlobProblem ? undefined : compiled;
  };
  const paths = fc.array(fc.constantFrom("a", "b", "ab", ""), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(globs, paths, (glob, path) => compile(glob.join("/"))?.matches(path) === naive(glob, path)),
    { numRuns: 3000 },
  );
  t.end();
});

t.test("the refusal of a glob that cannot match says what to write", (t) => {
  for (const [glob, problem] of [
    ["/src/**", /relative to the workspace: write src\/\*\*$/],
    ["C:/p/src/*.ts", /relative to the workspace/],
    ["C:\\p\\*.ts", /relative to the workspace/],
    ["\\\\host\\share\\*.ts", /relative to the workspace/],
    ["~/src/*.ts", /relative to the workspace/],
    ["./src/**", /write src\/\*\*$/],
    ["src/./a.ts", /write src\/a\.ts$/],
    ["../src/**", /from the workspace's root$/],
    ["src/", /write src\/\*\*$/],
    ["src//a.ts", /write src\/a\.ts$/],
    [" *.ts", /blank/],
    ["*.ts ", /blank/],
    ["*.ts,*.tsx", /write \{\*\.ts,\*\.tsx\}/],
    ["src/a.ts, src/b.ts", /write \{src\/a\.ts,src\/b\.ts\}/],
    ["*.ts *.tsx", /write \{/],
    ["*.ts;*.tsx", /write \{/],
    ["!*.ts", /write \\!/],
    ["src\\a.ts", /write \/$/],
    ["src\\**", /write \/$/],
    ["src\\\\a.ts", /write \/$/],
    ["{a,b", /write \\\{/],
    ["a,b}", /write \\\{ or \\\}/],
    ["{1..3}.ts", /write each alternative/],
    ["{src/,lib}/*.ts", /empty segment/],
    ["[a", /write \\\[/],
    ["[]", /write \\\[/],
    ["[a/b]", /write \\\[/],
    ["[z-a].ts", /the range z-a/],
    ["app/[user-id]/page.tsx", /the range r-i/],
    ["[[:digits:]]", /class \[:digits:\]/],
    ["path:src/**", /write src\/\*\*$/],
    ["a\r", /control characters/],
    [`{${"a,".repeat(64)}a}`, /more than 64 alternatives/],
    ["{a,b}{c,d}{e,f}{g,h}{i,j}{k,l}{m,n}", /more than 64 alternatives/],
  ] as const) {
    const compiled = compileFileGlob(glob);
    t.match(compiled instanceof GlobProblem ? compiled.problem : `accepted: ${glob}`, problem, glob);
  }
  t.notOk(compileFileGlob(`{${"a,".repeat(63)}a}`) instanceof GlobProblem, "64 are not too many");
  t.end();
});

t.test("a stored glob that would be refused today matches as before", (t) => {
  t.ok(compileStoredGlob("/src/**").matches(splitPath("/src/a.ts")));
  t.notOk(compileStoredGlob("/src/**").matches(splitPath("src/a.ts")));
  t.ok(compileStoredGlob("*.ts,*.tsx").matches(splitPath("a.ts,b.tsx")));
  t.notOk(compileStoredGlob("[z-a]").matches(splitPath("b")));
  t.notOk(compileStoredGlob("[").matches(splitPath("[")));
  t.ok(compileStoredGlob("*.{ts,tsx}").matches(splitPath("a.ts")), "braces are expanded");
  t.end();
});

t.test("every glob of the published schema compiles", (t) => {
  const promised = new RegExp(must(FileGlob.text.promisedPattern, "globs have a pattern"), "u");
  const parts = fc.constantFrom("a", "[", "]", "^", "-", "/", "*", "**", "?", ".", ".ts", "{", ",", "}", "[a-c]");
  let globs = 0;
  fc.assert(
    fc.property(
      fc.array(parts, { maxLength: 9 }).map((some) => some.join("")),
      (glob) => {
        if (!promised.test(glob)) return true;
        globs += 1;
        return !(compileFileGlob(glob) instanceof GlobProblem);
      },
    ),
    { numRuns: 20_000 },
  );
  t.ok(globs > 500, "the published schema accepts many of them");
  t.end();
});
