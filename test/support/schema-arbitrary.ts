/**
 * Generates values that a JSON Schema allows, as an arbitrary of fast-check. Supports every schema that Koor publishes
 * or validates with, including those of TypeBox, which are plain JSON Schemas. Besides ordinary values, it generates
 * values at the bounds, and long values if the schema has no bound. An unknown keyword is an error: if it were ignored,
 * values would be generated that the schema refuses. Pure.
 */
import * as fc from "fast-check";
import type { Arbitrary } from "fast-check";

/** A schema as JSON. `true` and `{}` allow every value. */
export type JsonSchema = boolean | object;
/** Returns the schema that a `$ref` names; undefined if there is none. */
export type Resolve = (ref: string) => JsonSchema | undefined;

interface Keywords {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly $ref?: string;
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  /** A list of schemas is a tuple, as TypeBox writes it. */
  readonly items?: JsonSchema | readonly JsonSchema[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema;
  readonly propertyNames?: JsonSchema;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
}

const KNOWN: ReadonlySet<string> = new Set(
  [
    "type const enum anyOf oneOf allOf $ref pattern format minLength maxLength minimum maximum exclusiveMinimum",
    "exclusiveMaximum multipleOf items minItems maxItems uniqueItems additionalItems properties patternProperties",
    "additionalProperties propertyNames maxProperties required title description default examples deprecated readOnly",
    "writeOnly $id $schema $defs $comment",
  ].flatMap((line) => line.split(" ")),
);

const TYPES = ["null", "boolean", "number", "string", "array", "object"] as const;
/** The maximum depth of references and containers. Below it, only required members are generated. */
const DEPTH_MAX = 6;
/** The length of some texts that have no bound. It is longer than any name may be. */
const LONG_CHARACTERS = 5_000;
/** The maximum size of texts and lists that are generated at a bound. Larger ones would only be slow. */
const BOUND_CHARACTERS_MAX = 100_000;
const BOUND_ITEMS_MAX = 1_100;
const FEW_ITEMS = 4;

/** Each is made where a schema uses it, because fast-check takes a second of processor time to make `webUrl`. */
const FORMATS: Readonly<Record<string, () => Arbitrary<string>>> = {
  "date-time": () =>
    fc
      .date({ min: new Date(0), max: new Date("2100-01-01T00:00:00Z"), noInvalidDate: true })
      .map((date) => date.toISOString()),
  uuid: () => fc.uuid(),
  uri: () => fc.webUrl(),
};

/** @param resolve finds the target of a reference. Without it, only references to the schema's own `$defs` work */
export function arbitraryOf(schema: JsonSchema, resolve: Resolve = localReferences(schema)): Arbitrary<unknown> {
  return generate(schema, resolve, 0);
}

function localReferences(root: JsonSchema): Resolve {
  const defs = typeof root === "object" && "$defs" in root ? (root.$defs as Readonly<Record<string, JsonSchema>>) : {};
  return (ref) => defs[ref.replace("#/$defs/", "")];
}

function generate(schema: JsonSchema, resolve: Resolve, depth: number): Arbitrary<unknown> {
  if (schema === false) throw new Error("nothing fits the schema `false`");
  if (schema === true) return fc.jsonValue({ maxDepth: 2 });
  const unknown = Object.keys(schema).filter((name) => !KNOWN.has(name) && !name.startsWith("x-"));
  if (unknown.length > 0)
    throw new Error(`no values are generated for ${unknown.join(", ")}: ${JSON.stringify(schema)}`);
  const keywords: Keywords = schema;
  if (keywords.$ref !== undefined) {
    const target = resolve(keywords.$ref);
    if (target === undefined) throw new Error(`no schema is called ${keywords.$ref}`);
    // The target is generated lazily, because a schema may refer to itself.
    return fc.constant(null).chain(() => generate(target, resolve, depth + 1));
  }
  const { allOf, anyOf, oneOf, ...own } = keywords;
  const objects = (parts: readonly JsonSchema[]): Keywords[] => parts.filter((part) => typeof part === "object");
  if (allOf !== undefined)
    return generate(
      merge({ ...own, ...(anyOf && { anyOf }), ...(oneOf && { oneOf }) }, ...objects(allOf)),
      resolve,
      depth,
    );
  const options = anyOf ?? oneOf;
  if (options !== undefined)
    return fc.oneof(...objects(options).map((option) => generate(merge(own, option), resolve, depth)));
  if ("const" in keywords) return fc.constant(keywords.const);
  if (keywords.enum !== undefined) return fc.constantFrom(...keywords.enum);
  const types = typeof keywords.type === "string" ? [keywords.type] : (keywords.type ?? impliedTypes(keywords));
  if (types.length === 0) return fc.jsonValue({ maxDepth: 2 });
  return fc.oneof(...types.map((type) => generateType(type, keywords, resolve, depth)));
}

/** Merges several schemas into one that demands all of them. */
function merge(...parts: readonly Keywords[]): Keywords {
  const whole: Keywords = {};
  for (const part of parts) {
    const both = Object.keys(part).filter((name) => ["anyOf", "oneOf", "pattern"].includes(name) && name in whole);
    if (both.length > 0) throw new Error(`no values are generated for two ${both.join(", ")} together`);
    const properties = { ...whole.properties, ...part.properties };
    const required = [...(whole.required ?? []), ...(part.required ?? [])];
    Object.assign(whole, part);
    if ("properties" in whole) Object.assign(whole, { properties });
    if ("required" in whole) Object.assign(whole, { required });
  }
  return whole;
}

function impliedTypes(keywords: Keywords): readonly string[] {
  if ("properties" in keywords || "required" in keywords || "patternProperties" in keywords) return ["object"];
  if ("items" in keywords || "minItems" in keywords) return ["array"];
  if ("pattern" in keywords || "minLength" in keywords || "maxLength" in keywords) return ["string"];
  return "minimum" in keywords || "maximum" in keywords ? ["number"] : [];
}

function generateType(type: string, keywords: Keywords, resolve: Resolve, depth: number): Arbitrary<unknown> {
  switch (type as (typeof TYPES)[number] | "integer") {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "integer":
      return generateInteger(keywords);
    case "number":
      return generateNumber(keywords);
    case "string":
      return generateText(keywords);
    case "array":
      return generateArray(keywords, resolve, depth);
    case "object":
      return generateObject(keywords, resolve, depth);
    default:
      throw new Error(`no such type: ${type}`);
  }
}

function generateInteger({ minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf = 1 }: Keywords) {
  const min = Math.max(minimum ?? -Infinity, exclusiveMinimum === undefined ? -Infinity : exclusiveMinimum + 1);
  const max = Math.min(maximum ?? Infinity, exclusiveMaximum === undefined ? Infinity : exclusiveMaximum - 1);
  const least = Math.ceil(Math.max(min, Number.MIN_SAFE_INTEGER) / multipleOf);
  const most = Math.floor(Math.min(max, Number.MAX_SAFE_INTEGER) / multipleOf);
  // Fractions of the range are generated, so that small and large bounds are equally likely, and the bounds themselves
  // occur often.
  return fc
    .oneof(
      fc.constantFrom(least, most),
      fc.integer({ min: 0, max: 9 }),
      fc.nat().map((part) => part / 2 ** 31),
    )
    .map((part) => (Number.isInteger(part) ? part : least + Math.floor(part * (most - least))))
    .map((value) => Math.min(most, Math.max(least, value)) * multipleOf);
}

function generateNumber(keywords: Keywords): Arbitrary<number> {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = keywords;
  if (multipleOf !== undefined) return generateInteger({ ...keywords, multipleOf });
  return (
    fc
      .double({
        noNaN: true,
        noDefaultInfinity: true,
        ...(minimum === undefined && exclusiveMinimum === undefined
          ? {}
          : { min: exclusiveMinimum ?? minimum ?? 0, minExcluded: exclusiveMinimum !== undefined }),
        ...(maximum === undefined && exclusiveMaximum === undefined
          ? {}
          : { max: exclusiveMaximum ?? maximum ?? 0, maxExcluded: exclusiveMaximum !== undefined }),
      })
      // The addition turns -0 into 0, because JSON has no -0.
      .map((value) => value + 0)
  );
}

/** Returns the length of a text in code points, the unit of JSON Schema. */
function charactersOf(text: string): number {
  return Array.from(text).length;
}

function generateText({ pattern, format, minLength = 0, maxLength }: Keywords): Arbitrary<string> {
  const regex = pattern === undefined ? undefined : new RegExp(pattern, "u");
  const fits = (text: string): boolean => {
    const length = charactersOf(text);
    return length >= minLength && length <= (maxLength ?? Infinity) && (regex === undefined || regex.test(text));
  };
  if (format !== undefined) {
    const formatted = FORMATS[format]?.();
    if (formatted === undefined) throw new Error(`no values are generated for the format ${format}`);
    return formatted.filter(fits);
  }
  const bound = maxLength ?? LONG_CHARACTERS;
  const atBound =
    bound > BOUND_CHARACTERS_MAX
      ? []
      : ["x", "é", "\u{1f600}"].map((unit) => unit.repeat(bound)).filter((text) => fits(text));
  const long = atBound.length === 0 ? [] : [{ arbitrary: fc.constantFrom(...atBound), weight: 1 }];
  const most = Math.min(bound, minLength + 64);
  const plain = fc.string({ unit: "grapheme-ascii", minLength, maxLength: most });
  const any = fc.string({ unit: "binary", minLength, maxLength: most });
  if (regex === undefined) return fc.oneof({ arbitrary: plain, weight: 6 }, { arbitrary: any, weight: 6 }, ...long);
  const matching = fc.stringMatching(regex).filter(fits);
  // Random texts that happen to match are also used. They show what a pattern allows by mistake.
  const byChance = fc.oneof(plain, any).chain((text) => (fits(text) ? fc.constant(text) : matching));
  return fc.oneof({ arbitrary: matching, weight: 6 }, { arbitrary: byChance, weight: 6 }, ...long);
}

function generateArray(keywords: Keywords, resolve: Resolve, depth: number): Arbitrary<unknown> {
  const { items = true, minItems = 0, maxItems, uniqueItems } = keywords;
  if (depth > DEPTH_MAX && minItems === 0) return fc.constant([]);
  if (isTuple(items)) return fc.tuple(...items.map((item) => generate(item, resolve, depth + 1)));
  const item = generate(items, resolve, depth + 1);
  const list = (minLength: number, maxLength: number): Arbitrary<unknown[]> =>
    uniqueItems === true
      ? fc.uniqueArray(item, { minLength, maxLength, selector: (value) => JSON.stringify(value) })
      : fc.array(item, { minLength, maxLength, size: "max" });
  const few = list(minItems, Math.min(maxItems ?? Infinity, minItems + FEW_ITEMS));
  if (maxItems === undefined || maxItems > BOUND_ITEMS_MAX || depth > 1 || uniqueItems === true) return few;
  // A full list has one value many times, because generating a thousand different values would take long.
  const full = item.map((value) => Array.from({ length: maxItems }, () => value));
  return fc.oneof({ arbitrary: few, weight: 12 }, { arbitrary: full, weight: 1 });
}

function isTuple(items: JsonSchema | readonly JsonSchema[]): items is readonly JsonSchema[] {
  return Array.isArray(items);
}

function generateObject(keywords: Keywords, resolve: Resolve, depth: number): Arbitrary<unknown> {
  const { properties = {}, patternProperties = {}, additionalProperties = true, required = [] } = keywords;
  // Some bounds are so large that no generated value comes near them.
  if ((keywords.maxProperties ?? Infinity) <= Object.keys(properties).length + FEW_ITEMS)
    throw new Error(`no values are generated for so few members: ${JSON.stringify(keywords)}`);
  const members: Record<string, Arbitrary<unknown>> = {};
  for (const [name, schema] of Object.entries(properties)) {
    if (schema === false || (depth > DEPTH_MAX && !required.includes(name))) continue;
    members[name] = generate(schema, resolve, depth + 1);
  }
  for (const name of required)
    if (!Object.hasOwn(properties, name)) members[name] = generate(additionalProperties, resolve, depth + 1);
  const named = fc.record(members, { requiredKeys: required.filter((name) => Object.hasOwn(members, name)) });
  if (depth > DEPTH_MAX) return named;
  const others = Object.entries(patternProperties).map(([pattern, schema]) =>
    fc.dictionary(fc.stringMatching(new RegExp(pattern, "u")), generate(schema, resolve, depth + 1), {
      maxKeys: FEW_ITEMS,
    }),
  );
  if (additionalProperties !== false && others.length === 0) {
    const names = keywords.propertyNames ?? { type: "string", maxLength: 8 };
    const name = generate(names, resolve, depth + 1)
      .map((generated) => String(generated))
      .filter((text) => !Object.hasOwn(properties, text) && text !== "__proto__");
    const open = Object.keys(properties).length > 0;
    const some = fc.dictionary(name, generate(additionalProperties, resolve, depth + 1), {
      maxKeys: open ? 1 : FEW_ITEMS,
      noNullPrototype: true,
    });
    others.push(open ? fc.oneof({ arbitrary: fc.constant({}), weight: 5 }, { arbitrary: some, weight: 1 }) : some);
  }
  return fc.tuple(named, ...others).map((parts) => Object.assign({}, ...parts.toReversed()) as unknown);
}
