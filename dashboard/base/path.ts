/** Paths of the public API, and queries. Pure. */

/** The path of these segments below `/api`, each percent-encoded. */
export function apiPath(...segments: readonly string[]): string {
  return `/api/${segments.map((segment) => encodeURIComponent(segment)).join("/")}`;
}

/** The path of a state key: its slashes stay what they are. */
export function statePath(key: string): string {
  return apiPath("state", ...keySegments(key));
}

/**
 * The segments that a state key is in a path: its parts, or all of it as one where browsers would take some of them
 * for steps between folders, and routers a slash at the end for none.
 */
export function keySegments(key: string): readonly string[] {
  const parts = key.split("/");
  return parts.some(isStep) || parts.at(-1) === "" ? [key] : parts;
}

/** Whether a segment of a path is a step: neither encoded nor not can a browser ask for it. */
export function isStep(segment: string): boolean {
  return segment === "." || segment === "..";
}

/** A query string of what is given; "" for nothing. */
export function query(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`;
}
