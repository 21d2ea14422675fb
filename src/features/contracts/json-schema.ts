/**
 * Checks a payload against a JSON Schema (draft 2020-12 or draft-07). Errors are reported with the contract's own
 * messages and paths. Runs in the pool, because compiling takes milliseconds.
 *
 * With any schema, the time of a check is at most linear in the payload's length. RE2 matches patterns in linear time,
 * and `uniqueItems` takes linear time. Formats whose checks backtrack are checked only on short strings. References and
 * combinations can multiply the work, so a budget of steps limits it (check-steps.ts). References cannot point outside
 * the schema, and an endless reference is a violation.
 */
import {
  CONTRACT_ALL_ERRORS_CHARACTERS_MAX,
  CONTRACT_SCHEMA_CHARACTERS_MAX,
  CONTRACT_VIOLATIONS_MAX,
} from "../../../schemas/limits/contracts.js";
import { loadRegexEngine } from "../rules/regex.js";
import { type CheckSteps, TooManySteps } from "./check-steps.js";
import { isObject } from "./contract.js";
import { compileSchema, endlessReference, type Compiled } from "./schema/compile.js";
import { EndlessReference, Evaluation, type Place } from "./schema/evaluation.js";
import { loadFormats } from "./schema/formats.js";
import { META_SCHEMA_TEXTS } from "./schema/meta-schemas.js";
import type { Violations } from "./violations.js";

/** The documents that the references of any schema may point to. */
export const META_SCHEMAS: ReadonlyMap<string, unknown> = new Map(
  META_SCHEMA_TEXTS.map((text) => JSON.parse(text) as { readonly $id: string }).map((schema) => [
    schema.$id.replace(/#$/, ""),
    schema,
  ]),
);

/** Loads RE2 and the formats. Must be called once in each thread, before the first schema is compiled. */
export async function loadJsonSchemas(): Promise<void> {
  await Promise.all([loadFormats(), loadRegexEngine()]);
}

/** A schema without a type describes an array if it has one of these keywords at its top level. */
const ARRAY_KEYWORDS = ["items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"] as const;

function isAboutArrays(schema: unknown): boolean {
  return (
    isObject(schema) &&
    (schema["type"] === "array" ||
      (schema["type"] === undefined && ARRAY_KEYWORDS.some((keyword) => Object.hasOwn(schema, keyword))))
  );
}

const TOO_DEEP = "its references are nested too deep";

/** A compiled schema, or the reason why the schema cannot be used. */
export class JsonSchema {
  readonly #compiled: Compiled;
  /**
   * Whether the schema describes an array. In `response_array`, such a schema is applied to the whole response, and any
   * other schema to each element of the response.
   */
  readonly ofArray: boolean;

  /**
   * @param schema the parsed schema. If the schema cannot be used, `problem` says why.
   * @param documents the documents that references may point to, by their URIs
   */
  constructor(schema: unknown, documents: ReadonlyMap<string, unknown> = META_SCHEMAS) {
    this.ofArray = isAboutArrays(schema);
    this.#compiled =
      JSON.stringify(schema).length > CONTRACT_SCHEMA_CHARACTERS_MAX
        ? { root: null, problems: [`it is longer than ${CONTRACT_SCHEMA_CHARACTERS_MAX} characters`] }
        : compileSchema(schema, documents);
  }

  /** The problems of the schema as one text; "" if the schema can be used. */
  get problem(): string {
    return (this.#compiled.problems ?? []).join("; ");
  }

  /**
   * Checks a payload.
   * @param characters the length of the payload as JSON text
   * @throws TooManySteps if the budget is exhausted
   */
  check(payload: unknown, characters: number, path: string, steps: CheckSteps, found: Violations): void {
    const { root, problems } = this.#compiled;
    if (root === null) {
      found.add(path, unusable(problems.join("; ")));
      return;
    }
    const run = new Evaluation(characters <= CONTRACT_ALL_ERRORS_CHARACTERS_MAX ? CONTRACT_VIOLATIONS_MAX : 1, steps);
    try {
      run.evaluate(root, payload, { parent: null, name: "" }, null);
    } catch (error) {
      if (error instanceof TooManySteps) throw error;
      if (error instanceof EndlessReference) found.add(path, unusable(endlessReference(error.message)));
      // The stack has overflowed, because the schema or the payload is nested too deeply.
      else if (error instanceof RangeError) found.add(path, unusable(TOO_DEEP));
      else throw error;
      return;
    }
    for (const { place, member, message } of run.errors) {
      if (found.full) break;
      found.add(pathOf(place, path) + (member === null ? "" : `.${member}`), message());
    }
  }
}

function unusable(problem: string): string {
  return `the contract's JSON Schema cannot be used: ${problem}`;
}

/** Formats a path: `request.address.lines[0]`. */
function pathOf(place: Place, prefix: string): string {
  const names: string[] = [];
  for (let at = place; at.parent !== null; at = at.parent)
    names.push(typeof at.name === "number" ? `[${at.name}]` : `.${at.name}`);
  return prefix + names.toReversed().join("");
}
