/**
 * Decides whether a JSON value is a contract; code that writes contracts and code that reads them share it. A contract
 * may have malformed endpoints: they are reported as violations when something is checked against them.
 */
import { CONTRACT_DEPTH_MAX } from "./limits/contracts.js";

/** Returns whether a parsed value nests objects and arrays more than `levels` deep. It looks no deeper than that. */
export function isTooDeep(value: unknown, levels = CONTRACT_DEPTH_MAX): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((member) => isTooDeep(member, levels - 1));
}

/** Returns the first reason why a parsed value is not a contract, as a clause; undefined if it is one. */
export function findContractFault(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "it must be a JSON object";
  const { kind, endpoints = null } = value as { readonly kind?: unknown; readonly endpoints?: unknown };
  if (kind === undefined) return 'the member "kind": "contract" is missing';
  if (kind !== "contract") return 'its member "kind" must be "contract"';
  if (endpoints !== null && (typeof endpoints !== "object" || Array.isArray(endpoints)))
    return 'its member "endpoints" must be an object';
  return isTooDeep(value) ? `it is nested deeper than ${CONTRACT_DEPTH_MAX} levels` : undefined;
}

/**
 * Returns the JSON Schema in an endpoint's definition. A definition is a schema if it has `$schema`; an object whose
 * only member is `schema` contains one. Returns undefined if the definition is a map of fields.
 */
export function jsonSchemaOf(definition: { readonly [name: string]: unknown }): unknown {
  if (typeof definition["$schema"] === "string") return definition;
  const { schema } = definition;
  if (Object.keys(definition).length !== 1) return undefined;
  if (typeof schema === "boolean") return schema;
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return undefined;
  // The definition may be a map with a field that happens to be named "schema". Such a field has a boolean `required`,
  // or `fields`; no JSON Schema has either.
  const { required } = schema as { readonly required?: unknown };
  return typeof required === "boolean" || Object.hasOwn(schema, "fields") ? undefined : schema;
}
