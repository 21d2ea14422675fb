/**
 * Reads members of JSON values of unknown types. A member of a wrong type counts as missing, because each version of a
 * client may use other types in a hook's input. Pure.
 */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns an object's own member, or undefined. A dot in the name separates the names of nested members. */
export function memberAt(value: unknown, name: string): unknown {
  let member = value;
  for (const part of name.split(".")) {
    if (!isJsonObject(member) || !Object.hasOwn(member, part)) return undefined;
    member = member[part];
  }
  return member;
}

/** Returns the first of the named members that is a non-empty text; undefined if there is none. */
export function textAt(value: unknown, names: readonly string[]): string | undefined {
  for (const name of names) {
    const member = memberAt(value, name);
    if (typeof member === "string" && member !== "") return member;
  }
  return undefined;
}

/** Returns the first of the named members that is not null; undefined if there is none. */
export function valueAt(value: unknown, names: readonly string[]): unknown {
  for (const name of names) {
    const member = memberAt(value, name);
    if (member !== undefined && member !== null) return member;
  }
  return undefined;
}

/** Returns the texts of an array, without its other items; an empty array for any other value. */
export function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}
