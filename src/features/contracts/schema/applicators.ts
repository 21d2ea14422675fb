/**
 * The table of the keywords that contain other schemas, and of the keywords that name members, such as `required`.
 * Pure, any thread.
 */
import { compileContains, compileItems, compileUnevaluatedItems } from "./elements.js";
import {
  compileAllOf,
  compileAnyOf,
  compileDependencies,
  compileDynamicRef,
  compileIf,
  compileNot,
  compileOneOf,
  compileRef,
} from "./in-place.js";
import {
  compilePropertiesOnce,
  compilePropertyNames,
  compileRequired,
  compileUnevaluatedProperties,
} from "./members.js";
import { BOTH_DIALECTS, DRAFT_2020, type ApplicatorRow } from "./site.js";

/**
 * The keywords with the functions that compile them. The order matters: keywords are compiled in it, and errors at the
 * same position are reported in it.
 */
export const APPLICATORS: Readonly<Record<string, ApplicatorRow>> = {
  $ref: { dialects: BOTH_DIALECTS, compile: compileRef },
  $dynamicRef: { dialects: DRAFT_2020, compile: compileDynamicRef },
  properties: compilePropertiesOnce("properties"),
  patternProperties: compilePropertiesOnce("patternProperties"),
  additionalProperties: compilePropertiesOnce("additionalProperties"),
  required: { dialects: BOTH_DIALECTS, compile: compileRequired },
  propertyNames: { dialects: BOTH_DIALECTS, compile: compilePropertyNames },
  dependencies: { dialects: BOTH_DIALECTS, compile: compileDependencies("dependencies") },
  dependentRequired: { dialects: DRAFT_2020, compile: compileDependencies("dependentRequired") },
  dependentSchemas: { dialects: DRAFT_2020, compile: compileDependencies("dependentSchemas") },
  prefixItems: {
    dialects: DRAFT_2020,
    compile: (site) => (site.schema["items"] === undefined ? compileItems(site, undefined) : null),
  },
  items: { dialects: BOTH_DIALECTS, compile: compileItems },
  contains: { dialects: BOTH_DIALECTS, compile: compileContains },
  allOf: { dialects: BOTH_DIALECTS, compile: compileAllOf },
  anyOf: { dialects: BOTH_DIALECTS, compile: compileAnyOf },
  oneOf: { dialects: BOTH_DIALECTS, compile: compileOneOf },
  not: { dialects: BOTH_DIALECTS, compile: compileNot },
  if: { dialects: BOTH_DIALECTS, compile: compileIf },
};

/** The keywords that run last. They apply to the parts of the value that no other keyword has evaluated. */
export const LATE_APPLICATORS: Readonly<Record<string, ApplicatorRow["compile"]>> = {
  unevaluatedProperties: compileUnevaluatedProperties,
  unevaluatedItems: compileUnevaluatedItems,
};
