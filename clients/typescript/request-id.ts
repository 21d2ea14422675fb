/** Makes the `request_id` of a write. By this id, the server recognizes a repeated request. */
const BYTES = 16;

/** Returns a random id. `crypto.randomUUID` is not used, because only pages that are served over HTTPS have it. */
export function newRequestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
