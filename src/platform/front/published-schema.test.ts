/** Tests that the server accepts every value that fits a published schema, as JSON Schema defines it. */
import { readdirSync } from "node:fs";
import * as fc from "fast-check";
import t from "tap";
import type { TSchema } from "typebox";
import * as Type from "typebox";
import { Name, Text, textProblem, textRulesOf, type TextRules } from "../../../schemas/text.js";
import { UNSEEN_CLASS } from "../../../schemas/visible-text.js";
import { must } from "../../base/assert.js";
import { publishedSchema, type Json } from "./published-schema.js";

interface Published {
  readonly type: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly anyOf?: readonly Omit<Published, "type">[];
}

/**
 * Whether a text is valid by JSON Schema: lengths count code points, one branch of `anyOf` suffices, and a pattern may
 * match anywhere in the text.
 */
function fits(schema: Omit<Published, "type">, text: string): boolean {
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern, anyOf } = schema;
  const length = Array.from(text).length;
  return (
    length >= minLength &&
    length <= maxLength &&
    (pattern === undefined || new RegExp(pattern, "u").test(text)) &&
    (anyOf === undefined || anyOf.some((branch) => fits(branch, text)))
  );
}

const anyRules: fc.Arbitrary<TextRules> = fc
  .record(
    {
      charactersMax: fc.nat({ max: 24 }),
      promisedCharactersMax: fc.nat({ max: 24 }),
      required: fc.constant(true as const),
      line: fc.constant(true as const),
    },
    { requiredKeys: ["charactersMax"] },
  )
  // The maximum length that the schema promises must not exceed the length that the server accepts.
  .map(({ promisedCharactersMax, ...rules }) =>
    promisedCharactersMax === undefined
      ? rules
      : { ...rules, promisedCharactersMax: Math.min(promisedCharactersMax, rules.charactersMax) },
  );
const anyText = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom("a", "b", "\u007e") },
      fc.constantFrom(
        "\u00e9",
        "\u20ac",
        "\u{1f600}",
        "\n",
        "\0",
        "\u007f",
        "\u0080",
        "\u009f",
        "\u00a0",
        "\u200b",
        "\u202e",
      ),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
    ),
    { maxLength: 26 },
  )
  // Replace halves of surrogate pairs, because JSON is sent as UTF-8, which cannot encode them.
  .map((units) => units.join("").toWellFormed());

t.test("a value that fits the published schema is accepted, and a full promise excludes all others", (t) => {
  const met = { fits: 0, refused: 0 };
  const hidden = new RegExp(`[${UNSEEN_CLASS}]`, "u");
  const property = fc.property(anyText, anyRules, (text, rules) => {
    const published = publishedSchema(Text(rules)) as unknown as Published;
    if (!fits(published, text)) {
      met.refused += 1;
      // The server may accept more than the schema promises, for example a joiner between two emoji.
      return rules.promisedCharactersMax !== undefined || textProblem(text, rules) !== null || hidden.test(text);
    }
    met.fits += 1;
    return textProblem(text, rules) === null;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 5000 }));
  t.ok(met.fits > 500 && met.refused > 500, `the texts say something: ${JSON.stringify(met)}`);
  t.end();
});

t.test("bounds count characters of any script", (t) => {
  const published = publishedSchema(Text({ charactersMax: 4 })) as unknown as Published;
  for (const [text, taken] of [
    ["", true],
    ["1234", true],
    ["12345", false],
    ["\u{1f600}\u{1f600}\u{1f600}\u{1f600}", true],
    ["\u{1f600}\u{1f600}\u{1f600}\u{1f600}a", false],
    ["e\u0301e\u0301", true],
    ["e\u0301e\u0301e", false],
  ] as const)
    t.equal(fits(published, text), taken, text);
  t.end();
});

t.test("published schemas are plain JSON Schema", (t) => {
  const published = publishedSchema(
    Type.Object({
      id: Name(256, "Who it is."),
      note: Type.Optional(Text({ charactersMax: 40, promisedCharactersMax: 20, default: "none" })),
      word: Text({ charactersMax: 8, line: true, promisedPattern: "^[a-z]*$" }),
      text: Type.String(),
      tags: Type.Array(Text({ charactersMax: 4 }), { maxItems: 3 }),
    }),
  );
  t.same(published, {
    type: "object",
    required: ["id", "word", "text", "tags"],
    properties: {
      id: {
        type: "string",
        description: "Who it is.",
        minLength: 1,
        pattern: `^[^\\x00-\\x1f\\x7f-\\x9f${UNSEEN_CLASS}]*$`,
        maxLength: 256,
      },
      note: { type: "string", default: "none", maxLength: 20 },
      word: { type: "string", pattern: "^[a-z]*$", maxLength: 8 },
      text: { type: "string" },
      tags: { type: "array", maxItems: 3, items: { type: "string", maxLength: 4 } },
    },
  });
  t.end();
});

t.test("a member named `text` is not taken for a text's rules", (t) => {
  const schema = Type.Object({ text: Text({ charactersMax: 4 }), type: Type.String() });
  t.same(Object.keys(publishedSchema(schema)["properties"] as object), ["text", "type"]);
  const rules = Type.Object({ text: Type.Object({ charactersMax: Type.Integer() }), type: Type.String() });
  const { properties } = publishedSchema(rules) as { readonly properties: Json };
  t.match(properties["text"], { type: "object", properties: { charactersMax: { type: "integer" } } });
  t.equal(textRulesOf(schema), undefined);
  t.end();
});

/** Yields the rules of every text in a schema, at any depth. */
function* textsIn(schema: unknown, seen = new Set<unknown>()): Generator<TSchema> {
  if (typeof schema !== "object" || schema === null || seen.has(schema)) return;
  seen.add(schema);
  if (textRulesOf(schema) !== undefined && (schema as { readonly type?: unknown }).type === "string") yield schema;
  for (const member of Object.values(schema)) yield* textsIn(member, seen);
}

t.test("maxLength of each text of the API is the enforced bound, in ASCII and beyond", async (t) => {
  const folder = new URL("../../../schemas/", import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith(".js") && !name.endsWith(".test.js"));
  let checked = 0;
  for (const name of names) {
    const module = (await import(new URL(name, folder).href)) as object;
    for (const schema of textsIn({ ...module })) {
      const rules = must(textRulesOf(schema), "it is a text");
      const { maxLength } = publishedSchema(schema) as { readonly maxLength?: number };
      // Skip a text with a pattern: its length is limited by the pattern.
      if (maxLength === undefined || rules.pattern !== undefined) continue;
      const bound = rules.charactersMax;
      t.equal(maxLength, rules.promisedCharactersMax ?? bound);
      for (const character of ["a", "\u{1f600}", "\u0301"]) {
        // With a limit of bytes too, the server need not accept more characters than the schema promises.
        const accepted = rules.bytesMax === undefined ? bound : maxLength;
        t.equal(textProblem(character.repeat(accepted), rules), null);
        t.equal(textProblem(character.repeat(bound + 1), rules), `is longer than ${bound} characters`);
      }
      checked += 1;
    }
  }
  t.ok(checked > 40, `${checked} texts`);
});
