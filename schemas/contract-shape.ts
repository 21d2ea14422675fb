/**
 * Decides whether a JSON value is a contract, for code that writes contracts and for code that reads them. A contract
 * may have malformed endpoints. If a payload is checked against a malformed endpoint, the fault is reported as a
 * violation.
 */
import { CONTRACT_DEPTH_MAX } from "./limits/contracts.js";

/** Returns whether objects and arrays in a parsed value are nested more than `levels` deep. It stops at that depth. */
export function isTooDeep(value: unknown, levels = CONTRACT_DEPTH_MAX): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((member) => isTooDeep(member, levels - 1));
}

/**
 * Finds the first reason why a parsed value is not a contract. Returns it as a clause for an error message; undefined
 * if the value is a contract.
 */
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
 * Returns the JSON Schema of an endpoint's definition; undefined if the definition is a map of fields. A definition
 * with `$schema` is itself the schema. A definition whose only member is `schema` contains it.
 */
export function jsonSchemaOf(definition: { readonly [name: string]: unknown }): unknown {
  if (typeof definition["$schema"] === "string") return definition;
  const { schema } = definition;
  if (Object.keys(definition).length !== 1) return undefined;
  if (typeof schema === "boolean") return schema;
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return undefined;
  // A map of fields may have a field named "schema". The field then has a boolean `required` or has `fields`. A JSON
  // Schema never has these.
  const { required } = schema as { readonly required?: unknown };
  return typeof required === "boolean" || Object.hasOwn(schema, "fields") ? undefined : schema;
}
