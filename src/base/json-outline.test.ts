/** Tests that the outline of a body equals the result of reading the whole body: the same values, texts and errors. */
import * as fc from "fast-check";
import t from "tap";
import { FRONT_BODIES } from "../../schemas/front-bodies.js";
import { PUBLISH_EVENTS_MAX } from "../../schemas/limits/events.js";
import { BODY_BYTES_MAX } from "../../schemas/limits/request-bodies.js";
import { must } from "./assert.js";
import { freeMemberOf, freeTexts, withoutFree } from "./free-member.js";
import { readOutline } from "./json-outline.js";
import { Failure } from "./result.js";
import { loadShapes, readShaped } from "./shape.js";
import { countRounds } from "../../test/support/test-size.js";

/**
 * Blanks that make a body long. In a long body, the items are counted before each of them is checked. An outline always
 * counts first.
 */
const COUNTED = " ".repeat(16_385);

interface ReadResult {
  readonly json?: unknown;
  readonly free?: readonly (string | null)[];
  readonly refusal?: string;
  readonly members?: unknown;
}

function whole(body: Uint8Array, name: string): ReadResult {
  const schema = must(FRONT_BODIES.get(name), "it is a body");
  const read = readShaped(body, schema);
  if (read instanceof Failure) return { refusal: read.message, members: read.members };
  return { json: withoutFree(read.json, schema), free: freeTexts(read.text, read.json, freeMemberOf(schema)) };
}

function outline(body: Uint8Array, name: string): ReadResult {
  const schema = must(FRONT_BODIES.get(name), "it is a body");
  const read = readOutline(body, schema, freeMemberOf(schema));
  if (read instanceof Failure) return { refusal: read.message, members: read.members };
  return { json: withoutFree(read.json, schema), free: read.free };
}

t.before(loadShapes);

t.test("bodies of every schema, whatever they hold", (t) => {
  const value = fc.oneof(
    fc.json(),
    fc.constantFrom('"x"', "1", "true", "null", '"2026-01-01T00:00:00Z"', '"path:a/**"', '["a"]', "{}", '{"a":[1]}'),
  );
  for (const [name, schema] of FRONT_BODIES) {
    const composed = schema as { readonly properties?: object; readonly anyOf?: { readonly properties?: object }[] };
    const properties = composed.properties ?? composed.anyOf?.find((one) => one.properties !== undefined)?.properties;
    const names = Object.keys(properties ?? {}).flatMap((own) => [
      own,
      own,
      `\\u00${own.charCodeAt(0).toString(16)}${own.slice(1)}`,
    ]);
    const member = fc.tuple(fc.constantFrom(...names, "other", "__proto__", "7", "я", "constructor"), value);
    const object = fc
      .array(member, { maxLength: 8 })
      .map((members) => `{${members.map(([own, text]) => `"${own}" : ${text}`).join(" ,")}}`);
    const body = fc.oneof(
      object,
      object,
      fc.array(object, { maxLength: 3 }).map((items) => `[ ${items.join(",")} ]`),
      value,
      fc.tuple(object, fc.nat()).map(([text, at]) => text.slice(0, at % (text.length + 1))),
    );
    fc.assert(
      fc.property(body, fc.constantFrom("", "\ufeff"), (text, mark) => {
        const bytes = Buffer.from(mark + text + COUNTED);
        t.same(outline(bytes, name), whole(bytes, name), text);
      }),
      { numRuns: countRounds(30, 60) },
    );
  }
  t.end();
});

t.test("bodies that are no JSON, and bounds on items and names", (t) => {
  const events = (count: number): string =>
    `[${Array.from({ length: count }, (_, at) => `{"topic":"a.${at}"}`).join()}]`;
  const names = (count: number): string => Array.from({ length: count }, (_, at) => `"n${at}":1`).join();
  for (const [name, text] of [
    ["PublishBodies", ""],
    ["PublishBodies", "\ufeff\ufeff{}"],
    ["PublishBodies", '{"topic":"a"}x'],
    ["PublishBodies", events(PUBLISH_EVENTS_MAX)],
    ["PublishBodies", events(PUBLISH_EVENTS_MAX + 3)],
    ["PublishBodies", '[{"topic":"a","data":1,"data":{"b":2.50}},{"topic":"b"}]'],
    ["TaskPatch", `{${names(20)}}`],
    ["TaskPatch", `{${names(60)},"title":"x"}`],
    ["LeaseBody", `{"resources":[${'{"x":[]},'.repeat(100)}1]}`],
  ] as const) {
    const bytes = Buffer.from(text === "" ? "" : text + COUNTED);
    t.same(outline(bytes, name), whole(bytes, name), text.slice(0, 60));
  }
  for (const bytes of [
    [0x22, 0xff, 0x22],
    [0xef, 0xbb],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
  ])
    t.same(outline(Uint8Array.from(bytes), "PublishBodies"), whole(Uint8Array.from(bytes), "PublishBodies"));
  t.end();
});

t.test("unknown names are not parsed", (t) => {
  const names = Array.from({ length: 100_000 }, (_, at) => `"name-${at}":{"k${at}":[${at}]}`).join();
  const { parse } = JSON;
  let characters = 0;
  t.teardown(() => {
    JSON.parse = parse;
  });
  JSON.parse = (text: string, ...rest: []) => {
    characters += text.length;
    return parse(text, ...rest) as unknown;
  };
  for (const [name, text] of [
    ["PublishBodies", `{"topic":"a.b","data":{${names}}}`],
    ["PublishBodies", `[{"topic":"a.b","data":[{${names}}]},{"topic":"c",${names}}]`],
    ["HeartbeatBody", `{${names}}`],
    ["LeaseBody", `{"resources":["x"],"wait_s":{${names}}}`],
  ] as const) {
    t.ok(text.length > 2_000_000 && text.length < BODY_BYTES_MAX);
    outline(Buffer.from(text), name);
    t.ok(characters < 100, `${characters} characters`);
    characters = 0;
  }
  t.end();
});
