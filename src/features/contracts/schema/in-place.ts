/**
 * The keywords that evaluate other schemas on the same value: references, combinations and conditions. Pure, any
 * thread.
 */
import { STEPS_A_LOOKUP } from "../check-steps.js";
import { isObject } from "../contract.js";
import { escapePointer } from "../../../base/json-pointer.js";
import type { Resource } from "./documents.js";
import type { Check, SchemaNode } from "./evaluation.js";
import { isNameList, type Site } from "./site.js";

export function compileRef(site: Site, reference: unknown): Check {
  let target: SchemaNode | null = null;
  site.refer(reference, "$ref", (node) => {
    target = node;
    site.node.inPlace.push(node);
  });
  return (run, value, place, evaluated) => target === null || run.evaluateReference(target, value, place, evaluated);
}

export function compileDynamicRef(site: Site, reference: unknown): Check {
  let initial: SchemaNode | null = null;
  /**
   * The possible targets of the dynamic reference, by the resources that contain them. The map is empty if the
   * reference behaves like a plain `$ref`.
   */
  let anchors: ReadonlyMap<Resource, SchemaNode> = new Map();
  site.refer(reference, "$dynamicRef", (node, { anchor, resource }) => {
    initial = node;
    const dynamic = resource.dynamicAnchors.has(anchor) ? site.dynamicAnchors(anchor) : null;
    if (dynamic !== null) anchors = dynamic.nodes;
    // With several anchors, the target depends on the resources that the evaluation has entered.
    if (dynamic === null || anchors.size <= 1) site.node.inPlace.push(node);
    else site.node.below.push(dynamic.choice);
  });
  return (run, value, place, evaluated) => {
    const outermost = anchors.size === 0 ? undefined : run.scope.find((resource) => anchors.has(resource));
    const target = outermost === undefined ? initial : (anchors.get(outermost) ?? initial);
    return target === null || run.evaluateReference(target, value, place, evaluated);
  };
}

/** Compiles a list of schemas to nodes; null if the value is not a list of schemas. */
function compileList(site: Site, keyword: string, schemas: unknown): SchemaNode[] | null {
  if (!Array.isArray(schemas) || schemas.length === 0) return site.wrong(keyword, "must be an array with schemas");
  return schemas.map((schema, at) => site.inPlace(schema, `/${keyword}/${at}`)).filter((node) => node !== null);
}

export function compileAllOf(site: Site, schemas: unknown): Check | null {
  const nodes = compileList(site, "allOf", schemas);
  if (nodes === null) return null;
  return (run, value, place, evaluated) => {
    let valid = true;
    for (const node of nodes) {
      if (run.evaluate(node, value, place, evaluated)) continue;
      valid = false;
      if (run.stops) return false;
    }
    return valid;
  };
}

export function compileAnyOf(site: Site, schemas: unknown): Check | null {
  const nodes = compileList(site, "anyOf", schemas);
  if (nodes === null) return null;
  return (run, value, place, evaluated) => {
    const kept = run.errors.length;
    let valid = false;
    for (const node of nodes) {
      if (!run.evaluate(node, value, place, evaluated)) continue;
      valid = true;
      // One match is enough, unless the caller needs the evaluated parts. Then all alternatives are evaluated, because
      // each matching one adds its own parts.
      if (evaluated === null) break;
    }
    if (!valid) return run.fail(place, () => "must match a schema in anyOf");
    run.dropErrors(kept);
    return true;
  };
}

export function compileOneOf(site: Site, schemas: unknown): Check | null {
  const nodes = compileList(site, "oneOf", schemas);
  if (nodes === null) return null;
  return (run, value, place, evaluated) => {
    const kept = run.errors.length;
    let matching = 0;
    for (const node of nodes) {
      if (run.evaluate(node, value, place, evaluated)) matching += 1;
      if (matching > 1) break;
    }
    if (matching > 0) run.dropErrors(kept);
    return matching === 1 || run.fail(place, () => "must match exactly one schema in oneOf");
  };
}

export function compileNot(site: Site, schema: unknown): Check | null {
  const node = site.inPlace(schema, "/not");
  if (node === null) return null;
  return (run, value, place) => !run.matches(node, value, place, null) || run.fail(place, () => "must NOT be valid");
}

export function compileIf(site: Site, schema: unknown): Check | null {
  const condition = site.inPlace(schema, "/if");
  const [then, otherwise] = (["then", "else"] as const).map((keyword) =>
    site.schema[keyword] === undefined ? null : site.inPlace(site.schema[keyword], `/${keyword}`),
  );
  if (condition === null) return null;
  return (run, value, place, evaluated) => {
    const holds = run.matches(condition, value, place, evaluated);
    const branch = holds ? then : otherwise;
    if (branch === null || branch === undefined || run.evaluate(branch, value, place, evaluated)) return true;
    return run.fail(place, () => `must match "${holds ? "then" : "else"}" schema`);
  };
}

function requirement(property: string, names: readonly string[]): Check {
  return (run, value, place) => {
    if (!isObject(value) || !Object.hasOwn(value, property)) return true;
    run.steps.take(names.length * STEPS_A_LOOKUP);
    if (names.every((name) => Object.hasOwn(value, name))) return true;
    const wanted = `${names.length === 1 ? "property" : "properties"} ${names.join(", ")}`;
    return run.fail(place, () => `must have ${wanted} when property ${property} is present`);
  };
}

export function compileDependencies(keyword: "dependencies" | "dependentRequired" | "dependentSchemas") {
  return (site: Site, dependencies: unknown): Check | null => {
    if (!isObject(dependencies)) return site.wrong(keyword, "must be an object");
    const checks: Check[] = [];
    for (const [property, dependency] of Object.entries(dependencies)) {
      const pointer = `/${keyword}/${escapePointer(property)}`;
      if (keyword !== "dependentSchemas" && isNameList(dependency)) checks.push(requirement(property, dependency));
      else if (keyword === "dependentRequired") site.wrong(keyword, "must be arrays of strings by names");
      else {
        const node = site.inPlace(dependency, pointer);
        if (node !== null)
          checks.push(
            (run, value, place, evaluated) =>
              !isObject(value) || !Object.hasOwn(value, property) || run.evaluate(node, value, place, evaluated),
          );
      }
    }
    return (run, value, place, evaluated) => {
      run.steps.take(checks.length * STEPS_A_LOOKUP);
      return checks.filter((check) => !check(run, value, place, evaluated)).length === 0;
    };
  };
}
