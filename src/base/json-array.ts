/**
 * A JSON array as a sequence of chunks of bounded size, for answers that may be long. Pure. By hand: libraries
 * that stream JSON take values, and these are texts already.
 */
import { STREAM_CHUNK_CHARACTERS } from "../../schemas/limits.js";

/** Joins the items' JSON texts into `[a,b,…]`, in chunks of about STREAM_CHUNK_CHARACTERS. */
export function* encodeArray(items: Iterable<string>): Generator<string, void, undefined> {
  let chunk = "[";
  let separator = "";
  for (const item of items) {
    chunk += separator + item;
    separator = ",";
    if (chunk.length >= STREAM_CHUNK_CHARACTERS) {
      yield chunk;
      chunk = "";
    }
  }
  yield `${chunk}]`;
}

/** The chunks with a beginning and an end; what is short is one chunk. */
export function* wrapChunks(
  begin: string,
  chunks: Iterable<string>,
  end: () => string,
): Generator<string, void, undefined> {
  let text = begin;
  for (const chunk of chunks) {
    text += chunk;
    if (text.length < STREAM_CHUNK_CHARACTERS) continue;
    yield text;
    text = "";
  }
  yield text + end();
}
