/**
 * A payload against a JSON Schema (draft 2020-12 and draft-07) by Ajv, its errors in the contract's own
 * words and paths. Runs in the pool: compiling makes code and takes milliseconds. What a schema's author
 * could make slow is taken from Ajv: patterns are matched by RE2's regexes in linear time, `uniqueItems` is linear,
 * formats look at short strings only, no reference leaves the schema.
 */
import type { Ajv as Draft7, ErrorObject, Options, SchemaObject, ValidateFunction } from "ajv";
import type { Ajv2020 } from "ajv/dist/2020.js";
import {
  CONTRACT_ALL_ERRORS_CHARACTERS_MAX,
  CONTRACT_FORMAT_CHARACTERS_MAX,
  CONTRACT_SCHEMA_CHARACTERS_MAX,
} from "../../schemas/limits.js";
import { must } from "../base/assert.js";
import { reasonOf } from "../base/reason.js";
import { Failure } from "../base/result.js";
import { compileRegex, loadRegexEngine, translateRegex } from "../rules/regex.js";
import { canonicalText, isObject } from "./contract.js";
import { MESSAGES, type Violations } from "./violations.js";

interface Library {
  readonly Draft7: typeof Draft7;
  readonly Ajv2020: typeof Ajv2020;
  readonly formats: Readonly<Record<string, unknown>>;
}

let library: Library | undefined;

/** Loads Ajv and RE2: once a thread, before the first schema is compiled. */
export async function loadJsonSchemas(): Promise<void> {
  if (library !== undefined) return;
  const [draft7, draft2020, formats] = await Promise.all([
    import("ajv"),
    import("ajv/dist/2020.js"),
    import("ajv-formats/dist/formats.js"),
    loadRegexEngine(),
  ]);
  // Once bundled, a CommonJS package's members are on its default alone.
  library = { Draft7: draft7.default.Ajv, Ajv2020: draft2020.default.Ajv2020, formats: formats.default.fullFormats };
}

/** What Ajv is told of a pattern: the part of RegExp that it uses. */
interface Matcher {
  test(text: string): boolean;
  /** Ajv tells compiled patterns apart by this. */
  toString(): string;
}

function compileMatcher(source: string): Matcher {
  const regex = compileRegex(translateRegex(source));
  // Ajv compiles in one go: what it cannot use is thrown, and caught around it.
  if (regex instanceof Failure) throw new Error(regex.message);
  return {
    test: (text) => {
      const matches = regex.test(text);
      regex.trim();
      return matches;
    },
    toString: () => source,
  };
}

/** Formats that need no bound: they are linear, or look at nothing. */
const LONG_FORMATS: ReadonlySet<string> = new Set(["byte", "binary", "password"]);
/** No format of JSON Schema, and slow beyond any bound. */
const LEFT_OUT_FORMATS: ReadonlySet<string> = new Set(["url"]);

interface FormatDefinition {
  readonly type?: string;
  readonly validate: RegExp | ((value: string) => boolean);
}

function boundFormat(format: unknown): (value: string) => boolean {
  const check =
    format instanceof RegExp || typeof format === "function" ? format : (format as FormatDefinition).validate;
  const test = check instanceof RegExp ? (value: string) => check.test(value) : (check as (value: string) => boolean);
  return (value) => value.length <= CONTRACT_FORMAT_CHARACTERS_MAX && test(value);
}

function addFormats(ajv: Draft7 | Ajv2020, { formats }: Library): void {
  for (const [name, format] of Object.entries(formats)) {
    if (LEFT_OUT_FORMATS.has(name)) continue;
    const of_strings = typeof format !== "object" || format === null || format instanceof RegExp || !("type" in format);
    if (LONG_FORMATS.has(name) || !of_strings) ajv.addFormat(name, format as true);
    else ajv.addFormat(name, boundFormat(format));
  }
}

function hasDuplicates(elements: readonly unknown[]): boolean {
  return new Set(elements.map(canonicalText)).size < elements.length;
}

const OPTIONS: Options = {
  strict: false,
  validateSchema: false,
  addUsedSchema: false,
  inlineRefs: false,
  verbose: true,
  logger: false,
};

function newAjv(dialect: Dialect, all: boolean, from: Library): Draft7 | Ajv2020 {
  // `code` names the engine in code that is written out to a file; nothing here is.
  const regExp = Object.assign(compileMatcher, { code: "re2" });
  const options: Options = { ...OPTIONS, allErrors: all, code: { regExp } };
  const ajv = dialect === "draft-07" ? new from.Draft7(options) : new from.Ajv2020(options);
  addFormats(ajv, from);
  ajv.removeKeyword("uniqueItems");
  ajv.addKeyword({
    keyword: "uniqueItems",
    type: "array",
    schemaType: "boolean",
    validate: (wanted: boolean, elements: readonly unknown[]) => !wanted || !hasDuplicates(elements),
    error: { message: "must NOT have duplicate items" },
  });
  return ajv;
}

type Dialect = "draft-07" | "2020-12";

function dialectOf(schema: unknown): Dialect | undefined {
  const named = isObject(schema) ? schema["$schema"] : undefined;
  if (named === undefined) return "2020-12";
  if (typeof named !== "string") return undefined;
  const found = /^https?:\/\/json-schema\.org\/(?:draft\/)?(draft-07|2020-12)\/schema#?$/.exec(named);
  return found?.[1] as Dialect | undefined;
}

/** One a dialect and thread, to check schemas themselves. */
const META = new Map<Dialect, Draft7 | Ajv2020>();

/** Why the schema is none; undefined where it is one. */
function schemaError(schema: SchemaObject, dialect: Dialect, from: Library): string | undefined {
  let ajv = META.get(dialect);
  if (ajv === undefined) {
    const options: Options = { strict: false, logger: false, validateFormats: false };
    ajv = dialect === "draft-07" ? new from.Draft7(options) : new from.Ajv2020(options);
    META.set(dialect, ajv);
  }
  const valid = ajv.validate(
    dialect === "draft-07" ? "http://json-schema.org/draft-07/schema" : "https://json-schema.org/draft/2020-12/schema",
    schema,
  );
  if (valid) return undefined;
  const [error] = ajv.errors ?? [];
  return `${error?.instancePath ?? ""} ${error?.message ?? "is no JSON Schema"}`.trim();
}

/** What only a schema that is about arrays says at its top. */
const ARRAY_KEYWORDS = ["items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"] as const;

function isAboutArrays(schema: unknown): boolean {
  return (
    isObject(schema) &&
    (schema["type"] === "array" ||
      (schema["type"] === undefined && ARRAY_KEYWORDS.some((keyword) => Object.hasOwn(schema, keyword))))
  );
}

/** A compiled schema, or why it cannot be used. */
export class JsonSchema {
  readonly #all: ValidateFunction | null = null;
  readonly #first: ValidateFunction | null = null;
  /** "" where the schema can be used. */
  readonly problem: string = "";
  /** Of a response_array: whether it describes the array, and not each of its elements. */
  readonly of_array: boolean;

  /** @param schema already parsed; a schema that cannot be used makes a JsonSchema with a `problem` */
  constructor(schema: unknown) {
    const from = must(library, "the JSON Schema libraries are loaded");
    this.of_array = isAboutArrays(schema);
    const dialect = dialectOf(schema);
    if (dialect === undefined) this.problem = "only draft 2020-12 and draft-07 are understood";
    else if (JSON.stringify(schema).length > CONTRACT_SCHEMA_CHARACTERS_MAX)
      this.problem = `it is longer than ${CONTRACT_SCHEMA_CHARACTERS_MAX} characters`;
    else this.problem = schemaError(schema as SchemaObject, dialect, from) ?? "";
    if (this.problem !== "" || dialect === undefined) return;
    try {
      this.#all = newAjv(dialect, true, from).compile(schema as SchemaObject);
      this.#first = newAjv(dialect, false, from).compile(schema as SchemaObject);
    } catch (error) {
      // Ajv and RE2 throw what they find wrong with a schema: a reference that leads nowhere, a regex that does not
      // compile.
      this.problem = reasonOf(error);
    }
  }

  /** @param characters how long the payload is as JSON */
  check(payload: unknown, characters: number, path: string, found: Violations): void {
    if (this.problem !== "") {
      found.add(path, `the contract's JSON Schema cannot be used: ${this.problem}`);
      return;
    }
    const validate = must(
      characters <= CONTRACT_ALL_ERRORS_CHARACTERS_MAX ? this.#all : this.#first,
      "a schema without a problem is compiled",
    );
    if (validate(payload)) return;
    for (const error of validate.errors ?? []) {
      if (found.full) break;
      addError(error, payload, path, found);
    }
    // They hold the payload.
    validate.errors = null;
  }
}

function addError(error: ErrorObject, payload: unknown, path: string, found: Violations): void {
  const at = pathOf(error.instancePath, payload, path);
  const params = error.params as {
    readonly missingProperty?: string;
    readonly additionalProperty?: string;
    readonly unevaluatedProperty?: string;
    readonly type?: string | readonly string[];
    readonly allowedValues?: readonly unknown[];
  };
  const unexpected = params.additionalProperty ?? params.unevaluatedProperty;
  if (error.keyword === "required" && params.missingProperty !== undefined) {
    found.add(`${at}.${params.missingProperty}`, MESSAGES.missing(params.missingProperty));
  } else if (unexpected !== undefined) {
    found.add(`${at}.${unexpected}`, MESSAGES.unexpected(unexpected, knownNames(error.parentSchema)));
  } else if (error.keyword === "type" && params.type !== undefined) {
    found.add(at, MESSAGES.type(typeof params.type === "string" ? params.type : params.type.join(" or "), error.data));
  } else if (error.keyword === "enum" && params.allowedValues !== undefined) {
    found.add(at, MESSAGES.not_allowed(error.data, params.allowedValues));
  } else {
    found.add(at, error.message ?? `does not match "${error.keyword}"`);
  }
}

function knownNames(schema: unknown): string[] {
  const properties = isObject(schema) ? schema["properties"] : undefined;
  return isObject(properties) ? Object.keys(properties).toSorted() : [];
}

/** `/address/lines/0` → `request.address.lines[0]`: a number is an index where an array stands. */
function pathOf(pointer: string, payload: unknown, prefix: string): string {
  let path = prefix;
  let value = payload;
  for (const raw of pointer.split("/").slice(1)) {
    const name = raw.replaceAll("~1", "/").replaceAll("~0", "~");
    path += Array.isArray(value) ? `[${name}]` : `.${name}`;
    value = (value as { readonly [name: string]: unknown } | undefined)?.[name];
  }
  return path;
}
