/** The history of events. Runs in the pool, or on the front where it is short. */
import type { EventHistoryRequest } from "../../schemas/events.js";
import { encodeArray } from "../base/json-array.js";
import { Failure } from "../base/result.js";
import { idRange } from "../store/id-range.js";
import type { ReadContext } from "../store/read-context.js";
import { compilePattern, type Pattern } from "../topics/pattern.js";
import { encodeEvent } from "./encode.js";

export function* eventHistory(
  context: ReadContext,
  request: EventHistoryRequest,
): Generator<string | Failure, void, undefined> {
  const pattern = compilePattern(request.pattern);
  if (pattern instanceof Failure) yield pattern;
  else yield* encodeArray(matching(context, request, pattern));
}

function* matching(
  context: ReadContext,
  request: EventHistoryRequest,
  pattern: Pattern,
): Generator<string, void, undefined> {
  const { first, end } = idRange(context.db, "event", request.from, request.to);
  const rows = context.events.scan({
    first: request.after === null ? first : Math.max(first, request.after + 1),
    end,
    newest_first: request.after === null,
    // SQLite passes over other topics faster than a pattern does.
    topic: isLiteral(request.pattern) ? request.pattern : null,
    source: request.source,
  });
  let left = request.last;
  for (const row of rows) {
    if (!pattern.matches(row.topic)) continue;
    yield encodeEvent(row).text;
    left -= 1;
    if (left === 0) return;
  }
}

function isLiteral(pattern: string): boolean {
  return pattern !== "" && !/[*?[\\]/.test(pattern);
}
