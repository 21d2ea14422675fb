/** The keywords about the members of an object. Pure, any thread. */
import { isObject, type JsonObject } from "../contract.js";
import { STEPS_A_LOOKUP } from "../check-steps.js";
import { MESSAGES } from "../violations.js";
import { escapePointer } from "../../../base/json-pointer.js";
import type { Check, Evaluation, Place, SchemaNode, Evaluated } from "./evaluation.js";
import type { Pattern } from "./pattern.js";
import { BOTH_DIALECTS, isNameList, placeBelow, type ApplicatorRow, type Site } from "./site.js";

function compileProperties(site: Site): Check | null {
  const { properties, patternProperties, additionalProperties } = site.schema;
  const named = new Map<string, SchemaNode>();
  const patterns: { readonly pattern: Pattern; readonly node: SchemaNode }[] = [];
  if (isObject(properties)) {
    for (const [name, schema] of Object.entries(properties)) {
      const node = site.below(schema, `/properties/${escapePointer(name)}`);
      if (node !== null) named.set(name, node);
    }
  } else if (properties !== undefined) site.wrong("properties", "must be an object");
  if (isObject(patternProperties)) {
    for (const [source, schema] of Object.entries(patternProperties)) {
      const pointer = `/patternProperties/${escapePointer(source)}`;
      const node = site.below(schema, pointer);
      const pattern = site.pattern(source, pointer);
      if (node !== null && pattern !== null) patterns.push({ node, pattern });
    }
  } else if (patternProperties !== undefined) site.wrong("patternProperties", "must be an object");
  const others = additionalProperties === undefined ? null : site.below(additionalProperties, "/additionalProperties");
  const refuses = additionalProperties === false;
  const namedNames = [...named.keys()];
  let sorted: readonly string[] | null = null;
  const knownNames = (): readonly string[] => (sorted ??= [...named.keys()].toSorted());
  const evaluateMember = (
    run: Evaluation,
    value: JsonObject,
    name: string,
    place: Place,
    evaluated: Evaluated | null,
  ): boolean => {
    const known = named.get(name);
    const matching = patterns.filter(({ pattern }) => pattern.test(name, run.steps)).map(({ node }) => node);
    const nodes = known === undefined ? matching : [known, ...matching];
    if (nodes.length === 0 && refuses) return run.fail(place, () => MESSAGES.unexpected(name, knownNames()), name);
    if (nodes.length === 0 && others === null) return true;
    if (evaluated !== null) {
      run.steps.take(STEPS_A_LOOKUP);
      evaluated.add(name);
    }
    const at = placeBelow(place, name);
    let valid = true;
    for (const node of nodes.length === 0 && others !== null ? [others] : nodes)
      if (!run.evaluate(node, value[name], at, null)) valid = false;
    return valid;
  };
  return (run, value, place, evaluated) => {
    if (!isObject(value)) return true;
    let valid = true;
    // If only `properties` is used, visit only the names in it, because the object may have far more names.
    const names = patterns.length === 0 && others === null ? namedNames : run.steps.namesOf(value);
    run.steps.take(names.length * STEPS_A_LOOKUP);
    for (const name of names) {
      if (!Object.hasOwn(value, name) || evaluateMember(run, value, name, place, evaluated)) continue;
      valid = false;
      if (run.stops) return false;
    }
    return valid;
  };
}

/**
 * Compiles `properties`, `patternProperties` and `additionalProperties` to one check. The first of these keywords in
 * the schema gets the check. The other two get no check.
 */
export function compilePropertiesOnce(
  keyword: "properties" | "patternProperties" | "additionalProperties",
): ApplicatorRow {
  const first = (schema: JsonObject): string | undefined =>
    ["properties", "patternProperties", "additionalProperties"].find((name) => schema[name] !== undefined);
  return {
    dialects: BOTH_DIALECTS,
    compile: (site) => (first(site.schema) === keyword ? compileProperties(site) : null),
  };
}

export function compilePropertyNames(site: Site, schema: unknown): Check | null {
  const node = site.below(schema, "/propertyNames");
  if (node === null) return null;
  return (run, value, place) => {
    if (!isObject(value)) return true;
    let valid = true;
    for (const name of run.steps.namesOf(value)) {
      // Copy the place, because the name and the object are two values, and each Place object must belong to only one
      // value.
      if (run.evaluate(node, name, { ...place }, null)) continue;
      valid = run.fail(place, () => "property name must be valid");
      if (run.stops) return false;
    }
    return valid;
  };
}

function failMissing(run: Evaluation, value: JsonObject, names: readonly string[], place: Place): boolean {
  let valid = true;
  run.steps.take(names.length * STEPS_A_LOOKUP);
  for (const name of names)
    if (!Object.hasOwn(value, name)) valid = run.fail(place, () => MESSAGES.missing(name), name);
  return valid;
}

export function compileRequired(site: Site, names: unknown): Check | null {
  if (!isNameList(names)) return site.wrong("required", "must be an array of strings");
  return (run, value, place) => !isObject(value) || failMissing(run, value, names, place);
}

export function compileUnevaluatedProperties(site: Site, schema: unknown): Check | null {
  const node = site.below(schema, "/unevaluatedProperties");
  if (node === null) return null;
  const { properties } = site.schema;
  const known = isObject(properties) ? Object.keys(properties).toSorted() : [];
  return (run, value, place, evaluated) => {
    if (!isObject(value)) return true;
    let valid = true;
    const names = run.steps.namesOf(value);
    run.steps.take(names.length * STEPS_A_LOOKUP);
    for (const name of names) {
      if (evaluated?.has(name) === true) continue;
      if (schema === false) valid = run.fail(place, () => MESSAGES.unexpected(name, known), name);
      else if (!run.evaluate(node, value[name], placeBelow(place, name), null)) valid = false;
      if (!valid && run.stops) return false;
    }
    evaluated?.addAll();
    return valid;
  };
}
