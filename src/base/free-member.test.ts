/** Tests the free member of a body: its name, its texts, and the body without it. */
import t from "tap";
import * as Type from "typebox";
import { FRONT_BODIES } from "../../schemas/front-bodies.js";
import { freeMemberOf, freeTexts, withoutFree } from "./free-member.js";

const Item = Type.Object({
  name: Type.String(),
  tags: Type.Optional(Type.Array(Type.String())),
  to: Type.Optional(Type.Union([Type.Object({ id: Type.String() }), Type.Null()])),
  data: Type.Optional(Type.Unknown()),
});
const Bodies = Type.Union([Item, Type.Array(Item)]);

t.test("the bodies that the front reads", (t) => {
  const free = [...FRONT_BODIES].flatMap(([name, schema]) => {
    const member = freeMemberOf(schema);
    return member === null ? [] : [`${name}.${member}`];
  });
  t.same(free, [
    "CompleteBody.result",
    "MessageBody.data",
    "ProgressBody.checkpoint",
    "PublishBodies.data",
    "TasksBody.data",
  ]);
  t.throws(() => freeMemberOf(Type.Object({ a: Type.Unknown(), b: Type.Unknown() })), /one free member: a, b/);
  t.end();
});

t.test("the texts of the free member, and the rest of the body", (t) => {
  const one = '{"name":"a", "data": {"x":[1.0, 2e400]} ,"other":{"k":1},"to":{"id":"i","more":{}},"tags":["t"]}';
  const rest = { name: "a", to: { id: "i" }, tags: ["t"] };
  for (const [text, texts, left] of [
    [one, ['{"x":[1.0, 2e400]}'], rest],
    [`[${one},{"name":"b","to":null}]`, ['{"x":[1.0, 2e400]}', null], [rest, { name: "b", to: null }]],
    ['{"name":"a","data":1,"data":null}', ["null"], { name: "a" }],
    [String.raw`{"name":"a","d\u0061ta":12345678901234567890}`, ["12345678901234567890"], { name: "a" }],
  ] as const) {
    const json: unknown = JSON.parse(text);
    t.same(freeTexts(text, json, freeMemberOf(Bodies)), texts, text);
    t.same(withoutFree(json, Bodies), left, text);
  }
  t.same(freeTexts("{}", {}, null), [], "a body without a free member");
  const named = JSON.parse('{"name":"a","__proto__":{"name":"b"},"tags":["t"]}') as unknown;
  t.same(withoutFree(named, Bodies), { name: "a", tags: ["t"] }, "a member that the schema does not name");
  t.end();
});
