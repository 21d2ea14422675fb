/**
 * Values held to schemas: JSON as it was sent is of a shape, else a 400 that names the member. Pure but for the
 * compiled checks, which each thread makes when it first needs them: compiling all would cost every start.
 */
import type { Static, TSchema } from "typebox";
import { must } from "./assert.js";
import { readJsonText } from "./json-bytes.js";
import { escapePointer, unescapePointer } from "./json-pointer.js";
import { Failure, invalid } from "./result.js";
import { shorten } from "./shorten.js";
import type { CompiledShape, ShapeError } from "./shape-compiler.js";

/** A body that is of its schema's shape. */
export interface ShapedText<Schema extends TSchema> {
  /** As it was sent. */
  readonly text: string;
  readonly json: Static<Schema>;
}

/** How a refusal speaks of a value that is part of a body, or of many. */
export interface Naming {
  /** @param path names and indexes that lead from the value to what is wrong with it; empty for the value itself */
  readonly name: (path: readonly string[]) => string;
  /** Where the value stands in the body, as a JSON Pointer. */
  readonly at: string;
}

interface Detail {
  readonly path: string;
  readonly message: string;
}

export const DETAILS_MAX = 20;
/** From this size on a body is held to the bounds on items before each item is looked at. */
const COUNTED_BYTES_MIN = 16_384;
const THE_BODY: Naming = { name: (path) => (path.length === 0 ? "the body" : memberName(path)), at: "" };

let compile: ((schema: TSchema) => CompiledShape) | undefined;
const validators = new Map<TSchema, CompiledShape>();

/** Loads the compiler of schemas: once a thread, before the first value is checked. */
export async function loadShapes(): Promise<void> {
  if (compile !== undefined) return;
  ({ compileShape: compile } = await import("./shape-compiler.js"));
}

export function areShapesLoaded(): boolean {
  return compile !== undefined;
}

/** A body's text and what it says, or the 400 of one that is not JSON or not of the shape. Needs `loadShapes`. */
export function readShaped<Schema extends TSchema>(body: Uint8Array, schema: Schema): ShapedText<Schema> | Failure {
  const read = readJsonText(body);
  if (read instanceof Failure) return read;
  // In a short body there are few, whatever they are.
  if (body.byteLength <= COUNTED_BYTES_MIN) return checkShape(read.json, schema) ?? (read as ShapedText<Schema>);
  return checkCounted(read.json, schema) ?? (read as ShapedText<Schema>);
}

/** As `checkShape`, for what may have many items: they are counted before each is looked at. */
export function checkCounted(json: unknown, schema: TSchema): Failure | null {
  const tooMany = findTooMany(branchFor(schema, json), json, []);
  return tooMany === null ? checkShape(json, schema) : describeErrors([tooMany], THE_BODY);
}

/** Whether a value is of the shape. Needs `loadShapes`. */
export function hasShape<Schema extends TSchema>(json: unknown, schema: Schema): json is Static<Schema> {
  return validatorOf(schema).Check(json);
}

/** The 400 for a value that is not of the shape, naming the member; null where it is. Needs `loadShapes`. */
export function checkShape(json: unknown, schema: TSchema, naming: Naming = THE_BODY): Failure | null {
  const branch = branchFor(schema, json);
  const validator = validatorOf(branch);
  if (validator.Check(json)) return null;
  const too_many = findTooMany(branch, json, []);
  return describeErrors(too_many === null ? validator.Errors(json) : [too_many], naming);
}

/** What of a schema says how many items and members there may be. */
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
 * The first array or object with more than it may have, as the error that the compiled check would tell (of many
 * unknown members the first); null where there is none. Looked for beforehand: the check looks at every item, and tells
 * of each that is wrong.
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
    // Without a bound of its own nothing below it has one.
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
  // Of several that it may be, one that takes it is enough.
  const kind = Array.isArray(json) ? "array" : "object";
  const found = anyOf.filter(({ type }) => type === kind).map((branch) => findTooMany(branch, json, path));
  return found.includes(null) ? null : (found[0] ?? null);
}

/** A member as a sentence names it: `["0","tags","1"]` is `[0].tags[1]`. */
export function memberName(path: readonly string[]): string {
  return path.reduce(
    (text, part) => (/^\d+$/.test(part) ? `${text}[${part}]` : text === "" ? part : `${text}.${part}`),
    "",
  );
}

/** Of "one or an array of them", the one that was meant: so that its errors are what the client reads. */
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

/** `a, b or c`. */
function listWords(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

function describeError({ keyword, instancePath, params, message }: ShapeError, { name, at }: Naming): Detail[] {
  const told = params as {
    readonly requiredProperties?: readonly string[];
    readonly type?: string | readonly string[];
    readonly allowedValues?: readonly unknown[];
    readonly limit?: number;
  };
  const place = splitPointer(instancePath);
  const field = shorten(name(place));
  const { limit } = told;
  const says = (what: string): Detail[] => [{ path: shorten(at + instancePath), message: `${field} ${what}` }];
  switch (keyword) {
    case "required":
      return (told.requiredProperties ?? []).map((missing) => ({
        path: shorten(`${at}${instancePath}/${escapePointer(missing)}`),
        message: `${shorten(name([...place, missing]))} is required`,
      }));
    // One that there is to be none of: it is told by itself, and then the object that has it.
    case "boolean":
      return says("cannot be given here");
    case "additionalProperties":
      return [];
    case "type": {
      const types = typeof told.type === "string" ? [told.type] : (told.type ?? []);
      return says(`must be ${types.map((type) => TYPE_WORDS[type] ?? type).join(" or ")}`);
    }
    case "enum": {
      // An empty text that is allowed stands for one that is missing: nobody needs to be told to send it.
      const words = (told.allowedValues ?? []).filter((value) => value !== "");
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
 * Of a member that may be one of several things, what is wrong with the one that was meant: that it is not of the
 * others' types says nothing, where something else is wrong with it.
 */
function meantErrors(errors: readonly ShapeError[]): readonly ShapeError[] {
  const places = new Set(errors.filter(({ keyword }) => keyword === "anyOf").map(({ instancePath }) => instancePath));
  const said = errors.filter(({ keyword }) => keyword !== "anyOf");
  const isOther = ({ keyword, instancePath }: ShapeError): boolean => keyword === "type" && places.has(instancePath);
  const wrong = said.filter((error) => !isOther(error)).map(({ instancePath }) => instancePath);
  return said.filter(
    (error) =>
      !isOther(error) ||
      !wrong.some((path) => path === error.instancePath || path.startsWith(`${error.instancePath}/`)),
  );
}

/** The first error is the answer's sentence, all are its details. */
function describeErrors(errors: readonly ShapeError[], naming: Naming): Failure {
  const details = meantErrors(errors)
    .flatMap((error) => describeError(error, naming))
    .slice(0, DETAILS_MAX);
  return invalid(details[0]?.message ?? `${naming.name([])} has the wrong shape`, { details });
}
