/**
 * Masks hidden characters in stored names. Older versions have stored such names, and the current schemas reject them.
 * Pure.
 */
import { maskHidden } from "../../schemas/visible-text.js";

function mask(value: unknown): unknown {
  return typeof value === "string" ? maskHidden(value) : value;
}

/**
 * Returns a copy of a stored object whose texts, and lists of texts, have visible characters instead of hidden ones. So
 * the copy can be checked against a schema. A value that is not an object is returned unchanged.
 */
export function maskStoredNames(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  // Object.assign would not copy a member that is named __proto__.
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, Array.isArray(member) ? member.map(mask) : mask(member)]),
  );
}
