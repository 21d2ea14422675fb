/** Encodes keys of state for paths. Pure; runs in the CLI process. */

/**
 * Returns a key as the end of a path. Its slashes stay, unless it has a part of `.` or `..`: a proxy may resolve such a
 * part, and the request would be another one. A key such as `../instances/ID` may come from any agent.
 */
export function encodeKey(key: string): string {
  const parts = key.split("/");
  const hasStep = parts.length > 1 && parts.some((part) => part === "." || part === "..");
  return hasStep ? encodeURIComponent(key) : parts.map(encodeURIComponent).join("/");
}
