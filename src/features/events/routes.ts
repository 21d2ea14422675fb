/** Declares the routes of docs/http-api.md "Events". front.ts has the code that the routes share. Runs on the front. */
import {
  EventHistoryQuery,
  EventIdHeader,
  EventList,
  HopsHeader,
  PublishAnswer,
  PublishBodies,
  SubscribeQuery,
} from "../../../schemas/events.js";
import { Failure } from "../../base/result.js";
import { route, type Route } from "../../platform/front/route.js";
import { EVENT_STREAM_HEADERS } from "../../platform/transport/event-stream.js";
import { EventsFront, subscriptionOf, type EventsFrontOptions } from "./front.js";
import type { Streams } from "./stream.js";
import { subscriberOf } from "./websocket.js";

export interface EventRoutesOptions extends EventsFrontOptions {
  readonly streams: Streams;
}

const NEEDS_UPGRADE = new Failure("UPGRADE_REQUIRED", "this endpoint needs the header Upgrade: websocket");

export function eventRoutes(options: EventRoutesOptions): Route[] {
  const { streams } = options;
  const events = new EventsFront(options);
  const tag = "events";
  return [
    route({
      method: "POST",
      path: "/api/events/publish",
      name: "events.publish",
      tag,
      summary: "Publishes one event, or an array of them atomically.",
      headers: { "x-koor-hops": HopsHeader },
      body: { kind: "json", schema: PublishBodies },
      answer: PublishAnswer,
      handle: (request) => events.publish(request),
    }),
    route({
      method: "GET",
      path: "/api/events/history",
      name: "events.history",
      tag,
      summary: "Reads events, newest first, or from a cursor on, and may wait for the next one.",
      query: EventHistoryQuery,
      waits: true,
      answer: EventList,
      handle: (request) => events.history(request),
    }),
    route({
      method: "GET",
      path: "/api/events/subscribe",
      name: "events.subscribe",
      tag,
      summary: "Upgrades to WebSocket: each matching event is one text frame.",
      query: SubscribeQuery,
      answer: "upgrade",
      uncounted: true,
      statuses: [426],
      upgrade: ({ query }) => {
        const subscription = subscriptionOf(query);
        if (subscription instanceof Failure) return subscription;
        return options.hub.refuse(subscription.pattern) ?? subscriberOf(subscription, streams.sources);
      },
      handle: ({ query }) => {
        const subscription = subscriptionOf(query);
        return subscription instanceof Failure ? subscription : NEEDS_UPGRADE;
      },
    }),
    route({
      method: "GET",
      path: "/api/events/stream",
      name: "events.stream",
      tag,
      summary: "Subscribes over Server-Sent Events.",
      query: SubscribeQuery,
      headers: { "last-event-id": EventIdHeader },
      answer: "stream",
      handle: ({ query, headers }) => {
        const subscription = subscriptionOf(query, headers["last-event-id"]);
        if (subscription instanceof Failure) return subscription;
        const full = options.hub.refuse(subscription.pattern);
        if (full !== null) return full;
        return { status: 200, headers: EVENT_STREAM_HEADERS, body: (sink) => streams.open(sink, subscription) };
      },
    }),
  ];
}
