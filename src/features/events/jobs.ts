/** The job that reads the event history. It runs in the worker pool, or on the front if it is short. */
import { ListEnd } from "../../../schemas/common.js";
import { type CommittedEvent, EventHistoryRequest, EventList } from "../../../schemas/events.js";
import { cursor, encodeList } from "../../base/json-array.js";
import { Failure } from "../../base/result.js";
import { DATABASE } from "../../platform/threads/model.js";
import { streamJob } from "../../platform/threads/pool-method.js";
import type { Db } from "../../platform/store/open.js";
import { idRange } from "../../platform/store/id-range.js";
import { compilePattern, type Pattern } from "../../platform/topics/pattern.js";
import { PatternIndex } from "../../platform/topics/pattern-index.js";
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
    const matches = matcherOf(request);
    if (matches instanceof Failure) return matches;
    const next = request.after === null ? "before" : "after";
    return yield* encodeList(matching(events, db, request, matches), {
      encode: ({ text }) => text,
      cursorOf: ({ id }) => cursor(next, id),
      limit: request.last,
    });
  },
});

type TopicTest = (topic: string) => boolean;

/** For at most this many topics, testing each pattern is faster than building an index of the patterns. */
const TOPICS_WITHOUT_INDEX = 32;

/**
 * Returns a function that tests whether a topic matches any of the patterns. After some topics, the function builds an
 * index of the patterns.
 */
function matcherOf({ pattern: text, or_patterns }: EventHistoryRequest): TopicTest | Failure {
  const patterns: Pattern[] = [];
  for (const each of [text, ...or_patterns]) {
    const pattern = compilePattern(each);
    if (pattern instanceof Failure) return pattern;
    patterns.push(pattern);
  }
  const [first, ...others] = patterns;
  if (first !== undefined && others.length === 0) return (topic) => first.matches(topic);
  const index = new PatternIndex();
  let topics = 0;
  return (topic) => {
    topics += 1;
    if (topics <= TOPICS_WITHOUT_INDEX) return patterns.some((pattern) => pattern.matches(topic));
    if (index.size === 0) for (const pattern of patterns) index.add(pattern);
    return index.match(topic).length > 0;
  };
}

function* matching(
  events: EventReader,
  db: Db,
  request: EventHistoryRequest,
  matches: TopicTest,
): Generator<CommittedEvent, void, undefined> {
  const { first, end, from, to } = idRange(db, "event", request.from, request.to);
  const rows = events.scan({
    first: request.after === null ? first : Math.max(first, request.after + 1),
    end: request.before === null ? end : Math.min(end, request.before),
    newestFirst: request.after === null,
    // If the pattern is a single topic, let SQLite filter by it. This is faster than matching each topic here.
    topic: request.or_patterns.length === 0 && isLiteral(request.pattern) ? request.pattern : null,
    source: request.source,
  });
  let left = request.last;
  for (const row of rows) {
    if (!matches(row.topic) || row.created_at < from || row.created_at > to) continue;
    yield encodeEvent(row);
    left -= 1;
    if (left === 0) return;
  }
}

function isLiteral(pattern: string): boolean {
  return pattern !== "" && !/[*?[\\]/.test(pattern);
}
