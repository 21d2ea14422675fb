/** Splits keys of the shared state for URL paths. Pure; the command line and the dashboard use it. */

/** Returns whether a path segment is `.` or `..`, which browsers and proxies resolve, even if it is encoded. */
export function isStep(segment: string): boolean {
  return segment === "." || segment === "..";
}

/**
 * Splits a key at its slashes into path segments. A key with a segment `.` or `..` stays a single segment: a browser or
 * a proxy may resolve such a segment (`../instances/ID`), and the server would get a request for another resource.
 * Keys may come from any agent.
 */
export function splitKey(key: string): readonly string[] {
  const parts = key.split("/");
  return parts.some(isStep) ? [key] : parts;
}
