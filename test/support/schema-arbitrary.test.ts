/**
 * Tests that values that are generated from a schema are valid according to TypeBox's validator, and that they reach
 * the bounds of the schema.
 */
import * as fc from "fast-check";
import t from "tap";
import * as Type from "typebox";
import type { TSchema } from "typebox";
import { Compile } from "typebox/schema";
import { Check } from "typebox/value";
import { ContractTestBody } from "../../schemas/contracts.js";
import { PublishBody } from "../../schemas/events.js";
import { RegisterBody } from "../../schemas/instances.js";
import { WebhookBody } from "../../schemas/webhooks.js";
import { publishedSchema } from "../../src/platform/front/published-schema.js";
import { arbitraryOf, type JsonSchema } from "./schema-arbitrary.js";

const RUNS = { numRuns: 200, seed: 20261122 };

const SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  anything: {},
  "a text": Type.String({ minLength: 2, maxLength: 5 }),
  "a pattern": Type.String({ pattern: "^[a-z]+(,[a-z]+)*$", maxLength: 20 }),
  "a name": Type.String({ pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f]+$", maxLength: 256 }),
  "a time": Type.String({ format: "date-time" }),
  "an integer": Type.Integer({ minimum: 3, maximum: 9, multipleOf: 3 }),
  "a number": Type.Number({ exclusiveMinimum: 0, maximum: 1 }),
  "a choice": Type.Union([Type.Literal("a"), Type.Null(), Type.Array(Type.Boolean(), { minItems: 1, maxItems: 3 })]),
  "an enum": Type.Enum(["a", "b"]),
  "a closed object": Type.Object(
    { a: Type.String(), b: Type.Optional(Type.Integer()) },
    { additionalProperties: false },
  ),
  "a map": Type.Record(Type.String({ pattern: "^[a-z]{1,3}$" }), Type.Integer()),
  "parts together": {
    allOf: [{ properties: { a: { type: "string" } }, required: ["a"] }, { required: ["b"] }],
    type: "object",
  },
  "beside a choice": {
    type: "object",
    properties: { a: { type: "null" } },
    anyOf: [{ required: ["a"] }, { required: ["b"] }],
  },
  "a tree": {
    $ref: "#/$defs/tree",
    $defs: { tree: { type: "object", properties: { below: { type: "array", items: { $ref: "#/$defs/tree" } } } } },
  },
  "a tuple": Type.Tuple([Type.Integer(), Type.String()]),
  "several types": { type: ["string", "null"] },
};
/** The values are generated from the published form of each schema, and the server's validator must accept them. */
const PUBLISHED: Readonly<Record<string, TSchema>> = {
  RegisterBody,
  PublishBody,
  WebhookBody,
  ContractTestBody,
};

t.test("every generated value is valid", (t) => {
  for (const [name, schema] of Object.entries(SCHEMAS)) {
    const validator = Compile(schema);
    fc.assert(
      fc.property(arbitraryOf(schema), (value) => validator.Check(JSON.parse(JSON.stringify(value)))),
      RUNS,
    );
    t.pass(name);
  }
  for (const [name, schema] of Object.entries(PUBLISHED)) {
    fc.assert(
      fc.property(arbitraryOf(publishedSchema(schema)), (value) => Check(schema, JSON.parse(JSON.stringify(value)))),
      RUNS,
    );
    t.pass(name);
  }
  t.end();
});

t.test("bounds are reached, and there are long values where there is no bound", (t) => {
  const lengths = (schema: JsonSchema): number[] =>
    fc.sample(arbitraryOf(schema), RUNS).map((value) => Array.from(value as string | unknown[]).length);
  t.ok(lengths(Type.String({ maxLength: 300 })).includes(300));
  t.ok(lengths(Type.String()).some((length) => length > 4096));
  t.ok(lengths(Type.Array(Type.Null(), { maxItems: 64 })).includes(64));
  t.end();
});

t.test("an unknown keyword is an error", (t) => {
  t.throws(() => arbitraryOf({ type: "string", not: { const: "a" } }), /no values are generated for not/);
  t.throws(() => arbitraryOf({ type: "string", format: "hostname" }), /format hostname/);
  t.throws(() => arbitraryOf({ $ref: "#/$defs/none" }), /no schema/);
  t.throws(() => arbitraryOf(false), /nothing fits/);
  t.end();
});
