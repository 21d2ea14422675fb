/**
 * Decides whether JSON is a contract, for writers and readers of contracts. Malformed endpoints do not matter here:
 * they are reported as violations when something is checked against them.
 */
import { CONTRACT_DEPTH_MAX } from "./limits.js";

/** Whether a parsed value nests objects and arrays more than `levels` deep. It descends no deeper than that. */
export function isTooDeep(value: unknown, levels = CONTRACT_DEPTH_MAX): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((member) => isTooDeep(member, levels - 1));
}

/** Returns the first reason why a parsed value is no contract, as a clause; undefined if it is one. */
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
 * Returns the JSON Schema in an endpoint's definition: an object with `$schema`, or with `schema` as its only member.
 * Undefined if the definition is a map of fields.
 */
export function jsonSchemaOf(definition: { readonly [name: string]: unknown }): unknown {
  if (typeof definition["$schema"] === "string") return definition;
  const { schema } = definition;
  if (Object.keys(definition).length !== 1) return undefined;
  if (typeof schema === "boolean") return schema;
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return undefined;
  // A field that happens to be named "schema" has members that no JSON Schema can have.
  const { required } = schema as { readonly required?: unknown };
  return typeof required === "boolean" || Object.hasOwn(schema, "fields") ? undefined : schema;
}
