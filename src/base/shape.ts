/**
 * Checks values against schemas: JSON has the expected shape, or is refused with a 400 that names the member. Pure but
 * for the compiled checks, which each thread compiles at first use: compiling all of them would slow down every start.
 */
import type { Static, TSchema } from "typebox";
import { must } from "./assert.js";
import { readJsonText } from "./json-bytes.js";
import { escapePointer, unescapePointer } from "./json-pointer.js";
import { Failure, invalid } from "./result.js";
import { shorten } from "./shorten.js";
import type { CompiledShape, ShapeError } from "./shape-compiler.js";

/** A body that fits its schema. */
export interface ShapedText<Schema extends TSchema> {
  /** The text as it was sent. */
  readonly text: string;
  readonly json: Static<Schema>;
}

/** The names that a refusal gives to a value that is part of a body, or one of several. */
export interface Naming {
  /** @param path names and indexes that lead from the value to the invalid part; empty for the value itself */
  readonly name: (path: readonly string[]) => string;
  /** The place of the value in the body, as a JSON Pointer. */
  readonly at: string;
}

interface Detail {
  readonly path: string;
  readonly message: string;
}

export const DETAILS_MAX = 20;
/** From this size on, the bounds on the number of items are checked before the items are. */
const COUNTED_BYTES_MIN = 16_384;
const THE_BODY: Naming = { name: (path) => (path.length === 0 ? "the body" : memberName(path)), at: "" };

let compile: ((schema: TSchema) => CompiledShape) | undefined;
const validators = new Map<TSchema, CompiledShape>();

/** Loads the compiler of schemas. Each thread calls it once, before it checks the first value. */
export async function loadShapes(): Promise<void> {
  if (compile !== undefined) return;
  ({ compileShape: compile } = await import("./shape-compiler.js"));
}

export function areShapesLoaded(): boolean {
  return compile !== undefined;
}

/** Returns a body's text and value, or the 400 if it is not JSON or does not fit the schema. Needs `loadShapes`. */
export function readShaped<Schema extends TSchema>(body: Uint8Array, schema: Schema): ShapedText<Schema> | Failure {
  const read = readJsonText(body);
  if (read instanceof Failure) return read;
  // A short body has few items, whatever they are.
  if (body.byteLength <= COUNTED_BYTES_MIN) return checkShape(read.json, schema) ?? (read as ShapedText<Schema>);
  return checkCounted(read.json, schema) ?? (read as ShapedText<Schema>);
}

/** Checks a shape that may have many items: counts the items before it checks each of them. */
export function checkCounted(json: unknown, schema: TSchema): Failure | null {
  const tooMany = findTooMany(branchFor(schema, json), json, []);
  return tooMany === null ? checkShape(json, schema) : describeErrors([tooMany], THE_BODY);
}

/** Returns whether a value fits the schema. Needs `loadShapes`. */
export function hasShape<Schema extends TSchema>(json: unknown, schema: Schema): json is Static<Schema> {
  return validatorOf(schema).Check(json);
}

/** Returns the 400 for a value that does not fit the schema, naming the member; null if it fits. Needs `loadShapes`. */
export function checkShape(json: unknown, schema: TSchema, naming: Naming = THE_BODY): Failure | null {
  const branch = branchFor(schema, json);
  const validator = validatorOf(branch);
  if (validator.Check(json)) return null;
  const too_many = findTooMany(branch, json, []);
  return describeErrors(too_many === null ? validator.Errors(json) : [too_many], naming);
}

/** The members of a schema that bound the number of items and members. */
interface Bounded {
  readonly type?: string;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly items?: Bounded;
  readonly properties?: Readonly<Record<string, Bounded>>;
  readonly additionalProperties?: unknown;
  readonly anyOf?: readonly Bounded[];
}

/**
 * Finds the first array or object with more entries than allowed, as the error that the compiled check would report
 * (for unknown members, the first of them); null if there is none. It runs first because the compiled check looks at
 * every item, and reports each one that is wrong.
 */
function findTooMany(schema: Bounded, json: unknown, path: readonly string[]): ShapeError | null {
  if (typeof json !== "object" || json === null) return null;
  const { maxItems, maxProperties, items, properties = {}, additionalProperties, anyOf = [] } = schema;
  const error = (keyword: string, limit: number, ...below: readonly string[]): ShapeError => {
    const instancePath = [...path, ...below].map((part) => `/${escapePointer(part)}`).join("");
    return { keyword, instancePath, params: { limit }, message: "" };
  };
  if (Array.isArray(json)) {
    if (maxItems !== undefined && json.length > maxItems) return error("maxItems", maxItems);
    // Without a bound of its own, an array has no bound below it.
    if (items !== undefined && maxItems !== undefined)
      for (const [at, item] of json.entries()) {
        const found = findTooMany(items, item, [...path, String(at)]);
        if (found !== null) return found;
      }
  } else {
    const names = Object.keys(json);
    if (maxProperties !== undefined && names.length > maxProperties) return error("maxProperties", maxProperties);
    const unknown =
      additionalProperties === false && names.length > DETAILS_MAX + Object.keys(properties).length
        ? names.find((name) => !Object.hasOwn(properties, name))
        : undefined;
    if (unknown !== undefined) return error("boolean", 0, unknown);
    for (const [name, property] of Object.entries(properties)) {
      if (!Object.hasOwn(json, name)) continue;
      const found = findTooMany(property, (json as Readonly<Record<string, unknown>>)[name], [...path, name]);
      if (found !== null) return found;
    }
  }
  // The value may fit one of several schemas: one that accepts it is enough.
  const kind = Array.isArray(json) ? "array" : "object";
  const found = anyOf.filter(({ type }) => type === kind).map((branch) => findTooMany(branch, json, path));
  return found.includes(null) ? null : (found[0] ?? null);
}

/** Names a member for a sentence: `["0","tags","1"]` is `[0].tags[1]`. */
export function memberName(path: readonly string[]): string {
  return path.reduce(
    (text, part) => (/^\d+$/.test(part) ? `${text}[${part}]` : text === "" ? part : `${text}.${part}`),
    "",
  );
}

/** For a schema of "one or an array of them", returns the one that was meant, so that the client reads its errors. */
function branchFor(schema: TSchema, json: unknown): TSchema {
  const branches = (schema as { readonly anyOf?: readonly (TSchema & { readonly type?: string })[] }).anyOf;
  const kind = Array.isArray(json) ? "array" : "object";
  return branches?.find((branch) => branch.type === kind) ?? schema;
}

function validatorOf(schema: TSchema): CompiledShape {
  let validator = validators.get(schema);
  if (validator === undefined) {
    validator = must(compile, "the schema compiler is loaded")(schema);
    validators.set(schema, validator);
  }
  return validator;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  integer: "an integer",
  boolean: "true or false",
  object: "an object",
  array: "an array",
  null: "null",
};

function splitPointer(pointer: string): string[] {
  return pointer.split("/").slice(1).map(unescapePointer);
}

/** Joins words: `a, b or c`. */
function listWords(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

function describeError({ keyword, instancePath, params, message }: ShapeError, { name, at }: Naming): Detail[] {
  const expected = params as {
    readonly requiredProperties?: readonly string[];
    readonly type?: string | readonly string[];
    readonly allowedValues?: readonly unknown[];
    readonly limit?: number;
  };
  const place = splitPointer(instancePath);
  const field = shorten(name(place));
  const { limit } = expected;
  const says = (what: string): Detail[] => [{ path: shorten(at + instancePath), message: `${field} ${what}` }];
  switch (keyword) {
    case "required":
      return (expected.requiredProperties ?? []).map((missing) => ({
        path: shorten(`${at}${instancePath}/${escapePointer(missing)}`),
        message: `${shorten(name([...place, missing]))} is required`,
      }));
    // A member that is not allowed is reported by itself, and then the object that has it is.
    case "boolean":
      return says("cannot be given here");
    case "additionalProperties":
      return [];
    case "type": {
      const types = typeof expected.type === "string" ? [expected.type] : (expected.type ?? []);
      return says(`must be ${types.map((type) => TYPE_WORDS[type] ?? type).join(" or ")}`);
    }
    case "enum": {
      // An allowed empty text stands for a missing one; the client does not need to know that it may send it.
      const words = (expected.allowedValues ?? []).filter((value) => value !== "");
      return says(
        `must be ${listWords(words.map((value) => (typeof value === "string" ? value : JSON.stringify(value))))}`,
      );
    }
    case "minLength":
      return says(limit === 1 ? "is required" : `must have at least ${limit} characters`);
    case "maxLength":
      return says(`is longer than ${limit} characters`);
    case "minItems":
      return says(limit === 1 ? "is empty" : `must have at least ${limit} items`);
    case "maxItems":
      return says(`must have at most ${limit} items`);
    case "maxProperties":
      return says(`must have at most ${limit} members`);
    default:
      return says(message);
  }
}

/**
 * For a member that may be one of several types, keeps the errors of the type that was meant: an error that it is not
 * of another type says nothing if something else is wrong with it.
 */
function meantErrors(errors: readonly ShapeError[]): readonly ShapeError[] {
  const places = new Set(errors.filter(({ keyword }) => keyword === "anyOf").map(({ instancePath }) => instancePath));
  const specific = errors.filter(({ keyword }) => keyword !== "anyOf");
  const isOther = ({ keyword, instancePath }: ShapeError): boolean => keyword === "type" && places.has(instancePath);
  const wrong = specific.filter((error) => !isOther(error)).map(({ instancePath }) => instancePath);
  return specific.filter(
    (error) =>
      !isOther(error) ||
      !wrong.some((path) => path === error.instancePath || path.startsWith(`${error.instancePath}/`)),
  );
}

/** The first error becomes the answer's sentence; all of them become its details. */
function describeErrors(errors: readonly ShapeError[], naming: Naming): Failure {
  const details = meantErrors(errors)
    .flatMap((error) => describeError(error, naming))
    .slice(0, DETAILS_MAX);
  return invalid(details[0]?.message ?? `${naming.name([])} has the wrong shape`, { details });
}
