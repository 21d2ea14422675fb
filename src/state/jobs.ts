/** Longer reads of the state store. Run in the pool, or on the front where they are short. */
import { isUtf8 } from "node:buffer";
import type { DiffRequest, HistoryRequest, ListRequest } from "../../schemas/state.js";
import { encodeArray } from "../base/json-array.js";
import { parseJsonText, type JsonNode } from "../base/json-text.js";
import { Failure, invalid, notFound } from "../base/result.js";
import { formatTime } from "../base/time.js";
import type { ReadContext } from "../store/read-context.js";
import { diffNodes } from "../versioned/diff.js";

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

export function stateHistory(context: ReadContext, request: HistoryRequest): string | Failure {
  const versions = context.state.history(request.key, request.limit);
  if (versions === undefined) return notFound(`key not found: ${request.key}`);
  return JSON.stringify({
    key: request.key,
    versions: versions.map((info) => ({
      key: request.key,
      version: info.version,
      hash: info.hash.toString("hex"),
      content_type: info.content_type,
      updated_at: formatTime(info.updated_at),
      updated_by: info.updated_by,
    })),
  });
}

export function diffState(context: ReadContext, request: DiffRequest): string | Failure {
  const { key, v1, v2 } = request;
  const before = jsonOf(context, key, v1);
  if (before instanceof Failure) return before;
  const after = v1 === v2 ? before : jsonOf(context, key, v2);
  if (after instanceof Failure) return after;
  const diffs = diffNodes(before.text, before.root, after.text, after.root);
  if (diffs instanceof Failure) return diffs;
  return `{"key":${JSON.stringify(key)},"v1":${v1},"v2":${v2},"diffs":${diffs}}`;
}

/** A version as JSON text and its tree; 404 where it is not there, 400 where it is not JSON. */
function jsonOf(context: ReadContext, key: string, number: number): { readonly text: string; readonly root: JsonNode } | Failure {
  const version = context.state.version(key, number);
  if (version === undefined) return notFound(`version ${number} not found for key: ${key}`);
  const text = isUtf8(version.value) ? version.value.toString("utf8") : "";
  const root = parseJsonText(text);
  return root === undefined ? invalid(`version ${number} is not JSON`) : { text, root };
}
