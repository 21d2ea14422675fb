/**
 * Texts as they are handed to uWebSockets.js. Its binaries for Node 24 and later send a text whose characters all lie
 * below U+0100 as it lies in memory, one byte a character, which is not UTF-8: there it gets bytes.
 */

/** Node's own number of the binary interface of line 24. */
const BYTES_SINCE = 137;
const TAKES_BYTES = Number(process.versions.modules) >= BYTES_SINCE;

/** A text for the library to send as UTF-8. */
export const wireText: (text: string) => string | Uint8Array = TAKES_BYTES
  ? (text) => Buffer.from(text)
  : (text) => text;

/** As `wireText`, for headers, in which hardly ever anything but ASCII stands. */
export const wireHeaders: typeof wireText = TAKES_BYTES
  ? (text) => (Buffer.byteLength(text) === text.length ? text : Buffer.from(text))
  : (text) => text;
