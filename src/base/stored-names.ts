/** Masks hidden characters in names that an older version has stored and today's schemas refuse. Pure. */
import { maskHidden } from "../../schemas/visible-text.js";

function mask(value: unknown): unknown {
  return typeof value === "string" ? maskHidden(value) : value;
}

/**
 * Replaces hidden characters in the texts and lists of texts of a stored object by visible ones, so that the copy can
 * be checked against a schema. A value that is no object is returned as it is.
 */
export function maskStoredNames(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  // Not Object.assign: a member may be named __proto__.
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, Array.isArray(member) ? member.map(mask) : mask(member)]),
  );
}
