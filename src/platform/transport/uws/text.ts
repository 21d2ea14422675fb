/**
 * Converts texts for uWebSockets.js. If all characters of a text are below U+0100, the library's binaries for Node 24
 * and later send one byte for each character, which is not UTF-8. So on these versions the library is given bytes.
 */

/** The ABI number (`process.versions.modules`) of Node 24. */
const BYTES_SINCE = 137;
const TAKES_BYTES = Number(process.versions.modules) >= BYTES_SINCE;

/** Converts a text to a form that the library sends as UTF-8. */
export const wireText: (text: string) => string | Uint8Array = TAKES_BYTES
  ? (text) => Buffer.from(text)
  : (text) => text;

/** Like `wireText`, but for headers, which are nearly always ASCII. */
export const wireHeaders: typeof wireText = TAKES_BYTES
  ? (text) => (Buffer.byteLength(text) === text.length ? text : Buffer.from(text))
  : (text) => text;
