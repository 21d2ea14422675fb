/** Builds and parses the addresses of views and of the objects in them. Pure. */
import { keySegments, query } from "./path.js";

/** Returns the address of a view, or of an object that a view shows. */
export function addressOf(slug: string, ...segments: readonly string[]): string {
  const rest = segments.map((segment) => encodeURIComponent(segment)).join("/");
  return rest === "" ? `/${slug}` : `/${slug}/${rest}`;
}

/** Returns the address of a state key. Its slashes stay unescaped, so that the address reads like the key. */
export function stateAddress(key: string): string {
  return addressOf("state", ...keySegments(key));
}

/** Returns the address of an instance's page. */
export function agentAddress(id: string): string {
  return addressOf("agents", id);
}

/**
 * Returns the address of the story view at a time.
 * @param at the time in RFC 3339
 */
export function storyAddress(at: string): string {
  return addressOf("story") + query({ at });
}

/** Parses an address into the view's slug and the decoded segments after it; null if it is malformed. */
export function parseAddress(path: string): { readonly slug: string; readonly segments: readonly string[] } | null {
  const [slug = "", ...rest] = path.slice(1).split("/");
  try {
    return { slug, segments: rest.map(decodeURIComponent) };
  } catch {
    return null;
  }
}
