/** Section 5 of the wire contract over HTTP; the WebSocket side of subscribe is websocket.ts. Runs on the front. */
import {
  EventHistoryQuery,
  EventList,
  PublishAnswer,
  PublishBodies,
  SubscribeQuery,
  type CommittedEvent,
  type EventHistoryRequest,
  type NewEvent,
} from "../../schemas/events.js";
import { EVENT_ROWS_DEFAULT, SOURCE_BYTES_MAX, TOPIC_BYTES_MAX } from "../../schemas/limits.js";
import type { Log } from "../base/log.js";
import { must } from "../base/assert.js";
import { elementTexts, memberTexts } from "../base/json-text.js";
import { Failure, invalid } from "../base/result.js";
import { hasControlCharacter, utf8Length } from "../base/path.js";
import { readReply } from "../front/chunked-reply.js";
import { headerBlock, jsonReply, type Answer, type Request, type Route } from "../front/route-table.js";
import type { RpcClient } from "../rpc/client.js";
import type { Chunks, Reads } from "../rpc/reads.js";
import type { Hub } from "./hub.js";
import { waitForEvents } from "./long-poll.js";
import { compilePattern, type Pattern } from "../topics/pattern.js";
import type { Streams } from "./stream.js";
import type { Subscription } from "./subscription.js";

export interface EventRoutesOptions {
  readonly writer: RpcClient;
  readonly reads: Reads;
  readonly hub: Hub;
  readonly streams: Streams;
  readonly log: Log;
}

export const SUBSCRIBE_PATH = "/api/events/subscribe";

export function eventRoutes(options: EventRoutesOptions): Route[] {
  const events = new EventsFront(options);
  const tag = "events";
  return [
    {
      method: "POST",
      path: "/api/events/publish",
      name: "events.publish",
      tag,
      summary: "Publishes one event, or an array of them atomically.",
      body: { kind: "json", schema: PublishBodies },
      answer: PublishAnswer,
      handle: (request) => events.publish(request),
    },
    {
      method: "GET",
      path: "/api/events/history",
      name: "events.history",
      tag,
      summary: "Reads events, newest first, or from a cursor on, and may wait for the next one.",
      query: EventHistoryQuery,
      answer: EventList,
      handle: (request) => events.history(request),
    },
    {
      method: "GET",
      path: SUBSCRIBE_PATH,
      name: "events.subscribe",
      tag,
      summary: "Upgrades to WebSocket: each matching event is one text frame.",
      query: SubscribeQuery,
      answer: "upgrade",
      uncounted: true,
      statuses: [426],
      upgrade: (request) => subscriptionOf(request, null),
      handle: (request) => {
        const subscription = subscriptionOf(request, null);
        return subscription instanceof Failure
          ? subscription
          : new Failure("UPGRADE_REQUIRED", "this endpoint needs the header Upgrade: websocket");
      },
    },
    {
      method: "GET",
      path: "/api/events/stream",
      name: "events.stream",
      tag,
      summary: "Subscribes over Server-Sent Events.",
      query: SubscribeQuery,
      headers: ["last-event-id"],
      answer: "stream",
      handle: (request) => events.stream(request),
    },
  ];
}

/** What a subscriber asks for; 400 where its pattern or cursor is malformed. */
function subscriptionOf({ query }: Request, since_header: number | null): Subscription | Failure {
  const pattern = compilePattern(String(query["pattern"] ?? ""));
  if (pattern instanceof Failure) return pattern;
  const since = query["since"];
  return {
    pattern,
    since: since_header ?? (typeof since === "number" ? since : null),
    notices: query["notices"] === 1,
  };
}

/** An event from the JSON text of its object: `data` keeps the publisher's own digits. */
function newEvent(text: string, json: object, actor: string, where: string): NewEvent | Failure {
  const { topic, source } = json as { readonly topic: string; readonly source?: string };
  if (utf8Length(topic) > TOPIC_BYTES_MAX) return invalid(`${where}topic is longer than ${TOPIC_BYTES_MAX} bytes`);
  // Half a surrogate pair is no character: it could not be stored as it was sent.
  if (!topic.isWellFormed()) return invalid(`${where}topic must be valid Unicode`);
  if (source !== undefined && !source.isWellFormed()) return invalid(`${where}source must be valid Unicode`);
  if (hasControlCharacter(topic)) return invalid(`${where}topic must not contain control characters`);
  if (source !== undefined && utf8Length(source) > SOURCE_BYTES_MAX)
    return invalid(`${where}source is longer than ${SOURCE_BYTES_MAX} bytes`);
  const data = must(memberTexts(text), "the body was parsed as an object").get("data") ?? "null";
  return { topic, data, source: source ?? actor };
}

const STREAM_HEADERS = headerBlock([
  ["Content-Type", "text/event-stream"],
  ["Cache-Control", "no-store"],
  ["X-Accel-Buffering", "no"],
]);

class EventsFront {
  readonly #options: EventRoutesOptions;

  constructor(options: EventRoutesOptions) {
    this.#options = options;
  }

  publish(request: Request): Answer | Promise<Answer> {
    const { text, json, context } = request;
    const many = Array.isArray(json);
    const events: NewEvent[] = [];
    const texts = many ? must(elementTexts(text), "the body was parsed as an array") : [text];
    const objects = many ? (json as readonly object[]) : [json as object];
    for (const [at, object] of objects.entries()) {
      const event = newEvent(texts[at] ?? "", object, context.actor, many ? `[${at}].` : "");
      if (event instanceof Failure) return event;
      events.push(event);
    }
    const { writer, log } = this.#options;
    return new Promise((resolve) => {
      writer.call("events.publish", { events }, context, text.length, (reply) => {
        if (reply instanceof Failure) {
          resolve(reply);
          return;
        }
        if (log.infos) for (const { topic, id } of reply.events) log.info("event published", { topic, id });
        const answer = many
          ? `[${reply.events.map((event) => event.text).join(",")}]`
          : (reply.events[0] as CommittedEvent).text;
        resolve(jsonReply(answer, 200, { events_published: events.length }));
      });
    });
  }

  history(request: Request): Answer | Promise<Answer> {
    const { query } = request;
    const pattern = compilePattern(String(query["topic"] ?? ""));
    if (pattern instanceof Failure) return pattern;
    const number = (name: string): number | null => (query[name] as number | undefined) ?? null;
    const read: EventHistoryRequest = {
      pattern: pattern.text,
      after: number("after"),
      from: number("from"),
      to: number("to"),
      source: (query["source"] as string | undefined) ?? null,
      last: number("last") ?? EVENT_ROWS_DEFAULT,
    };
    const wait_s = number("wait");
    if (wait_s !== null && wait_s > 0) return this.#wait(request, pattern, read, wait_s);
    return readReply(this.#read(request, read));
  }

  stream(request: Request): Answer {
    const header = request.headers["last-event-id"] ?? "";
    if (header !== "" && !/^\d{1,15}$/.test(header)) return invalid("Last-Event-ID must be a non-negative integer");
    const subscription = subscriptionOf(request, header === "" ? null : Number(header));
    if (subscription instanceof Failure) return subscription;
    return {
      status: 200,
      headers: STREAM_HEADERS,
      body: (sink) => this.#options.streams.open(sink, subscription),
    };
  }

  /** How many rows a read looks at is known only where every row counts: a cursor or a page without filters. */
  #read(request: Request, read: EventHistoryRequest): string | Failure | Chunks {
    const filtered = (read.pattern !== "" && read.pattern !== "*") || read.source !== null;
    const behind = read.after === null ? Number.POSITIVE_INFINITY : this.#options.hub.lastId - read.after;
    const rows = Math.min(filtered ? Number.POSITIVE_INFINITY : read.last, behind);
    return this.#options.reads.run("events.history", read, request.context, rows);
  }

  async #wait(request: Request, pattern: Pattern, read: EventHistoryRequest, wait_s: number): Promise<Answer> {
    // Without a cursor, "the next event" is meant: the one after the newest there is.
    const cursor = { ...read, after: read.after ?? this.#options.hub.lastId };
    const answer = await waitForEvents(
      this.#options.hub,
      pattern,
      wait_s * 1000,
      () => this.#readWhole(request, cursor),
      (listener) => request.onAbort(listener),
    );
    return answer instanceof Failure ? answer : jsonReply(answer);
  }

  async #readWhole(request: Request, read: EventHistoryRequest): Promise<string | Failure> {
    const answer = this.#read(request, read);
    if (typeof answer === "string" || answer instanceof Failure) return answer;
    let text = "";
    for await (const chunk of answer) {
      if (chunk instanceof Failure) return chunk;
      text += chunk;
    }
    return text;
  }
}
