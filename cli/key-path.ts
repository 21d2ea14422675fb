/** Encodes keys of the shared state for URL paths. Pure; runs in the CLI process. */
import { splitKey } from "../shared/key-segments.js";

/** Returns a key as the last part of a URL path. Slashes stay, unless a segment of the key is `.` or `..`. */
export function encodeKey(key: string): string {
  return splitKey(key).map(encodeURIComponent).join("/");
}
