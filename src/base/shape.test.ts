/** Tests the check of bodies: which bodies are accepted, which part of their text is kept, and the error messages. */
import * as fc from "fast-check";
import t from "tap";
import * as Type from "typebox";
import type { TSchema } from "typebox";
import { PublishBodies } from "../../schemas/events.js";
import { PUBLISH_EVENTS_MAX } from "../../schemas/limits/events.js";
import { Name, Text } from "../../schemas/text.js";
import { Failure } from "./result.js";
import { areShapesLoaded, checkShape, hasShape, loadShapes, memberName, readShaped } from "./shape.js";

const Thing = Type.Object({
  name: Type.String({ minLength: 1 }),
  size: Type.Optional(Type.Integer({ minimum: 0 })),
  on: Type.Optional(Type.Boolean()),
  tags: Type.Optional(Type.Array(Type.String())),
  kind: Type.Optional(Type.Enum(["rules", "contracts", "bundle", ""])),
  word: Type.Optional(Type.String({ maxLength: 3 })),
  label: Type.Optional(Name(4)),
  by_name: Type.Optional(Type.Record(Type.String(), Type.Integer(), { maxProperties: 1 })),
  deep: Type.Optional(Type.Object({ "a/b": Type.String() })),
});

const bytes = (text: string): Uint8Array => Buffer.from(text, "utf8");

function messageOf(schema: TSchema, text: string | Uint8Array): string {
  const parsed = readShaped(typeof text === "string" ? bytes(text) : text, schema);
  return parsed instanceof Failure ? parsed.message : "accepted";
}

t.before(async () => {
  await loadShapes();
});

t.test("the compiler exists after it was loaded", (t) => {
  t.equal(areShapesLoaded(), true);
  t.end();
});

t.test("a valid body is passed on with its own text", (t) => {
  const text = '{"name":"a","size":12345678901234567890,"more":[1.50,1e400]}';
  const parsed = readShaped(bytes(text), Type.Object({ name: Type.String() }));
  t.match(parsed, { text, json: { name: "a" } }, "the text keeps its digits, unknown members do no harm");
  t.match(readShaped(bytes('\uFEFF {"name":"a"} '), Thing), { text: ' {"name":"a"} ' }, "a byte order mark is ignored");
  t.match(
    readShaped(bytes('{"name":1,"name":"b"}'), Thing),
    { json: { name: "b" } },
    "the last of duplicate members wins",
  );
  t.equal(messageOf(Thing, '{"name":"b","name":1}'), "name must be a string");
  const slice = Buffer.from('xx{"name":"a"}yy').subarray(2, -2);
  t.match(readShaped(slice, Thing), { text: '{"name":"a"}' }, "a part of a larger buffer");
  t.end();
});

t.test("__proto__ is a member like any other", (t) => {
  t.equal(messageOf(Thing, '{"__proto__":{"name":"a"}}'), "name is required");
  const parsed = readShaped(bytes('{"name":"a","__proto__":{"polluted":true}}'), Thing);
  t.notMatch(parsed, Failure);
  t.equal(({} as { polluted?: boolean }).polluted, undefined);
  t.end();
});

t.test("refused bodies, and the messages that the client reads", (t) => {
  const rows: readonly (readonly [body: string | Uint8Array, message: string])[] = [
    ["", "empty body"],
    [" ", "malformed JSON body"],
    ["\uFEFF", "malformed JSON body"],
    ["\uFEFF\uFEFF{}", "malformed JSON body"],
    ["{", "malformed JSON body"],
    ["{name:'a'}", "malformed JSON body"],
    ['{"name":"a"}x', "malformed JSON body"],
    ['{"name":"a",}', "malformed JSON body"],
    ["NaN", "malformed JSON body"],
    ["name=a&size=1", "malformed JSON body"],
    [Uint8Array.of(0x22, 0xff, 0x22), "the body is not UTF-8"],
    [Uint8Array.of(0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00), "the body is not UTF-8"],
    [Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), "the body is not UTF-8"],
    ["null", "the body must be an object"],
    ["[]", "the body must be an object"],
    ['"text"', "the body must be an object"],
    ["{}", "name is required"],
    ['{"name":""}', "name is required"],
    ['{"name":null}', "name must be a string"],
    ['{"name":["a"]}', "name must be a string"],
    ['{"name":"a","size":"1"}', "size must be an integer"],
    ['{"name":"a","size":1.5}', "size must be an integer"],
    ['{"name":"a","on":"true"}', "on must be true or false"],
    ['{"name":"a","tags":{}}', "tags must be an array"],
    ['{"name":"a","tags":["x",1]}', "tags[1] must be a string"],
    ['{"name":"a","deep":{}}', "deep.a/b is required"],
    ['{"name":"a","kind":"other"}', "kind must be rules, contracts or bundle"],
    ['{"name":"a","kind":5}', "kind must be rules, contracts or bundle"],
    ['{"name":"a","word":"xxxx"}', "word is longer than 3 characters"],
    ['{"name":"a","label":""}', "label is required"],
    ['{"name":"a","label":"\\n"}', "label must not contain control characters"],
    ['{"name":"a","label":"ééééé"}', "label is longer than 4 characters"],
    ['{"name":"a","label":"\\ud800"}', "label must be valid Unicode"],
    ['{"name":"a","by_name":{"a":1,"b":2}}', "by_name must have at most 1 members"],
  ];
  for (const [body, message] of rows) t.equal(messageOf(Thing, body), message, String(body));
  t.match(messageOf(Thing, '{"name":"a","size":-1}'), /^size /);
  t.end();
});

t.test("details name each field by its JSON Pointer", (t) => {
  const failure = readShaped(bytes('{"size":"x","deep":{}}'), Thing);
  t.match(failure, {
    http: 400,
    members: {
      details: [
        { path: "/name", message: "name is required" },
        { path: "/size", message: "size must be an integer" },
        { path: "/deep/a~1b", message: "deep.a/b is required" },
      ],
    },
  });
  const many = readShaped(bytes(JSON.stringify({ name: "a", tags: Array.from({ length: 500 }, () => 1) })), Thing);
  const named = many instanceof Failure ? (many.members as { readonly details: readonly unknown[] }).details.length : 0;
  t.ok(named >= 1 && named <= 20, "a bounded number of them");
  t.end();
});

t.test("a part of a body has the name that its reader gives it", (t) => {
  const naming = { name: (path: readonly string[]) => `thing "x": ${memberName(path)}`, at: "/things/3" };
  t.match(checkShape({ name: "a", tags: [1], deep: {} }, Thing, naming), {
    message: 'thing "x": tags[0] must be a string',
    members: {
      details: [
        { path: "/things/3/tags/0", message: 'thing "x": tags[0] must be a string' },
        { path: "/things/3/deep/a~1b", message: 'thing "x": deep.a/b is required' },
      ],
    },
  });
  t.equal(checkShape({ name: "a" }, Thing, naming), null);
  t.same([hasShape({ name: "a" }, Thing), hasShape({ name: "" }, Thing), hasShape([], Thing)], [true, false, false]);
  t.end();
});

t.test("texts are checked against their rules, with the messages of the rules", (t) => {
  const Named = Type.Object({
    name: Name(256),
    note: Type.Optional(Text({ charactersMax: 4 })),
    tags: Type.Optional(Type.Array(Name(4))),
    deep: Type.Optional(Type.Object({ name: Name(2) })),
  });
  const rows: readonly (readonly [body: object, message: string])[] = [
    [{ name: "a".repeat(256) }, "accepted"],
    [{ name: "a".repeat(257) }, "name is longer than 256 characters"],
    [{ name: "\u20ac".repeat(85) }, "accepted"],
    [{ name: "\u20ac".repeat(257) }, "name is longer than 256 characters"],
    [{}, "name is required"],
    [{ name: "" }, "name is required"],
    [{ name: 1 }, "name must be a string"],
    [{ name: null }, "name must be a string"],
    [{ name: "a\nb" }, "name must not contain control characters"],
    [{ name: "a\ud800" }, "name must be valid Unicode"],
    [{ name: "a", note: "" }, "accepted"],
    [{ name: "a", note: "a\nb" }, "accepted"],
    [{ name: "a", note: "12345" }, "note is longer than 4 characters"],
    [{ name: "a", tags: ["ok", "12345"] }, "tags[1] is longer than 4 characters"],
    [{ name: "a", tags: ["ok", ""] }, "tags[1] is required"],
    [{ name: "a", deep: { name: "abc" } }, "deep.name is longer than 2 characters"],
  ];
  for (const [body, message] of rows)
    t.equal(messageOf(Named, JSON.stringify(body)), message, JSON.stringify(body).slice(0, 60));
  const failure = readShaped(bytes('{"name":"","note":"12345"}'), Named);
  const details = [
    { path: "/name", message: "name is required" },
    { path: "/note", message: "note is longer than 4 characters" },
  ];
  t.match(failure, { members: { details } });
  t.same(failure instanceof Failure ? failure.members?.["details"] : [], details, "each field is named once");
  t.end();
});

t.test("for one or an array of them, the errors are those of the meant one", (t) => {
  const rows: readonly (readonly [body: string, message: string])[] = [
    ["{}", "topic is required"],
    ['{"topic":5}', "topic must be a string"],
    ["[]", "the body is empty"],
    ["[{}]", "[0].topic is required"],
    ['[{"topic":"a"},7]', "[1] must be an object"],
    ['[{"topic":"a"},{"topic":"b","source":1}]', "[1].source must be a string"],
    [
      JSON.stringify(Array.from({ length: PUBLISH_EVENTS_MAX + 1 }, () => ({ topic: "a" }))),
      `the body must have at most ${PUBLISH_EVENTS_MAX} items`,
    ],
    ["5", "the body must be an object"],
  ];
  for (const [body, message] of rows) t.equal(messageOf(PublishBodies, body), message, body.slice(0, 60));
  t.equal(messageOf(PublishBodies, '{"topic":"a","data":null}'), "accepted");
  t.equal(
    messageOf(PublishBodies, JSON.stringify(Array.from({ length: PUBLISH_EVENTS_MAX }, () => ({ topic: "a" })))),
    "accepted",
  );
  t.end();
});

t.test("a member that may be a text or an array of them has such errors, too", (t) => {
  const schema = Type.Object({
    to: Type.Union([Name(4), Type.Array(Name(4), { minItems: 1, maxItems: 2 })]),
    size: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
  });
  for (const [to, message] of [
    ['"a"', "accepted"],
    ['["a"]', "accepted"],
    ["5", "to must be a string"],
    ['""', "to is required"],
    ['"long text"', "to is longer than 4 characters"],
    ["[]", "to is empty"],
    ['["a","b","c"]', "to must have at most 2 items"],
    ['["a",""]', "to[1] is required"],
    ["[5]", "to[0] must be a string"],
  ] as const)
    t.equal(messageOf(schema, `{"to":${to}}`), message);
  t.equal(messageOf(schema, '{"to":"a","size":"x"}'), "size must be an integer");
  t.equal(messageOf(schema, '{"to":[],"size":"x"}'), "to is empty");
  t.end();
});

t.test("any bytes: a valid body is passed on as it was sent, others are refused with a 400", (t) => {
  const json = fc.json().map((text) => bytes(text));
  const near = fc
    .record({ name: fc.jsonValue(), size: fc.jsonValue(), tags: fc.jsonValue() }, { requiredKeys: [] })
    .map((value) => bytes(JSON.stringify(value)));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), json, near), (body) => {
      const parsed = readShaped(body, Thing);
      if (parsed instanceof Failure) return parsed.http === 400 && parsed.message !== "";
      const { name } = parsed.json as { readonly name: unknown };
      return (
        typeof name === "string" &&
        name !== "" &&
        JSON.stringify(JSON.parse(parsed.text)) === JSON.stringify(JSON.parse(Buffer.from(body).toString()))
      );
    }),
    { numRuns: 2000 },
  );
  t.end();
});

t.test("a long body with too many items is refused before any item is checked", (t) => {
  let lookedAt = 0;
  const Item = Type.Refine(Type.String(), () => {
    lookedAt += 1;
    return true;
  });
  const schema = Type.Object(
    {
      list: Type.Optional(Type.Array(Item, { maxItems: 10 })),
      one_or_many: Type.Optional(Type.Union([Item, Type.Array(Item, { maxItems: 10 })])),
      nested: Type.Optional(
        Type.Array(Type.Object({ "a/b": Type.Optional(Type.Array(Item, { maxItems: 2 })) }), { maxItems: 5 }),
      ),
    },
    { additionalProperties: false },
  );
  const many = JSON.stringify(Array.from({ length: 20_000 }, () => "x"));
  const members = Array.from({ length: 5_000 }, (_, at) => `"m${at}":1`).join(",");
  for (const [text, message] of [
    [`{"list":${many}}`, "list must have at most 10 items"],
    [`{"one_or_many":${many}}`, "one_or_many must have at most 10 items"],
    [`{"nested":[{},{"a/b":${many}}]}`, "nested[1].a/b must have at most 2 items"],
    [`{${members}}`, "m0 cannot be given here"],
  ] as const)
    t.equal(messageOf(schema, text), message);
  t.equal(lookedAt, 0);
  t.equal(messageOf(schema, `{"list":["${"x".repeat(20_000)}"]}`), "accepted");
  t.equal(lookedAt, 1);
  t.end();
});
