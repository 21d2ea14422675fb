/** Section 5 of the wire contract: events, and what their RPC methods exchange. */
import { Type, type Static } from "typebox";
import { Instant, Limit, NonNegative, Switch, Timestamp } from "./common.js";
import { LONG_POLL_WAIT_S_MAX, PUBLISH_EVENTS_MAX } from "./limits.js";

export const Event = Type.Object({
  id: Type.Integer({ minimum: 1 }),
  topic: Type.String(),
  data: Type.Unknown({ description: "The publisher's JSON, digit by digit." }),
  source: Type.String(),
  created_at: Timestamp,
});
export const EventList = Type.Array(Event);

export const PublishBody = Type.Object({
  topic: Type.String({ minLength: 1 }),
  data: Type.Optional(Type.Unknown()),
  source: Type.Optional(Type.String()),
});
export const PublishBodies = Type.Union([
  PublishBody,
  Type.Array(PublishBody, { minItems: 1, maxItems: PUBLISH_EVENTS_MAX }),
]);
export const PublishAnswer = Type.Union([Event, Type.Array(Event)]);

export const EventHistoryQuery = Type.Object({
  last: Type.Optional(Limit),
  topic: Type.Optional(Type.String({ description: "A pattern." })),
  from: Type.Optional(Instant),
  to: Type.Optional(Instant),
  source: Type.Optional(Type.String()),
  after: Type.Optional(NonNegative),
  wait: Type.Optional(
    Type.Integer({ minimum: 0, maximum: LONG_POLL_WAIT_S_MAX, description: "Seconds; needs `after`." }),
  ),
});
export const SubscribeQuery = Type.Object({
  pattern: Type.Optional(Type.String()),
  since: Type.Optional(NonNegative),
  notices: Type.Optional(Switch),
});

/** One event to be stored; `data` is JSON text. */
export const NewEvent = Type.Object({ topic: Type.String(), data: Type.String(), source: Type.String() });
export type NewEvent = Static<typeof NewEvent>;

export const PublishRequest = Type.Object({ events: Type.Array(NewEvent) });
export type PublishRequest = Static<typeof PublishRequest>;

/** An event that is on disk: `text` is its whole JSON as every reader gets it, encoded once. */
export const CommittedEvent = Type.Object({
  id: Type.Integer(),
  topic: Type.String(),
  source: Type.String(),
  text: Type.String(),
});
export type CommittedEvent = Static<typeof CommittedEvent>;

export const PublishReply = Type.Object({ events: Type.Array(CommittedEvent) });
export type PublishReply = Static<typeof PublishReply>;

/** `after` null: newest first. Otherwise oldest first, starting right after it. Times in ms. */
export const EventHistoryRequest = Type.Object({
  pattern: Type.String(),
  after: Type.Union([NonNegative, Type.Null()]),
  from: Type.Union([Type.Number(), Type.Null()]),
  to: Type.Union([Type.Number(), Type.Null()]),
  source: Type.Union([Type.String(), Type.Null()]),
  last: Limit,
});
export type EventHistoryRequest = Static<typeof EventHistoryRequest>;

export const PruneRequest = Type.Object({ keep: Type.Integer({ minimum: 0 }) });
export const PruneReply = Type.Object({ removed: Type.Integer(), more: Type.Boolean() });
