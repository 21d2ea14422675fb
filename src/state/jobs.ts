/** Listing the state store. Runs in the pool, or on the front where it is short. */
import type { ListRequest } from "../../schemas/state.js";
import { encodeArray } from "../base/json-array.js";
import { formatTime } from "../base/time.js";
import type { ReadContext } from "../store/read-context.js";

/** Keys that are read from the database at once. */
const LIST_PAGE_KEYS = 500;

export function* listState(context: ReadContext, request: ListRequest): Generator<string, void, undefined> {
  yield* encodeArray(listedKeys(context, request));
}

function* listedKeys(context: ReadContext, request: ListRequest): Generator<string, void, undefined> {
  let left = request.limit ?? Number.POSITIVE_INFINITY;
  let after = request.after;
  while (left > 0) {
    const page = Math.min(left, LIST_PAGE_KEYS);
    const rows = context.state.list(request.prefix, after, page);
    for (const { key, version, content_type, updated_at } of rows) {
      yield `{"key":${JSON.stringify(key)},"version":${version},"content_type":${JSON.stringify(content_type)},"updated_at":"${formatTime(updated_at)}"}`;
      after = key;
    }
    if (rows.length < page) return;
    left -= page;
  }
}
