/** Addresses of views and of what is in them. Pure. */
import { keySegments } from "./path.js";

/** The address of a view, or of something in it. */
export function addressOf(slug: string, ...segments: readonly string[]): string {
  const rest = segments.map((segment) => encodeURIComponent(segment)).join("/");
  return rest === "" ? `/${slug}` : `/${slug}/${rest}`;
}

/** The address of a state key: its slashes stay what they are, so that it reads like the key. */
export function stateAddress(key: string): string {
  return addressOf("state", ...keySegments(key));
}

/** The address of an instance's page. */
export function agentAddress(id: string): string {
  return addressOf("agents", id);
}

/** What an address names: a view's slug, and the decoded segments behind it. Null where it is malformed. */
export function parseAddress(path: string): { readonly slug: string; readonly segments: readonly string[] } | null {
  const [slug = "", ...rest] = path.slice(1).split("/");
  try {
    return { slug, segments: rest.map(decodeURIComponent) };
  } catch {
    return null;
  }
}
