/**
 * Names that an older version has stored may hold characters that cannot be seen, which today's shapes refuse. Pure.
 */
import { maskHidden } from "../../schemas/visible-text.js";

function mask(value: unknown): unknown {
  return typeof value === "string" ? maskHidden(value) : value;
}

/**
 * A stored object, with stand-ins for such characters in its texts and lists of texts: to be checked against a shape in
 * its place. What is no object comes back as it is.
 */
export function maskStoredNames(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  // Not Object.assign: a member may be named __proto__.
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, Array.isArray(member) ? member.map(mask) : mask(member)]),
  );
}
