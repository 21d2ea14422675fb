/** Encodes keys of the shared state for URL paths. Pure; runs in the CLI process. */

/**
 * Returns a key as the last part of a URL path. Slashes stay, unless a segment of the key is `.` or `..`. A proxy may
 * resolve such a segment (`../instances/ID`), and the server would get a request for another resource. Keys may come
 * from any agent.
 */
export function encodeKey(key: string): string {
  const parts = key.split("/");
  const hasStep = parts.length > 1 && parts.some((part) => part === "." || part === "..");
  return hasStep ? encodeURIComponent(key) : parts.map(encodeURIComponent).join("/");
}
