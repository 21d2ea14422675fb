/** Makes the `request_id` of a write, by which the server recognizes the same request again. */
const BYTES = 16;

/** Returns a random name. `crypto.randomUUID` is missing in pages that are not served over HTTPS. */
export function newRequestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
