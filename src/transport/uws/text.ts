/**
 * Converts texts for uWebSockets.js. Its binaries for Node 24 and later send a text whose characters are all below
 * U+0100 as it is in memory, with one byte for each character, which is not UTF-8. So these versions get bytes.
 */

/** Node's number of the binary interface of major version 24. */
const BYTES_SINCE = 137;
const TAKES_BYTES = Number(process.versions.modules) >= BYTES_SINCE;

/** Converts a text that the library must send as UTF-8. */
export const wireText: (text: string) => string | Uint8Array = TAKES_BYTES
  ? (text) => Buffer.from(text)
  : (text) => text;

/** The same as `wireText`, for headers, which are nearly always ASCII. */
export const wireHeaders: typeof wireText = TAKES_BYTES
  ? (text) => (Buffer.byteLength(text) === text.length ? text : Buffer.from(text))
  : (text) => text;
