/**
 * Writes a JSON array as a sequence of chunks of bounded size, because an answer may be long. Pure. Not a library:
 * libraries that stream JSON expect values, but the items here are already JSON texts.
 */
import { LIST_BYTES_MAX } from "../../schemas/limits/answers.js";
import { STREAM_CHUNK_CHARACTERS } from "../../schemas/limits/rpc.js";

/** Joins the JSON texts of the items into `[a,b,…]`. Yields chunks of about STREAM_CHUNK_CHARACTERS. */
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

/** Defines how a list is encoded: the text of each item, and the cursor after each item. */
export interface ListEncoding<Item> {
  readonly encode: (item: Item) => string;
  /** Returns the query parameters that continue the list after an item, for example `after=plan%2Fbuild`. */
  readonly cursorOf: (item: Item) => string;
  /** Called for each item that is in the answer, but not for items that did not fit. */
  readonly onListed?: (item: Item) => void;
  /** The `limit` of the request, if it has one. `items` has no more items than this. */
  readonly limit?: number | null;
  /** The maximum size of all items together, in bytes; LIST_BYTES_MAX by default. */
  readonly bytesMax?: number;
}

/**
 * Encodes a list like `encodeArray`, but ends it when the next item would make the items larger than LIST_BYTES_MAX.
 * The first item is always included. A list that ends at its limit has a cursor as well, without a search for a further
 * item: a filter that matches few items would make that search long.
 * @returns the cursor that continues the list; null if the list is complete
 */
export function* encodeList<Item>(
  items: Iterable<Item>,
  { encode, cursorOf, onListed, limit = null, bytesMax = LIST_BYTES_MAX }: ListEncoding<Item>,
): Generator<string, string | null, undefined> {
  let next: string | null = null;
  function* texts(): Generator<string, void, undefined> {
    let bytes = 0;
    let count = 0;
    let last: Item | undefined;
    for (const item of items) {
      const text = encode(item);
      bytes += Buffer.byteLength(text);
      if (last !== undefined && bytes > bytesMax) {
        next = cursorOf(last);
        return;
      }
      last = item;
      count += 1;
      onListed?.(item);
      yield text;
    }
    if (last !== undefined && count === limit) next = cursorOf(last);
  }
  yield* encodeArray(texts());
  return next;
}

/** Returns a query parameter: `after=plan%2Fbuild`. */
export function cursor(name: string, value: string | number): string {
  return `${name}=${encodeURIComponent(String(value).toWellFormed())}`;
}

/**
 * Adds a text before and after a sequence of chunks. Small chunks are joined, so that a short result is one chunk.
 * @returns the return value of `chunks`
 */
export function* wrapChunks<End>(
  begin: string,
  chunks: Iterable<string, End>,
  end: () => string,
): Generator<string, End, undefined> {
  let text = begin;
  const iterator = chunks[Symbol.iterator]();
  try {
    for (let next = iterator.next(); ; next = iterator.next()) {
      if (next.done === true) {
        yield text + end();
        return next.value;
      }
      text += next.value;
      if (text.length < STREAM_CHUNK_CHARACTERS) continue;
      yield text;
      text = "";
    }
  } finally {
    iterator.return?.();
  }
}
