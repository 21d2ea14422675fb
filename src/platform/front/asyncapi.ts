/**
 * Serves `GET /asyncapi.json`, the AsyncAPI 3.0 description of the messages that the server sends by itself: the events
 * and changes in its streams, and its requests to webhooks. The description is generated from the schemas of these
 * messages.
 */
import * as Type from "typebox";
import type { TSchema } from "typebox";
import { ChangeMessage, ChangesQuery } from "../../../schemas/changes.js";
import { NonNegative, Timestamp } from "../../../schemas/common.js";
import { DroppedNotice, LaggedNotice, SERVER_TOPICS, SubscribeQuery } from "../../../schemas/events.js";
import { SERVER_EVENTS } from "../../../schemas/server-events.js";
import { WEBHOOK_TEST_TOPIC } from "../../../schemas/webhooks.js";
import { type Json, publishedSchema } from "./published-schema.js";
import { fixedJsonReply } from "./reply.js";
import { route, type Route, type Reply } from "./route.js";

/**
 * The name under which all other events are described. Such an event is published by a client, or was added in a later
 * version of the server.
 */
const ANY_EVENT = "event";

/** Returns the route that serves the description. */
export function asyncApiRoute(version: string): Route {
  let reply: Reply | null = null;
  return route({
    method: "GET",
    path: "/asyncapi.json",
    name: "asyncapi",
    tag: "metrics",
    summary: "Describes the events, the changes and the requests to webhooks (AsyncAPI 3.0).",
    answer: "json",
    uncounted: true,
    handle: () => {
      reply ??= fixedJsonReply(JSON.stringify(describeMessages(version)));
      return reply;
    },
  });
}

/** Returns the AsyncAPI description. */
export function describeMessages(version: string): Json {
  const events = [ANY_EVENT, ...SERVER_TOPICS];
  const streamed = [...events, "dropped", "lagged"];
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Koor",
      version,
      description: "Coordination server for AI coding agents: its streams of events and changes, and its webhooks.",
      license: { name: "MIT" },
    },
    defaultContentType: "application/json",
    servers: {
      websocket: { ...SERVER, protocol: "ws" },
      http: { ...SERVER, protocol: "http" },
    },
    channels: {
      subscribe: {
        address: "/api/events/subscribe",
        title: "Events over WebSocket",
        description: "Each event that fits the pattern is one text frame.",
        servers: [{ $ref: "#/servers/websocket" }],
        messages: channelMessages(streamed),
        bindings: { ws: { method: "GET", query: publishedSchema(SubscribeQuery), bindingVersion: "0.1.0" } },
      },
      stream: {
        address: "/api/events/stream",
        title: "Events as Server-Sent Events",
        description: "`data:` is the message, `id:` the event's id. `event:` is `dropped` or `lagged` for a notice.",
        servers: [{ $ref: "#/servers/http" }],
        messages: channelMessages(streamed),
      },
      changes: {
        address: "/api/changes",
        title: "Names of what changed, as Server-Sent Events",
        servers: [{ $ref: "#/servers/http" }],
        messages: channelMessages(["change"]),
      },
      webhook: {
        address: null,
        title: "Events as requests to a webhook",
        description: "The address is the URL of the webhook. Any 2xx within 10 seconds accepts a delivery.",
        messages: channelMessages(["delivery"]),
      },
    },
    operations: {
      sendToSubscriber: send("subscribe"),
      sendToStream: send("stream", { method: "GET", query: publishedSchema(SubscribeQuery) }),
      sendChange: send("changes", { method: "GET", query: publishedSchema(ChangesQuery) }),
      deliverToWebhook: send("webhook", { method: "POST" }),
    },
    components: {
      messages: {
        [ANY_EVENT]: {
          title: "An event that a client has published",
          payload: publishedSchema(eventOf(Type.String(), Type.Unknown())),
        },
        ...Object.fromEntries(SERVER_TOPICS.map((topic) => [topic, describeServerEvent(topic)])),
        dropped: { title: "Events were dropped for this reader", payload: publishedSchema(DroppedNotice) },
        lagged: { title: "The reader's position is ahead of the server's", payload: publishedSchema(LaggedNotice) },
        change: { title: "A change", payload: publishedSchema(ChangeMessage) },
        delivery: {
          title: "A delivery",
          headers: publishedSchema(DeliveryHeaders),
          payload: publishedSchema(Delivery),
        },
      },
    },
  };
}

const SERVER = {
  host: "{host}",
  variables: { host: { default: "localhost:9800", description: "The address that --bind names." } },
};

/** The body of a request to a webhook. Its `event_id` is the event's id, or 0 for a test delivery. */
const Delivery = Type.Object({
  topic: Type.String({ description: `\`${WEBHOOK_TEST_TOPIC}\` for a test delivery.` }),
  data: Type.Unknown(),
  source: Type.String(),
  event_id: NonNegative,
  created_at: Timestamp,
});
const DeliveryHeaders = Type.Object({
  "X-Koor-Event": Type.Literal("true"),
  "X-Koor-Delivery": Type.String({ description: "The same for every try of this event to this webhook." }),
  "X-Koor-Hops": Type.String({ pattern: "^[0-9]+$", description: "The deliveries that led to this event." }),
  "X-Koor-Signature": Type.Optional(
    Type.String({ description: "HMAC-SHA256 of the body under the webhook's secret, in hex." }),
  ),
});

function eventOf(topic: TSchema, data: TSchema, source: TSchema = Type.String()): TSchema {
  return Type.Object({ id: NonNegative, topic, data, source, created_at: Timestamp });
}

function describeServerEvent(topic: (typeof SERVER_TOPICS)[number]): Json {
  const { summary, source, data } = SERVER_EVENTS[topic];
  const payload = eventOf(Type.Literal(topic), data, source === null ? Type.String() : Type.Literal(source));
  return { title: topic, summary, payload: publishedSchema(payload) };
}

function channelMessages(names: readonly string[]): Json {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }]));
}

function send(channel: string, http?: Json): Json {
  const bindings = http === undefined ? {} : { bindings: { http: { ...http, bindingVersion: "0.3.0" } } };
  return { action: "send", channel: { $ref: `#/channels/${channel}` }, ...bindings };
}
