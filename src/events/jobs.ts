/** The history of events. Runs in the pool, or on the front where it is short. */
import { ListEnd } from "../../schemas/common.js";
import { type CommittedEvent, EventHistoryRequest, EventList } from "../../schemas/events.js";
import { cursor, encodeList } from "../base/json-array.js";
import { Failure } from "../base/result.js";
import { DATABASE } from "../threads/model.js";
import { streamJob } from "../threads/pool-method.js";
import type { Db } from "../store/open.js";
import { idRange } from "../store/id-range.js";
import { compilePattern, type Pattern } from "../topics/pattern.js";
import { encodeEvent } from "./encode.js";
import { eventReader, type EventReader } from "./table.js";

export const eventHistory = streamJob({
  name: "events.history",
  request: EventHistoryRequest,
  text: EventList,
  reply: ListEnd,
  cost: "bounded",
  models: { events: eventReader, db: DATABASE },
  *run({ events, db }, request) {
    const pattern = compilePattern(request.pattern);
    if (pattern instanceof Failure) return pattern;
    const next = request.after === null ? "before" : "after";
    return yield* encodeList(matching(events, db, request, pattern), {
      encode: ({ text }) => text,
      cursorOf: ({ id }) => cursor(next, id),
    });
  },
});

function* matching(
  events: EventReader,
  db: Db,
  request: EventHistoryRequest,
  pattern: Pattern,
): Generator<CommittedEvent, void, undefined> {
  const { first, end, from, to } = idRange(db, "event", request.from, request.to);
  const rows = events.scan({
    first: request.after === null ? first : Math.max(first, request.after + 1),
    end: request.before === null ? end : Math.min(end, request.before),
    newest_first: request.after === null,
    // SQLite passes over other topics faster than a pattern does.
    topic: isLiteral(request.pattern) ? request.pattern : null,
    source: request.source,
  });
  let left = request.last;
  for (const row of rows) {
    if (!pattern.matches(row.topic) || row.created_at < from || row.created_at > to) continue;
    yield encodeEvent(row);
    left -= 1;
    if (left === 0) return;
  }
}

function isLiteral(pattern: string): boolean {
  return pattern !== "" && !/[*?[\\]/.test(pattern);
}
