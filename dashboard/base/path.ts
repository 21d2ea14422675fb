/** Builds paths and query strings of the public API. Pure. */
import { splitKey } from "../../shared/key-segments.js";

/** Returns a path below `/api` that consists of these segments, each percent-encoded. */
export function apiPath(...segments: readonly string[]): string {
  return `/api/${segments.map((segment) => encodeURIComponent(segment)).join("/")}`;
}

/** Returns the API path of a state key. The slashes in the key stay unescaped. */
export function statePath(key: string): string {
  return apiPath("state", ...keySegments(key));
}

/**
 * Splits a state key into path segments. A key that ends with a slash stays a single segment, because a router would
 * drop the slash.
 */
export function keySegments(key: string): readonly string[] {
  return key.endsWith("/") ? [key] : splitKey(key);
}

/** Returns a query string with the parameters that are defined and not empty; "" if there are none. */
export function query(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`;
}
