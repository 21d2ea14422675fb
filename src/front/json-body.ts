/**
 * JSON request bodies: UTF-8, JSON, and of the route's shape, else a 400 that names the field. The
 * compiled checks are made when a route is first called: compiling all of them would cost every start.
 */
import type { TSchema } from "typebox";
import { must } from "../base/assert.js";
import { readJsonText, type JsonText } from "../base/json-bytes.js";
import { Failure, invalid } from "../base/result.js";

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}
interface Validator {
  Check(value: unknown): boolean;
  Errors(value: unknown): readonly SchemaError[];
}

let compile: ((schema: TSchema) => Validator) | undefined;
const validators = new Map<TSchema, Validator>();

/** Loads the compiler of schemas; called after the start, so that no body has to wait for it. */
export async function loadSchemaCompiler(): Promise<void> {
  const module = await import("typebox/compile");
  compile = (schema) => module.Compile(schema);
}

export function isSchemaCompilerLoaded(): boolean {
  return compile !== undefined;
}

/** Parses and checks a body. The schema compiler must be loaded. */
export function parseJsonBody(body: Uint8Array, schema: TSchema): JsonText | Failure {
  const parsed = readJsonText(body);
  return parsed instanceof Failure ? parsed : (checkShape(parsed.json, schema) ?? parsed);
}

/** The 400 for a value that is not of the schema's shape, naming the field; null where it is. The schema compiler must be loaded. */
export function checkShape(json: unknown, schema: TSchema): Failure | null {
  const validator = validatorOf(branchFor(schema, json));
  return validator.Check(json) ? null : describeErrors(validator.Errors(json));
}

/** Of "one or an array of them", the one that was meant: so that its errors are what the client reads. */
function branchFor(schema: TSchema, json: unknown): TSchema {
  const branches = (schema as { readonly anyOf?: readonly (TSchema & { readonly type?: string })[] }).anyOf;
  const kind = Array.isArray(json) ? "array" : "object";
  return branches?.find((branch) => branch.type === kind) ?? schema;
}

function validatorOf(schema: TSchema): Validator {
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

/** `/0/topic` → `[0].topic`; "" → "the body". */
function fieldName(path: string): string {
  const name = path
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce((text, part) => (/^\d+$/.test(part) ? `${text}[${part}]` : text === "" ? part : `${text}.${part}`), "");
  return name === "" ? "the body" : name;
}

function describeError(error: SchemaError): readonly { readonly path: string; readonly message: string }[] {
  const params = error.params as {
    readonly requiredProperties?: readonly string[];
    readonly type?: string | readonly string[];
    readonly limit?: number;
    readonly comparison?: string;
  };
  const field = fieldName(error.instancePath);
  const at = (message: string, path = error.instancePath): readonly { path: string; message: string }[] => [
    { path, message },
  ];
  switch (error.keyword) {
    case "required":
      return (params.requiredProperties ?? []).flatMap((name) => {
        const path = `${error.instancePath}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
        return at(`${fieldName(path)} is required`, path);
      });
    case "type": {
      const types = typeof params.type === "string" ? [params.type] : (params.type ?? []);
      return at(`${field} must be ${types.map((type) => TYPE_WORDS[type] ?? type).join(" or ")}`);
    }
    case "minLength":
      return at(params.limit === 1 ? `${field} is required` : `${field} must have at least ${params.limit} characters`);
    case "minItems":
      return at(params.limit === 1 ? `${field} is empty` : `${field} must have at least ${params.limit} items`);
    case "maxItems":
      return at(`${field} must have at most ${params.limit} items`);
    default:
      return at(`${field} ${error.message}`);
  }
}

/** The first error is the answer's sentence, all are its details. */
function describeErrors(errors: readonly SchemaError[]): Failure {
  const details = errors
    .filter(({ keyword }) => keyword !== "anyOf")
    .flatMap((error) => describeError(error))
    .slice(0, 20);
  return invalid(details[0]?.message ?? "the body has the wrong shape", { details });
}
