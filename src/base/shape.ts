/**
 * Checks values against schemas. JSON that does not have the expected shape is rejected with a 400 that names the
 * member. Pure but for the compiled checks. Each thread compiles a check at first use, because compiling all of them
 * would slow down every start.
 */
import type { Static, TSchema } from "typebox";
import { must } from "./assert.js";
import { readJsonText } from "./json-bytes.js";
import { escapePointer, unescapePointer } from "./json-pointer.js";
import { Failure, invalid } from "./result.js";
import { shorten } from "../../shared/shorten.js";
import type { CompiledShape, ShapeError } from "./shape-compiler.js";

/** A body that fits its schema. */
export interface ShapedText<Schema extends TSchema> {
  /** The text as it was sent. */
  readonly text: string;
  readonly json: Static<Schema>;
}

/** Names a checked value in error messages. The value is a part of a body, or one of several values. */
export interface Naming {
  /**
   * @param path the names and indexes that lead from the value to its invalid part; empty if the value itself is
   * invalid
   */
  readonly name: (path: readonly string[]) => string;
  /** The position of the value in the body, as a JSON Pointer. */
  readonly at: string;
}

interface Detail {
  readonly path: string;
  readonly message: string;
}

export const DETAILS_MAX = 20;
/** A body of at least this size, in bytes, has its items counted before each item is checked. */
const COUNTED_BYTES_MIN = 16_384;
const THE_BODY: Naming = { name: (path) => (path.length === 0 ? "the body" : memberName(path)), at: "" };

let compile: ((schema: TSchema) => CompiledShape) | undefined;
const validators = new Map<TSchema, CompiledShape>();

/** Loads the compiler of schemas. Each thread calls this once, before it checks its first value. */
export async function loadShapes(): Promise<void> {
  if (compile !== undefined) return;
  ({ compileShape: compile } = await import("./shape-compiler.js"));
}

export function areShapesLoaded(): boolean {
  return compile !== undefined;
}

/**
 * Returns the text and the value of a body. Returns the 400 if the body is not JSON or does not fit the schema. Needs
 * `loadShapes`.
 */
export function readShaped<Schema extends TSchema>(body: Uint8Array, schema: Schema): ShapedText<Schema> | Failure {
  const read = readJsonText(body);
  if (read instanceof Failure) return read;
  // A short body cannot have many items. So do not count them first.
  if (body.byteLength <= COUNTED_BYTES_MIN) return checkShape(read.json, schema) ?? (read as ShapedText<Schema>);
  return checkCounted(read.json, schema) ?? (read as ShapedText<Schema>);
}

/** Checks the shape of a value that may have many items. It counts the items before it checks each of them. */
export function checkCounted(json: unknown, schema: TSchema): Failure | null {
  const tooMany = findTooMany(branchFor(schema, kindOf(json)), json);
  return tooMany === null ? checkShape(json, schema) : describeErrors([errorOf(tooMany)], THE_BODY);
}

/** Returns whether a value fits the schema. Needs `loadShapes`. */
export function hasShape<Schema extends TSchema>(json: unknown, schema: Schema): json is Static<Schema> {
  return validatorOf(schema).Check(json);
}

/** Returns null if a value fits the schema, otherwise the 400 that names the invalid member. Needs `loadShapes`. */
export function checkShape(json: unknown, schema: TSchema, naming: Naming = THE_BODY): Failure | null {
  const branch = branchFor(schema, kindOf(json));
  const validator = validatorOf(branch);
  if (validator.Check(json)) return null;
  const tooMany = findTooMany(branch, json);
  return describeErrors(tooMany === null ? validator.Errors(json) : [errorOf(tooMany)], naming);
}

/** The keywords of a schema that limit the number of an array's items or of an object's members. */
interface Bounded {
  readonly type?: string;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly items?: Bounded;
  readonly properties?: Readonly<Record<string, Bounded>>;
  readonly additionalProperties?: unknown;
  readonly anyOf?: readonly Bounded[];
}

/** An error that `findTooMany` has found: an array or object with too many entries, or an unknown member. */
interface TooMany {
  readonly keyword: "maxItems" | "maxProperties" | "boolean";
  readonly limit: number;
  /** The path from the value to the entry that is too many: names and indexes, the last one first. */
  readonly upwards: string[];
}

function errorOf({ keyword, limit, upwards }: TooMany): ShapeError {
  const path = upwards.toReversed().map((part) => `/${escapePointer(part)}`);
  return { keyword, instancePath: path.join(""), params: { limit }, message: "" };
}

/**
 * Finds the first array or object that has more entries than allowed. Returns null if there is none.
 *
 * Run this before the compiled check, which examines every item and reports each invalid one. The compiled check would
 * report the same error. Of several unknown members, this function names only the first.
 *
 * The path to the error is built on the way back to the root, after an error is found. A body may have 100,000 arrays,
 * and most have no error.
 */
function findTooMany(schema: Bounded, json: unknown): TooMany | null {
  if (typeof json !== "object" || json === null) return null;
  const { maxItems, maxProperties, items, properties = {}, anyOf } = schema;
  if (Array.isArray(json)) {
    if (maxItems !== undefined && json.length > maxItems) return { keyword: "maxItems", limit: maxItems, upwards: [] };
    // Walk through the items only if the schema limits their number.
    if (items !== undefined && maxItems !== undefined)
      for (let at = 0; at < json.length; at++) {
        const found = findTooMany(items, json[at]);
        if (found !== null) return below(found, String(at));
      }
  } else {
    if (maxProperties !== undefined && Object.keys(json).length > maxProperties)
      return { keyword: "maxProperties", limit: maxProperties, upwards: [] };
    const unknown = findUnknown(schema, json);
    if (unknown !== undefined) return { keyword: "boolean", limit: 0, upwards: [unknown] };
    for (const name of Object.keys(properties)) {
      const property = properties[name];
      if (property === undefined || !Object.hasOwn(json, name)) continue;
      const found = findTooMany(property, (json as Readonly<Record<string, unknown>>)[name]);
      if (found !== null) return below(found, name);
    }
  }
  if (anyOf === undefined) return null;
  // One alternative that allows this many entries is enough, if the schema has several for this kind of value.
  const kind = kindOf(json);
  const found = anyOf.filter(({ type }) => type === kind).map((branch) => findTooMany(branch, json));
  return found.includes(null) ? null : (found[0] ?? null);
}

function below(found: TooMany, part: string): TooMany {
  found.upwards.push(part);
  return found;
}

/**
 * Returns the first unknown member of an object that has many of them. Returns undefined if the schema allows unknown
 * members.
 */
function findUnknown({ additionalProperties, properties = {} }: Bounded, json: object): string | undefined {
  if (additionalProperties !== false) return undefined;
  const names = Object.keys(json);
  if (names.length <= DETAILS_MAX + Object.keys(properties).length) return undefined;
  return names.find((name) => !Object.hasOwn(properties, name));
}

/** Formats the path of a member for a sentence: `["0","tags","1"]` becomes `[0].tags[1]`. */
export function memberName(path: readonly string[]): string {
  return path.reduce(
    (text, part) => (/^\d+$/.test(part) ? `${text}[${part}]` : text === "" ? part : `${text}.${part}`),
    "",
  );
}

/**
 * Returns the schema's alternative for the kind of a value, if the schema allows one value or an array of them. So the
 * client gets only the errors of that alternative. Otherwise returns the schema itself.
 */
export function branchFor<Schema extends object>(schema: Schema, kind: "object" | "array"): Schema {
  const { anyOf } = schema as { readonly anyOf?: readonly (Schema & { readonly type?: string })[] };
  return anyOf?.find(({ type }) => type === kind) ?? schema;
}

function kindOf(json: unknown): "object" | "array" {
  return Array.isArray(json) ? "array" : "object";
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
    // A member that is not allowed causes two errors: "boolean" for the member itself, and "additionalProperties" for
    // the object around it. Report only the first one.
    case "boolean":
      return says("cannot be given here");
    case "additionalProperties":
      return [];
    case "type": {
      const types = typeof expected.type === "string" ? [expected.type] : (expected.type ?? []);
      return says(`must be ${types.map((type) => TYPE_WORDS[type] ?? type).join(" or ")}`);
    }
    case "enum": {
      // Do not list the empty text. A schema that allows it means a missing value.
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
 * Drops misleading errors about a value that may have one of several types. If the value has one of these types and
 * another mistake, only the errors for its own type remain.
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

/** Builds the 400. The first error becomes its message, and all errors become its details. */
function describeErrors(errors: readonly ShapeError[], naming: Naming): Failure {
  const details = meantErrors(errors)
    .flatMap((error) => describeError(error, naming))
    .slice(0, DETAILS_MAX);
  return invalid(details[0]?.message ?? `${naming.name([])} has the wrong shape`, { details });
}
