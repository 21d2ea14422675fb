/** Builds paths and query strings of the public API. Pure. */

/** Returns a path below `/api` that consists of these segments, each percent-encoded. */
export function apiPath(...segments: readonly string[]): string {
  return `/api/${segments.map((segment) => encodeURIComponent(segment)).join("/")}`;
}

/** Returns the API path of a state key. The slashes in the key stay unescaped. */
export function statePath(key: string): string {
  return apiPath("state", ...keySegments(key));
}

/**
 * Splits a state key at its slashes into path segments. A key with a part `.` or `..` stays a single segment, because
 * browsers would resolve that part. A key that ends with a slash stays a single segment, too, because a router would
 * drop the slash.
 */
export function keySegments(key: string): readonly string[] {
  const parts = key.split("/");
  return parts.some(isStep) || parts.at(-1) === "" ? [key] : parts;
}

/**
 * Returns whether a path segment is `.` or `..`. A browser cannot request a path with this segment, even if it is
 * encoded.
 */
export function isStep(segment: string): boolean {
  return segment === "." || segment === "..";
}

/** Returns a query string with the parameters that are defined and not empty; "" if there are none. */
export function query(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`;
}
