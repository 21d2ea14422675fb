/** Defines the shapes of docs/http-api.md "Events" and of the RPC methods for events. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { Before, Instant, Limit, NonNegative, Switch, Timestamp } from "./common.js";
import { TOPIC_PATTERN_PART } from "./glob.js";
import { PUBLISH_EVENTS_MAX } from "./limits/events.js";
import { PATTERN_BYTES_MAX, SOURCE_BYTES_MAX, TOPIC_BYTES_MAX } from "./limits/names.js";
import { LONG_POLL_WAIT_S_MAX } from "./limits/wait.js";
import { Text } from "./text.js";

/** A topic pattern. src/platform/topics/pattern.ts decides whether a pattern is malformed. */
export const TopicPattern = Text({
  charactersMax: PATTERN_BYTES_MAX,
  line: true,
  promisedPattern: `^${TOPIC_PATTERN_PART}*$`,
  description: "`*`, `?` and classes within a segment, `**` for one or more segments; empty or `*`: every topic.",
});

/**
 * Every topic that the server itself publishes. The table "Events of the server" in docs/http-api.md lists them, too.
 */
export const SERVER_TOPICS = [
  "koor.state.updated",
  "koor.state.deleted",
  "agent.stale",
  "lease.granted",
  "lease.waiting",
  "lease.released",
  "lease.lost",
  "task.created",
  "task.ready",
  "task.claimed",
  "task.done",
  "task.failed",
  "task.dead",
  "task.canceled",
  "task.input_required",
  "task.blocked",
  "task.unblocked",
  "compliance.violation",
  "webhook.disabled",
  "message.sent",
  "agent.denied",
  "radar.overlap",
  "radar.clear",
  "evidence.recorded",
  "llm.usage.recorded",
  "llm.limited",
  "llm.limit.ended",
  "budget.warned",
  "budget.exhausted",
  "budget.reset",
] as const;
export type ServerTopic = (typeof SERVER_TOPICS)[number];

/** The values of `source` in the server's own events. The source of any other event is its actor. */
export const SERVER_SOURCES = ["koor", "liveness-monitor", "compliance-scheduler", "webhooks"] as const;
export type ServerSource = (typeof SERVER_SOURCES)[number];

export const Event = Type.Object({
  id: Type.Integer({ minimum: 0, description: "0 only in a notice, if there is no event." }),
  topic: Type.String(),
  data: Type.Unknown({ description: "The publisher's JSON; numbers keep their digits." }),
  source: Type.String(),
  created_at: Timestamp,
});
export const EventList = Type.Array(Event);

/** The notice that a slow subscriber gets in place of the events that were dropped. */
export const DroppedNotice = Type.Object({
  type: Type.Literal("dropped"),
  count: Type.Integer({ minimum: 1, description: "How many events were dropped." }),
  after_id: Type.Integer({ minimum: 0, description: "The id of the last event before the gap." }),
});
export type DroppedNotice = Static<typeof DroppedNotice>;
/** The notice that a subscriber gets if its position is ahead of the newest event. */
export const LaggedNotice = Type.Object({
  type: Type.Literal("lagged"),
  last_id: Type.Integer({
    minimum: 0,
    description: "The id of the server's newest event, after which the stream continues.",
  }),
});
export type LaggedNotice = Static<typeof LaggedNotice>;

/**
 * The format of the header `X-Koor-Hops`. The header contains the number of webhook deliveries in the chain that led to
 * this publish (docs/webhooks.md "Chains").
 */
export const HOPS = /^[0-9]{1,6}$/;
export const HopsHeader = Type.String({ pattern: HOPS.source });
/** The format of the header `Last-Event-ID`, which contains the id of an event. */
export const EVENT_ID = /^[0-9]{1,15}$/;
export const EventIdHeader = Type.String({ pattern: EVENT_ID.source });

export const PublishBody = Type.Object({
  topic: Text({ charactersMax: TOPIC_BYTES_MAX, required: true, line: true, hidden_later: true }),
  data: Type.Optional(Type.Unknown()),
  source: Type.Optional(Text({ charactersMax: SOURCE_BYTES_MAX, line: true, hidden_later: true })),
});
export type PublishBody = Static<typeof PublishBody>;
export const PublishBodies = Type.Union([
  PublishBody,
  Type.Array(PublishBody, { minItems: 1, maxItems: PUBLISH_EVENTS_MAX }),
]);
export const PublishAnswer = Type.Union([Event, Type.Array(Event)]);

export const EventHistoryQuery = Type.Object({
  last: Type.Optional(Limit),
  topic: Type.Optional(TopicPattern),
  from: Type.Optional(Instant),
  to: Type.Optional(Instant),
  source: Type.Optional(Type.String()),
  after: Type.Optional(NonNegative),
  before: Type.Optional(Before),
  wait: Type.Optional(Type.Integer({ minimum: 0, maximum: LONG_POLL_WAIT_S_MAX, description: "Seconds." })),
});
export const SubscribeQuery = Type.Object({
  pattern: Type.Optional(TopicPattern),
  since: Type.Optional(NonNegative),
  notices: Type.Optional(Switch),
});

/** An event that has not been stored yet. `data` is JSON text. */
export const NewEvent = Type.Object({ topic: Type.String(), data: Type.String(), source: Type.String() });
export type NewEvent = Static<typeof NewEvent>;

/**
 * The chain of webhook deliveries that led to an event. `hops` is the length of the chain, as the client reported it.
 * An event whose chain is too long disables webhooks, but only if the client has the right to disable them (`trusted`).
 * `guarded` says whether the server requires tokens.
 */
export const Chain = Type.Object({ hops: NonNegative, trusted: Type.Boolean(), guarded: Type.Boolean() });
export type Chain = Static<typeof Chain>;

/**
 * The events to publish. Usually no webhook delivery led to them, and `chain` is null. Copying null between threads
 * costs nothing.
 */
export const PublishRequest = Type.Object({
  events: Type.Array(NewEvent),
  chain: Type.Union([Chain, Type.Null()]),
});
export type PublishRequest = Static<typeof PublishRequest>;

/**
 * An event that is on disk. `text` is the complete JSON of the event. It is encoded once, and all readers get the same
 * text.
 */
export const CommittedEvent = Type.Object({
  id: Type.Integer(),
  topic: Type.String(),
  source: Type.String(),
  text: Type.String(),
});
export type CommittedEvent = Static<typeof CommittedEvent>;

/**
 * The events of a commit, in the order of their ids. Each member is a list with one item for each event, because
 * copying a few lists to another thread is cheaper than copying many objects.
 */
export const CommittedEvents = Type.Object({
  ids: Type.Array(Type.Integer()),
  topics: Type.Array(Type.String()),
  sources: Type.Array(Type.String()),
  texts: Type.Array(Type.String()),
});
export type CommittedEvents = Static<typeof CommittedEvents>;

/** The ids of the new events. The events themselves reach the front earlier, in the push message about the commit. */
export const PublishReply = Type.Object({ ids: Type.Array(Type.Integer()) });
export type PublishReply = Static<typeof PublishReply>;

/**
 * Selects stored events. If `after` is null, the events come newest first. Otherwise only events after that id are
 * selected, and come oldest first. Times are in ms.
 */
export const EventHistoryRequest = Type.Object({
  pattern: Type.String(),
  /** Further topic patterns. An event is selected if its topic matches `pattern` or one of these patterns. */
  or_patterns: Type.Array(Type.String()),
  after: Type.Union([NonNegative, Type.Null()]),
  /** Selects only events with an id smaller than this; null means no limit. */
  before: Type.Union([Before, Type.Null()]),
  from: Type.Union([Type.Number(), Type.Null()]),
  to: Type.Union([Type.Number(), Type.Null()]),
  source: Type.Union([Type.String(), Type.Null()]),
  last: Limit,
});
export type EventHistoryRequest = Static<typeof EventHistoryRequest>;

export const PruneRequest = Type.Object({ keep: Type.Integer({ minimum: 0 }) });
export const PruneReply = Type.Object({ removed: Type.Integer(), more: Type.Boolean() });
export type PruneReply = Static<typeof PruneReply>;
