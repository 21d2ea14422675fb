/**
 * What makes JSON a contract at first sight, for whoever stores one and for whoever reads it. Endpoints that
 * are written wrong are no fault of this kind: they are violations of what is checked against them.
 */
import { CONTRACT_DEPTH_MAX } from "./limits.js";

/** Whether a parsed value has more than so many levels of objects and arrays. Goes no deeper than these. */
export function isTooDeep(value: unknown, levels = CONTRACT_DEPTH_MAX): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((member) => isTooDeep(member, levels - 1));
}

/** The first thing that keeps a parsed value from being a contract, as a clause; undefined where nothing does. */
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
 * The JSON Schema that a definition of an endpoint holds, undefined where it is a map of fields: an object with
 * `$schema`, or with `schema` as its only member.
 */
export function jsonSchemaOf(definition: { readonly [name: string]: unknown }): unknown {
  if (typeof definition["$schema"] === "string") return definition;
  const { schema } = definition;
  if (Object.keys(definition).length !== 1) return undefined;
  if (typeof schema === "boolean") return schema;
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return undefined;
  // A field that happens to be named "schema" says of itself what no JSON Schema can say.
  const { required } = schema as { readonly required?: unknown };
  return typeof required === "boolean" || Object.hasOwn(schema, "fields") ? undefined : schema;
}
