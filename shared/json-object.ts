/** Distinguishes JSON objects from other JSON values. Pure: server, command line and dashboard use it. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** Returns whether a value is a JSON object. Null and arrays are not objects. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
