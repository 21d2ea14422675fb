/**
 * Checks a payload against a JSON Schema (draft 2020-12 or draft-07), and reports errors with the contract's own
 * messages and paths. Runs in the pool, because compiling takes milliseconds. The author of a schema cannot make a
 * check take more than linear time in the payload's length: RE2 matches patterns in linear time, `uniqueItems` is
 * linear, and only short strings are checked for formats that backtrack. References and combinations can multiply the
 * work, so it is metered in steps (check-steps.ts). References cannot leave the schema, and an endless reference is a
 * violation.
 */
import {
  CONTRACT_ALL_ERRORS_CHARACTERS_MAX,
  CONTRACT_SCHEMA_CHARACTERS_MAX,
  CONTRACT_VIOLATIONS_MAX,
} from "../../schemas/limits/contracts.js";
import { loadRegexEngine } from "../rules/regex.js";
import { type CheckSteps, TooManySteps } from "./check-steps.js";
import { isObject } from "./contract.js";
import { compileSchema, endlessReference, type Compiled } from "./schema/compile.js";
import { EndlessReference, Evaluation, type Place } from "./schema/evaluation.js";
import { loadFormats } from "./schema/formats.js";
import { META_SCHEMA_TEXTS } from "./schema/meta-schemas.js";
import type { Violations } from "./violations.js";

/** The documents to which the references of any schema may lead. */
export const META_SCHEMAS: ReadonlyMap<string, unknown> = new Map(
  META_SCHEMA_TEXTS.map((text) => JSON.parse(text) as { readonly $id: string }).map((schema) => [
    schema.$id.replace(/#$/, ""),
    schema,
  ]),
);

/** Loads RE2 and the formats. Each thread calls this once, before it compiles its first schema. */
export async function loadJsonSchemas(): Promise<void> {
  await Promise.all([loadFormats(), loadRegexEngine()]);
}

/** Keywords that mark a schema as one for arrays if it has them at the top. */
const ARRAY_KEYWORDS = ["items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"] as const;

function isAboutArrays(schema: unknown): boolean {
  return (
    isObject(schema) &&
    (schema["type"] === "array" ||
      (schema["type"] === undefined && ARRAY_KEYWORDS.some((keyword) => Object.hasOwn(schema, keyword))))
  );
}

const TOO_DEEP = "its references are nested too deep";

/** A schema that was compiled, or the reason why it cannot be used. */
export class JsonSchema {
  readonly #compiled: Compiled;
  /** Whether the schema, used as a response_array, describes the array itself and not each of its elements. */
  readonly of_array: boolean;

  /**
   * @param schema the parsed schema; if it cannot be used, the JsonSchema has a `problem`
   * @param documents the documents to which references may lead, by their URIs
   */
  constructor(schema: unknown, documents: ReadonlyMap<string, unknown> = META_SCHEMAS) {
    this.of_array = isAboutArrays(schema);
    this.#compiled =
      JSON.stringify(schema).length > CONTRACT_SCHEMA_CHARACTERS_MAX
        ? { root: null, problems: [`it is longer than ${CONTRACT_SCHEMA_CHARACTERS_MAX} characters`] }
        : compileSchema(schema, documents);
  }

  /** All problems of the schema as one text; "" if the schema can be used. */
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
      // The engine's stack has overflowed.
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
