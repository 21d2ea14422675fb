/** The keywords about the elements of an array. Pure, any thread. */
import { compareNumbers, isInteger, isJsonNumber, type JsonNumber } from "../../../base/exact-number.js";
import type { Check, Evaluation, Place, SchemaNode } from "./evaluation.js";
import { STEPS_A_LOOKUP } from "../check-steps.js";
import { placeBelow, type Site } from "./site.js";

function moreThan(run: Evaluation, place: Place, count: number): false {
  return run.fail(place, () => `must NOT have more than ${count} items`);
}

/**
 * Returns the check of an array's elements. Each schema in `first` is for the element at the same index. All further
 * elements are checked against `others`.
 */
function elementsCheck(first: readonly SchemaNode[], others: SchemaNode | null, refuses: boolean): Check {
  return (run, value, place, evaluated) => {
    if (!Array.isArray(value)) return true;
    if (refuses && value.length > first.length) return moreThan(run, place, first.length);
    let valid = true;
    const end = others === null ? Math.min(first.length, value.length) : value.length;
    for (let at = 0; at < end; at++) {
      const node = first[at] ?? others;
      run.steps.take(evaluated === null ? 1 : 1 + STEPS_A_LOOKUP);
      evaluated?.add(at);
      if (node === null || run.evaluate(node, value[at], placeBelow(place, at), null)) continue;
      valid = false;
      if (run.stops) return false;
    }
    return valid;
  };
}

export function compileItems(site: Site, schema: unknown): Check | null {
  const { prefixItems } = site.schema;
  const ofDraft7 = site.node.resource.dialect === "draft-07";
  const inFront = ofDraft7 ? schema : prefixItems;
  const keyword = ofDraft7 ? "items" : "prefixItems";
  const rest = ofDraft7 ? "additionalItems" : "items";
  if (ofDraft7 && !Array.isArray(schema)) return elementsOf(site, [], schema, "items");
  const first: SchemaNode[] = [];
  if (Array.isArray(inFront)) {
    for (const [at, one] of inFront.entries()) {
      const node = site.below(one, `/${keyword}/${at}`);
      if (node !== null) first.push(node);
    }
  } else if (inFront !== undefined) site.wrong(keyword, "must be an array of schemas");
  return elementsOf(site, first, site.schema[rest], rest);
}

function elementsOf(site: Site, first: readonly SchemaNode[], rest: unknown, keyword: string): Check {
  const others = rest === undefined ? null : site.below(rest, `/${keyword}`);
  return elementsCheck(first, others, rest === false);
}

function isCount(value: unknown): value is JsonNumber {
  return isJsonNumber(value) && isInteger(value) && compareNumbers(value, 0) >= 0;
}

export function compileContains(site: Site, schema: unknown): Check | null {
  const node = site.below(schema, "/contains");
  const ofDraft7 = site.node.resource.dialect === "draft-07";
  const { minContains, maxContains } = ofDraft7
    ? {}
    : (site.schema as { minContains?: unknown; maxContains?: unknown });
  for (const [keyword, bound] of Object.entries({ minContains, maxContains }))
    if (bound !== undefined && !isCount(bound)) site.wrong(keyword, "must be an integer of 0 or more");
  if (node === null) return null;
  const least = isCount(minContains) ? Number(minContains) : 1;
  const most = isCount(maxContains) ? Number(maxContains) : Number.POSITIVE_INFINITY;
  const message = (): string =>
    most === Number.POSITIVE_INFINITY
      ? `must contain at least ${least} valid item(s)`
      : `must contain at least ${least} and no more than ${most} valid item(s)`;
  return (run, value, place, evaluated) => {
    if (!Array.isArray(value)) return true;
    let matching = 0;
    for (const [at, element] of value.entries()) {
      if (!run.matches(node, element, placeBelow(place, at), null)) continue;
      matching += 1;
      if (!ofDraft7 && evaluated !== null) {
        run.steps.take(STEPS_A_LOOKUP);
        evaluated.add(at);
      }
      if (matching > most || (evaluated === null && matching >= least && most === Number.POSITIVE_INFINITY)) break;
    }
    return (matching >= least && matching <= most) || run.fail(place, message);
  };
}

export function compileUnevaluatedItems(site: Site, schema: unknown): Check | null {
  const node = site.below(schema, "/unevaluatedItems");
  if (node === null) return null;
  return (run, value, place, evaluated) => {
    if (!Array.isArray(value)) return true;
    let valid = true;
    run.steps.take(value.length);
    for (const [at, element] of value.entries()) {
      if (evaluated?.has(at) === true) continue;
      if (schema === false) return moreThan(run, place, at);
      if (!run.evaluate(node, element, placeBelow(place, at), null)) valid = false;
      if (!valid && run.stops) return false;
    }
    evaluated?.addAll();
    return valid;
  };
}
