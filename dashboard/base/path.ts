/** Paths and query strings of the public API. Pure. */

/** Returns the path of these segments below `/api`, each percent-encoded. */
export function apiPath(...segments: readonly string[]): string {
  return `/api/${segments.map((segment) => encodeURIComponent(segment)).join("/")}`;
}

/** Returns the path of a state key. Its slashes stay unescaped. */
export function statePath(key: string): string {
  return apiPath("state", ...keySegments(key));
}

/**
 * Splits a state key into path segments. The key stays a single segment if browsers would resolve one of its parts as
 * `.` or `..`, or if routers would drop its trailing slash.
 */
export function keySegments(key: string): readonly string[] {
  const parts = key.split("/");
  return parts.some(isStep) || parts.at(-1) === "" ? [key] : parts;
}

/** Whether a path segment is `.` or `..`: a browser cannot request it, encoded or not. */
export function isStep(segment: string): boolean {
  return segment === "." || segment === "..";
}

/** Returns a query string of the defined, non-empty parameters; "" if there are none. */
export function query(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`;
}
