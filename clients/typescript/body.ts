/** Reads the body of an answer, up to a limit. Without the limit, an endless answer would fill the client's memory. */
import { UnavailableError } from "./errors.js";

/** The maximum length of an answer's body, in bytes. No answer of Koor is nearly as long. */
export const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

/** Reads a whole body. If it is longer than the limit, closes the connection and throws. */
export async function readBody(
  { body }: Pick<Response, "body">,
  bytesMax: number = ANSWER_BYTES_MAX,
): Promise<Uint8Array<ArrayBuffer>> {
  if (body === null) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      parts.push(read.value);
      length += read.value.length;
      if (length > bytesMax)
        throw new UnavailableError(`the answer is longer than ${bytesMax} bytes`, { outcomeUnknown: true });
    }
  } finally {
    // Ignores an error of `cancel`, because the answer may have failed already.
    await reader.cancel().catch(() => undefined);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
