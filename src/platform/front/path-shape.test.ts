/**
 * Tests how the paths of routes are split, decoded and matched. Also tests that decoding an encoded path returns the
 * original path.
 */
import * as fc from "fast-check";
import t from "tap";
import { headerBlock } from "../transport/reply.js";
import { parsePath, pathMatches, pathParameters } from "./path-shape.js";
import { jsonReply } from "./reply.js";
import { routerPattern } from "./router.js";

const PLAIN = parsePath("/api/audit/summary");
const REST = parsePath("/api/state/{key...}");
const TWO = parsePath("/api/specs/{project}/{name}");
const INNER = parsePath("/api/rules/{project}/{rule_id}/accept");

t.test("a path has segments, parameters, and a last parameter that may take the rest", (t) => {
  t.match(PLAIN, { segments: ["api", "audit", "summary"], rest: false, names: [] });
  t.match(REST, { segments: ["api", "state", null], rest: true, names: ["key"] });
  t.match(TWO, { segments: ["api", "specs", null, null], rest: false, names: ["project", "name"] });
  t.match(INNER, { segments: ["api", "rules", null, null, "accept"], names: ["project", "rule_id"] });
  t.equal(routerPattern(PLAIN), "/api/audit/summary");
  t.equal(routerPattern(REST), "/api/state/*");
  t.match(routerPattern(TWO), /^\/api\/specs\/:\w+\/:\w+$/);
  t.match(routerPattern(INNER), /^\/api\/rules\/:\w+\/:\w+\/accept$/);
  t.end();
});

t.test("parameters are decoded once, after the split", (t) => {
  const rows: readonly (readonly [path: string, params: readonly string[] | undefined])[] = [
    ["/api/state/a", ["a"]],
    ["/api/state/a/b/c", ["a/b/c"]],
    ["/api/state/a%2Fb", ["a/b"]],
    ["/api/state/a//b", ["a//b"]],
    ["/api/state/a/", ["a/"]],
    ["/api/state//", ["/"]],
    ["/api/state/", [""]],
    ["/api/state/.", ["."]],
    ["/api/state/../x", ["../x"]],
    ["/api/state/%2e%2E/x", ["../x"]],
    ["/api/state/a%2520b", ["a%20b"]],
    ["/api/state/a+b", ["a+b"]],
    ["/api/state/%C3%A9", ["\u00e9"]],
    ["/api/state/\u00e9", ["\u00e9"]],
    ["/api/state/%00", ["\0"]],
    ["/api/state/%", undefined],
    ["/api/state/a%2", undefined],
    ["/api/state/%zz", undefined],
    ["/api/state/ok/%ff", undefined],
    ["/api/state/%ed%a0%80", undefined],
  ];
  for (const [path, params] of rows) t.same(pathParameters(REST, path), params, path);
  t.same(pathParameters(TWO, "/api/specs/a%2Fb/c%2Fd"), ["a/b", "c/d"], "an escaped slash stays inside its parameter");
  t.equal(pathParameters(TWO, "/api/specs/%/c"), undefined);
  t.same(pathParameters(PLAIN, "/api/audit/summary"), []);
  t.end();
});

t.test("paths that match a shape", (t) => {
  const rows: readonly (readonly [shape: typeof PLAIN, matching: readonly string[], other: readonly string[]])[] = [
    [
      PLAIN,
      ["/api/audit/summary"],
      ["/api/audit", "/api/audit/summary/", "/api/audit/summary/x", "/API/audit/summary", "/api//audit/summary", "/"],
    ],
    [
      REST,
      ["/api/state/a", "/api/state/a/b", "/api/state/", "/api/state//"],
      ["/api/state", "/api/states/a", "/api", "/x/state/a"],
    ],
    [
      TWO,
      ["/api/specs/a/b", "/api/specs/%2F/."],
      ["/api/specs/a", "/api/specs/a/b/c", "/api/specs//", "/api/specs/a/", "/api/specs//b"],
    ],
    [INNER, ["/api/rules/p/r/accept"], ["/api/rules/p/r/reject", "/api/rules/p/r", "/api/rules/p/r/accept/x"]],
  ];
  for (const [shape, matching, other] of rows) {
    for (const path of matching) t.equal(pathMatches(shape, path), true, path);
    for (const path of other) t.equal(pathMatches(shape, path), false, path);
  }
  t.end();
});

t.test("the handler gets what the client escaped", (t) => {
  const text = fc.string({ unit: "grapheme" }).map((value) => value.toWellFormed());
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (segments) => {
      const path = `/api/state/${segments.map((segment) => encodeURIComponent(segment)).join("/")}`;
      return pathMatches(REST, path) && pathParameters(REST, path)?.[0] === segments.join("/");
    }),
  );
  fc.assert(
    fc.property(
      text.filter((value) => value !== ""),
      text.filter((value) => value !== ""),
      (project, name) => {
        const path = `/api/specs/${encodeURIComponent(project)}/${encodeURIComponent(name)}`;
        const params = pathParameters(TWO, path);
        return params?.[0] === project && params[1] === name;
      },
    ),
  );
  t.end();
});

t.test("header blocks for the HTTP library: one name, and the rest of the block as its value", (t) => {
  const { name, rest } = headerBlock([
    ["Content-Type", "text/plain"],
    ["ETag", '"x"'],
    ["X-Koor-Version", "3"],
  ]);
  t.equal(`${name}: ${rest}`, 'Content-Type: text/plain\r\nETag: "x"\r\nX-Koor-Version: 3\r\nCache-Control: no-cache');
  t.same(jsonReply("{}"), {
    status: 200,
    body: "{}\n",
    headers: { name: "Content-Type", rest: "application/json\r\nCache-Control: no-store" },
    counts: null,
  });
  t.equal(jsonReply("{}", 503).status, 503);
  t.end();
});

t.test("a path is compared segment by segment, for at most as many segments as the shape has", (t) => {
  const shapes = [PLAIN, REST, TWO, INNER];
  const piece = fc.constantFrom("api", "specs", "state", "rules", "accept", "audit", "summary", "a", "");
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), fc.constantFrom(...shapes), (pieces, shape) => {
      const { segments, rest } = shape;
      const fits = rest ? pieces.length >= segments.length : pieces.length === segments.length;
      const expected =
        fits &&
        segments.every((segment, at) =>
          segment === null ? pieces[at] !== "" || (rest && at === segments.length - 1) : segment === pieces[at],
        );
      return pathMatches(shape, `/${pieces.join("/")}`) === expected;
    }),
  );
  let searches = 0;
  class CountedPath extends String {
    override indexOf(text: string, from?: number): number {
      searches += 1;
      return super.indexOf(text, from);
    }
    override includes(text: string, from?: number): boolean {
      searches += 1;
      return super.includes(text, from);
    }
    override split(): never {
      throw new Error("the whole path is split");
    }
  }
  for (const shape of shapes) {
    searches = 0;
    pathMatches(shape, new CountedPath(`/api/specs/a/b${"/".repeat(15_000)}`) as unknown as string);
    t.ok(searches <= shape.segments.length, `${searches} searches`);
  }
  t.end();
});
