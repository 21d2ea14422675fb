/**
 * Tests into which fields a value is packed, and that unpacking the fields returns the same value. Uses random schemas
 * and values.
 */
import * as fc from "fast-check";
import t from "tap";
import * as Type from "typebox";
import type { TSchema } from "typebox";
import { packingOf } from "./packing.js";

const BEFORE = ["a", 2];

/** Packs a value behind other fields of a frame, and unpacks it. Returns the fields and the unpacked value. */
function travel(schema: TSchema, value: unknown): { readonly fields: readonly unknown[]; readonly value: unknown } {
  const packing = packingOf(schema);
  const sent: unknown[] = [...BEFORE];
  packing.pack(value, sent);
  const frame = structuredClone(sent);
  const cursor = { frame, at: BEFORE.length };
  const copy = packing.unpack(cursor);
  if (cursor.at !== frame.length) throw new Error(`${frame.length - cursor.at} fields are left`);
  return { fields: frame.slice(BEFORE.length), value: copy };
}

t.test("an object whose members are fixed by the schema travels without their names", async (t) => {
  const schema = Type.Object({ key: Type.String(), of: Type.Object({ a: Type.Integer() }), or: Type.Null() });
  const value = { key: "k", of: { a: 1 }, or: null };
  t.strictSame(travel(schema, value), { fields: ["k", 1, null], value });
  const turned = { or: null, of: { a: 1 }, key: "k" };
  t.strictSame(travel(schema, turned).fields, ["k", 1, null], "in the order of the schema");
});

t.test("and so does a list of such objects", async (t) => {
  const item = Type.Object({ a: Type.Integer(), b: Type.String() });
  const list = Type.Object({ items: Type.Array(item), more: Type.Boolean() });
  const value = {
    items: [
      { a: 1, b: "x" },
      { a: 2, b: "y" },
    ],
    more: true,
  };
  t.strictSame(travel(list, value), { fields: [2, 1, "x", 2, "y", true], value });
  t.strictSame(travel(list, { items: [], more: false }).fields, [0, false]);
});

t.test("any other value travels unchanged", async (t) => {
  for (const [schema, value] of [
    [Type.Null(), null],
    [Type.String(), "text"],
    [Type.Object({}), {}],
    [Type.Array(Type.String()), ["a", "b"]],
    [Type.Tuple([Type.Object({ a: Type.Integer() })]), [{ a: 1 }]],
    [Type.Object({ a: Type.Integer(), b: Type.Optional(Type.Integer()) }), { a: 1 }],
    [Type.Object({ a: Type.Integer() }, { additionalProperties: Type.Integer() }), { a: 1, b: 2 }],
    [Type.Record(Type.String(), Type.Integer()), { a: 1 }],
    [Type.Union([Type.Object({ a: Type.Integer() }), Type.Null()]), { a: 1 }],
  ] as const)
    t.strictSame(travel(schema, value), { fields: [value], value });
});

t.test("the same value comes out again, whatever its members are", async (t) => {
  // Any name of a member is tested, except `__proto__`, which cannot be a normal member of an object.
  const names = fc.string().filter((name) => name !== "__proto__");
  const members = fc.dictionary(names, fc.jsonValue(), { maxKeys: 6, noNullPrototype: true });
  fc.assert(
    fc.property(members, (value) => {
      const schema = Type.Object(Object.fromEntries(Object.keys(value).map((name) => [name, Type.Unknown()])));
      t.same(travel(schema, value).value, value);
    }),
  );
});
