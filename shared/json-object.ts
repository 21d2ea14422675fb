/** Tells the objects of JSON from its other values. Pure: server, command line and dashboard use it. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** Returns whether a value is an object: neither null nor an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
