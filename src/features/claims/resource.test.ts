/**
 * Tests how resources are parsed: which texts are refused, which suggestion the refusal has, and which resources
 * overlap.
 */
import t from "tap";
import { Failure } from "../../base/result.js";
import { readResources } from "./lease.js";
import { parsePath, parseResource, resourcesMeet, storedResource } from "./resource.js";

t.test("the refusal of a useless resource says what to write", (t) => {
  for (const [text, problem] of [
    ["path:/src/a.ts", /relative to the workspace: write src\/a\.ts$/],
    ["path:C:\\p\\src\\a.ts", /relative to the workspace/],
    ["path:c:/p/src/a.ts", /relative to the workspace/],
    ["path:\\\\host\\share\\a.ts", /relative to the workspace/],
    ["path://host/share", /relative to the workspace/],
    ["path:~/a.ts", /relative to the workspace/],
    ["path:src\\a.ts", /write \/$/],
    ["path:src\\**", /write \/$/],
    ["path:src\\\\a.ts", /write \/$/],
    ["path:app\\[id]", /write \/$/],
    ["path:src\\", /write \/$/],
    ["path:\\src", /write \/$/],
    ["path:./src/a.ts", /write src\/a\.ts$/],
    ["path:a/../b", /segment "\." or "\.\."/],
    ["path:src/", /write src\/\*\*$/],
    ["path:a//b", /write a\/b$/],
    ["path:", /write \*\* for the whole workspace$/],
    ["path:.", /write \*\* for the whole workspace$/],
    ["path: src/a.ts", /blank/],
    ["path:src/a.ts ", /blank/],
    ["path:*.ts,*.tsx", /write \{/],
    ["path:src/a.ts,src/b.ts", /write \{/],
    ["state:a*,b*", /write \{/],
    ["path:!src/**", /negates nothing/],
    ["path:{a,b", /brace/],
    ["state:{a,b", /brace/],
    ["path:a}", /brace/],
    [`path:{${"a,".repeat(64)}a}`, /more than 64 alternatives/],
    ["path:path:a", /write a$/],
    ["path:a\r", /control characters/],
    ["src/**", /write path:src\/\*\* for files, or name:src\/\*\*/],
    ["./x", /write path:x /],
    ["src\\a.ts", /write path:src\/a\.ts /],
    ["*.ts", /write path:\*\.ts /],
    ["https://host/x", /no known prefix/],
    ["word:/x", /no known prefix/],
    ["PATH:x", /write path:x$/],
    ["Path: x", /write path:x$/],
    [" path:x", /write path:x$/],
    ["paths:x", /write path:x$/],
    ["file:x", /write path:x$/],
    ["dir:src", /write path:src$/],
    ["STATE:plan", /write state:plan$/],
    ["specs:p/n", /write spec:p\/n$/],
    ["NAME:x", /write name:x$/],
    ["name:", /names nothing/],
    ["deploy ", /write deploy$/],
  ] as const) {
    const read = parseResource(text, "w", "resource");
    t.match(read instanceof Failure ? read.message : `accepted: ${text}`, problem, text);
    t.equal(storedResource(text, "w").text, text, "a resource of an older version is still read");
  }
  for (const text of ["deploy", "port:3000", "db-main", "name:src/**", "name:a\\b", "a.ts", "state:a\\b", "state:a//b"])
    t.notOk(parseResource(text, "w", "resource") instanceof Failure, text);
  const many = `path:{${"a,".repeat(63)}a}`;
  t.notOk(readResources([many, many, many, many], "w") instanceof Failure, "256 alternatives together");
  t.match(readResources([many, many, many, many, "b"], "w"), { message: /more than 256 alternatives together/ });
  t.end();
});

t.test("a path is refused as a resource is", (t) => {
  for (const path of ["/a", "C:\\a", "c:/a", "\\\\host\\a", "a\\b", "./a", "a/../b", "a//b", "a/", "", "a\r", "path:a"])
    t.match(parsePath(path, "w", "paths[0]"), { message: /^paths\[0\] must/ }, path);
  for (const path of ["a,b.ts", "{x}.ts", "app/[id]/page.tsx", "*.md", "a b", "!a"])
    t.notOk(parsePath(path, "w", "paths[0]") instanceof Failure, path);
  t.end();
});

t.test("which resources overlap", (t) => {
  for (const [a, b, expected] of [
    ["path:lib", "path:lib/a.ts", true],
    ["path:lib", "path:lib/b/c.ts", true],
    ["path:lib", "path:lib/**", true],
    ["path:lib", "path:lib/*.ts", true],
    ["path:lib", "path:**/a.ts", true],
    ["path:**", "path:a.ts", true],
    ["path:src", "path:src2/x", false],
    ["path:lib/a.ts", "path:lib/b.ts", false],
    ["path:src/*", "path:src/x/y.ts", false],
    ["state:plan", "state:plan/build", true],
    ["state:plan/build", "state:plan", true],
    ["state:plan", "state:plans", false],
    ["spec:p", "spec:p/n", true],
    ["state:plan", "spec:plan", false],
    ["name:a", "name:a/b", false],
    ["name:a", "path:a", false],
    ["path:web/*.{ts,tsx}", "path:web/a.tsx", true],
    ["path:web/*.{ts,tsx}", "path:web/a.js", false],
    ["path:{web,lib}/**", "path:lib/a", true],
    ["path:{web,lib/{a,b}}", "path:lib/b/x", true],
    ["path:{web,lib/{a,b}}", "path:lib/c", false],
    ["path:{x}.ts", "path:\\{x\\}.ts", true],
    ["path:a\\,b.ts", "path:a,b.ts", true],
    ["state:{a,b}", "state:b/c", true],
    ["path:app/[id]", "path:app/i", false],
    ["path:caf\u00e9", "path:cafe\u0301/x", true],
    ["path:caf?", "path:cafe\u0301", true],
    ["state:caf\u00e9", "state:cafe\u0301", false],
  ] as const) {
    const [one, other] = [parseResource(a, "w", "a"), parseResource(b, "w", "b")];
    if (one instanceof Failure || other instanceof Failure) t.fail(`${a} or ${b} is refused`);
    else t.same([resourcesMeet(one, other), resourcesMeet(other, one)], [expected, expected], `${a} and ${b}`);
  }
  t.end();
});
