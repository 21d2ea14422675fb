/**
 * Converts texts so that uWebSockets.js sends them as UTF-8. In its binaries for Node 24 and later, the library sends a
 * text wrongly if all characters are below U+0100: as one byte for each character. So on these versions, texts are
 * converted to bytes first.
 */

/** The ABI number (`process.versions.modules`) of Node 24. */
const BYTES_SINCE = 137;
const TAKES_BYTES = Number(process.versions.modules) >= BYTES_SINCE;

/** Converts a text to a form that the library sends as UTF-8. */
export const wireText: (text: string) => string | Uint8Array = TAKES_BYTES
  ? (text) => Buffer.from(text)
  : (text) => text;

/** Like `wireText`, but does not convert an ASCII text. Headers are nearly always ASCII. */
export const wireHeaders: typeof wireText = TAKES_BYTES
  ? (text) => (Buffer.byteLength(text) === text.length ? text : Buffer.from(text))
  : (text) => text;
