/**
 * A JSON array as a sequence of chunks of bounded size, for answers that may be long. Pure. By hand: libraries
 * that stream JSON take values, and these are texts already.
 */
import { LIST_BYTES_MAX, STREAM_CHUNK_CHARACTERS } from "../../schemas/limits.js";

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

/** How the items of a list are written, and where the list goes on behind one of them. */
export interface ListEncoding<Item> {
  readonly encode: (item: Item) => string;
  /** The parameters of the query with which the list goes on behind an item: `after=plan%2Fbuild`. */
  readonly cursorOf: (item: Item) => string;
  /** Is told of each item that is in the list. */
  readonly onListed?: (item: Item) => void;
  /** LIST_BYTES_MAX where it is not given. */
  readonly bytesMax?: number;
}

/**
 * As `encodeArray`, for a list that ends before its items have more than LIST_BYTES_MAX together. One item is always in
 * it.
 * @returns where the list goes on; null where there is no more
 */
export function* encodeList<Item>(
  items: Iterable<Item>,
  { encode, cursorOf, onListed, bytesMax = LIST_BYTES_MAX }: ListEncoding<Item>,
): Generator<string, string | null, undefined> {
  let next: string | null = null;
  function* texts(): Generator<string, void, undefined> {
    let bytes = 0;
    let last: Item | undefined;
    for (const item of items) {
      const text = encode(item);
      bytes += Buffer.byteLength(text);
      if (last !== undefined && bytes > bytesMax) {
        next = cursorOf(last);
        return;
      }
      last = item;
      onListed?.(item);
      yield text;
    }
  }
  yield* encodeArray(texts());
  return next;
}

/** A parameter of a query: `after=plan%2Fbuild`. */
export function cursor(name: string, value: string | number): string {
  return `${name}=${encodeURIComponent(String(value).toWellFormed())}`;
}

/** The chunks with a beginning and an end, and what they return; what is short is one chunk. */
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
