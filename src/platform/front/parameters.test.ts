/**
 * Tests query parameters: the limits of every kind, the refusals and their messages, and random queries against a naive
 * parser.
 */
import * as fc from "fast-check";
import t from "tap";
import * as Type from "typebox";
import type { TObject } from "typebox";
import { Instant, Limit, NonNegative, Switch, VersionNumber } from "../../../schemas/common.js";
import { PAGE_ROWS_MAX } from "../../../schemas/limits/answers.js";
import { Name, Text } from "../../../schemas/text.js";
import { Failure } from "../../base/result.js";
import { parameterRules, parseQuery, refuseParameters } from "./parameters.js";

const SCHEMA = Type.Object({
  text: Type.Optional(Type.String()),
  limit: Type.Optional(Limit),
  after: Type.Optional(NonNegative),
  from: Type.Optional(Instant),
  notices: Type.Optional(Switch),
  diff: Type.Optional(Type.String({ pattern: "^[0-9]+,[0-9]+$" })),
  name: Type.Optional(Name(8)),
  note: Type.Optional(Text({ charactersMax: 4 })),
  word: Type.Optional(Type.String({ pattern: "^(a|b)$", "x-refusal": "word must be a or b" })),
  many: Type.Optional(Type.Array(Name(4), { maxItems: 3 })),
});
const REQUIRED = Type.Object({ rollback: VersionNumber, text: Type.Optional(Type.String()) });

const POSITIVE = "must be a positive integer";
const NOT_NEGATIVE = "must be a non-negative integer";

function refusalOf(schema: TObject, raw: string | undefined): string {
  const query = parseQuery(schema, raw);
  return query instanceof Failure ? `${query.http} ${query.message}` : "accepted";
}

t.test("accepted queries", (t) => {
  const rows: readonly (readonly [raw: string | undefined, query: object])[] = [
    [undefined, {}],
    ["", {}],
    ["&&", {}],
    ["unknown=%20&limit=7&other", { limit: 7 }],
    ["text=", { text: "" }],
    ["text", { text: "" }],
    ["text=a%2Fb+c%26%3D&limit=1", { text: "a/b c&=", limit: 1 }],
    ["text=a=b", { text: "a=b" }],
    ["text=1&text=2", { text: "1" }],
    ["many=a", { many: ["a"] }],
    ["many=b&text=1&m%61ny=a%26&many=b&text=2", { text: "1", many: ["b", "a&", "b"] }],
    ["t%65xt=x", { text: "x" }],
    ["text=%F0%9F%98%80", { text: "\u{1F600}" }],
    [`limit=${PAGE_ROWS_MAX}`, { limit: PAGE_ROWS_MAX }],
    ["limit=007", { limit: 7 }],
    ["after=0", { after: 0 }],
    [`after=${Number.MAX_SAFE_INTEGER}`, { after: Number.MAX_SAFE_INTEGER }],
    ["notices=1", { notices: 1 }],
    ["notices=0", { notices: 0 }],
    ["from=1970-01-01T00:00:01Z", { from: 1000 }],
    ["from=1970-01-01T02:00:01.5%2B02:00", { from: 1500 }],
    ["diff=1,20", { diff: "1,20" }],
    ["diff=1%2C20", { diff: "1,20" }],
    ["name=12345678", { name: "12345678" }],
    ["name=%C3%A9%C3%A9%C3%A9%C3%A9", { name: "\u00e9\u00e9\u00e9\u00e9" }],
    ["note=", { note: "" }],
    ["note=a%0Ab", { note: "a\nb" }],
    ["word=b", { word: "b" }],
  ];
  for (const [raw, query] of rows) t.same(parseQuery(SCHEMA, raw), query, String(raw));
  t.end();
});

t.test("refused queries, and their messages", (t) => {
  const rows: readonly (readonly [raw: string, message: string])[] = [
    ...[
      "0",
      "-1",
      "",
      "+1",
      "%201",
      "1%20",
      "1.0",
      "1e3",
      "0x10",
      "abc",
      "NaN",
      "Infinity",
      "\u0661",
      "1_0",
      "null",
    ].map((value) => [`limit=${value}`, `limit ${POSITIVE}`] as const),
    [`limit=${PAGE_ROWS_MAX + 1}`, `limit must be at most ${PAGE_ROWS_MAX}`],
    ["limit=99999999999999999999999", `limit must be at most ${PAGE_ROWS_MAX}`],
    ["after=-1", `after ${NOT_NEGATIVE}`],
    ["after=", `after ${NOT_NEGATIVE}`],
    ["after=9007199254740992", `after must be at most ${Number.MAX_SAFE_INTEGER}`],
    ["notices=2", "notices must be 0 or 1"],
    ["notices=true", "notices must be 0 or 1"],
    ["notices", "notices must be 0 or 1"],
    ...[
      "",
      "0",
      "yesterday",
      "2026-02-09",
      "2026-02-30T00:00:00Z",
      "2026-02-09T14:30:00",
      "2026-02-09T14:30:00+02:00",
      "2026-02-09%2014:30:00Z",
    ].map((value) => [`from=${value}`, "from must be an RFC 3339 time"] as const),
    ...["1", "1,", ",1", "1,2,3", "a,b", "1;2", "1,%202", "-1,2"].map(
      (value) => [`diff=${value}`, "diff is malformed"] as const,
    ),
    ["name=", "name is required"],
    ["name", "name is required"],
    ["name=123456789", "name is longer than 8 characters"],
    ["name=%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9a", "name is longer than 8 characters"],
    ["name=a%0Ab", "name must not contain control characters"],
    ["name=%C2%85", "name must not contain control characters"],
    ["text=a%0Db", "text must not contain control characters"],
    ["note=%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80x", "note is longer than 4 characters"],
    ["word=c", "word must be a or b"],
    ["word=", "word must be a or b"],
    ["many=a&many=", "many is required"],
    ["many=a&many=b&many=12345", "many is longer than 4 characters"],
    ["many=a&many=b&many=c&many=d", "many must be given at most 3 times"],
    // A malformed percent escape is refused even in an unknown parameter.
    ...["%", "limit=%zz", "unknown=%f", "%=1", "text=%ff", "text=%ed%a0%80"].map(
      (raw) => [raw, "malformed escape in the query"] as const,
    ),
  ];
  for (const [raw, message] of rows) t.equal(refusalOf(SCHEMA, raw), `400 ${message}`, raw);
  t.end();
});

t.test("a required parameter", (t) => {
  for (const raw of [undefined, "", "text=1", "Rollback=1"])
    t.equal(refusalOf(REQUIRED, raw), "400 rollback is required", String(raw));
  t.equal(refusalOf(REQUIRED, "rollback="), `400 rollback ${POSITIVE}`);
  t.same(parseQuery(REQUIRED, "rollback=3"), { rollback: 3 });
  t.end();
});

t.test("a route without parameters reads none", (t) => {
  t.same(parseQuery(undefined, "limit=%zz"), {});
  t.end();
});

t.test("path parameters are checked by the route's schemas", (t) => {
  const names = ["project", "rest", "key"];
  const anyLine = parameterRules(names, undefined);
  t.equal(refuseParameters(names, anyLine, ["p", "", "k"], "GET"), null, "without a schema any line is taken");
  t.match(refuseParameters(names, anyLine, ["p", "", "k\r"], "GET"), {
    message: "key must not contain control characters",
  });
  const rules = parameterRules(names, { key: Name(8), project: Text({ charactersMax: 4 }), rest: Type.String() });
  const rows: readonly (readonly [params: readonly string[], refusal: string | null])[] = [
    [["p", "x".repeat(100), "k"], null],
    [["p", "x\n", "k"], "rest must not contain control characters"],
    [["", "", "k"], null],
    [["p", "", ""], "key is required"],
    [["p", "", "123456789"], "key is longer than 8 characters"],
    [["p", "", "\u20ac".repeat(9)], "key is longer than 8 characters"],
    [["p", "", "a\tb"], "key must not contain control characters"],
    [["12345", "", ""], "project is longer than 4 characters"],
    [["p\n", "", "k"], null],
  ];
  for (const [params, refusal] of rows) {
    const refused = refuseParameters(names, rules, params, "GET");
    t.equal(refused?.message ?? null, refusal, JSON.stringify(params));
    if (refused !== null) t.equal(refused.http, 400);
  }
  t.end();
});

t.test("any query gives a value by its schema, or a 400", (t) => {
  const value = fc.oneof(
    fc.string(),
    fc.string({ unit: "grapheme" }),
    fc.integer().map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  );
  const name = fc.oneof(fc.constantFrom(...Object.keys(SCHEMA.properties), "__proto__", "constructor"), fc.string());
  const raw = fc
    .array(fc.tuple(name, value, fc.boolean()), { maxLength: 5 })
    .map((pairs) =>
      pairs
        .map(([key, text, escaped]) =>
          escaped
            ? `${encodeURIComponent(key.toWellFormed())}=${encodeURIComponent(text.toWellFormed())}`
            : `${key}=${text}`,
        )
        .join("&"),
    );
  fc.assert(
    fc.property(raw, (text) => {
      const query = parseQuery(SCHEMA, text);
      if (query instanceof Failure) return query.http === 400 && query.message !== "";
      const naive = new URLSearchParams(text);
      return Object.entries(query).every(([key, parsed]) => {
        const sent = naive.get(key) ?? "";
        if (typeof parsed === "string") return sent === parsed;
        if (typeof parsed === "object") return naive.getAll(key).join("\n") === parsed.join("\n");
        return key === "from" ? Date.parse(sent) === parsed : Number(sent) === parsed && Number.isSafeInteger(parsed);
      });
    }),
    { numRuns: 2000 },
  );
  t.end();
});
