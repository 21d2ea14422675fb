/**
 * Serves subscribers over WebSocket. A subscriber that keeps up gets events through its group's topic in the WebSocket
 * library. When its socket stops accepting data, the subscriber leaves the topic and gets its own Feed. It rejoins the
 * topic when the feed has delivered everything. Runs on the front.
 */
import type { CommittedEvent } from "../../../schemas/events.js";
import type { SendResult, Socket, SocketHandler, SocketOpener } from "../../platform/transport/transport.js";
import { Feed, type FeedSources, type Outlet } from "./feed.js";
import type { EventBatch, Piece } from "./event-batch.js";
import type { Group } from "./hub.js";
import { isGap, type Gap } from "./subscriber-buffer.js";
import { encodeGap, encodeLag, type Subscription } from "./subscription.js";

const ID_AT = '{"id":'.length;

/** Returns the id in an event's text, which begins with `{"id":42,`. */
function eventIdOf(text: Uint8Array): number {
  let id = 0;
  for (let at = ID_AT; at < text.length; at++) {
    const digit = (text[at] as number) - 0x30;
    if (digit < 0 || digit > 9) break;
    id = id * 10 + digit;
  }
  return id;
}

class Subscriber implements Outlet, SocketHandler {
  readonly #sources: FeedSources;
  readonly #subscription: Subscription;
  readonly #socket: Socket;
  readonly #group: Group;
  readonly #feed: Feed;
  /** True while the socket is subscribed to the group's topic in the WebSocket library. */
  #native = false;

  constructor(socket: Socket, subscription: Subscription, sources: FeedSources) {
    this.#sources = sources;
    this.#subscription = subscription;
    this.#socket = socket;
    this.#group = sources.hub.join(subscription.pattern);
    this.#feed = new Feed(sources, this.#group, this, subscription.since);
    if (subscription.since === null) this.#enterTopic();
    else this.#feed.start();
    sources.log.info("websocket subscriber connected", { pattern: subscription.pattern.text });
  }

  readonly joins = false;

  piecesOf({ events }: EventBatch): readonly Piece[] {
    return events.map((event) => ({ events: [event], data: event.text }));
  }

  write({ events }: Piece): SendResult {
    return this.deliver(events);
  }

  deliver(item: readonly CommittedEvent[] | Gap): SendResult {
    if (!isGap(item)) return this.#socket.send(item[0]?.text ?? "");
    return this.#subscription.notices ? this.#socket.send(encodeGap(item)) : "sent";
  }

  lagged(lastId: number): SendResult {
    return this.#subscription.notices ? this.#socket.send(encodeLag(lastId)) : "sent";
  }

  caughtUp(): void {
    this.#feed.detach();
    this.#enterTopic();
  }

  missed(text: Uint8Array): void {
    this.#native = false;
    this.#feed.resumeFrom(eventIdOf(text));
  }

  fellBehind(text: Uint8Array): void {
    this.#native = false;
    this.#feed.resumeFrom(eventIdOf(text) + 1);
  }

  drained(): void {
    if (!this.#native) this.#feed.drained();
  }

  end(): void {
    // Do nothing, because the port closes its sockets itself.
  }

  closed(): void {
    this.#feed.close();
    this.#sources.hub.leave(this.#group);
    this.#sources.log.debug("websocket subscriber left", { pattern: this.#subscription.pattern.text });
  }

  #enterTopic(): void {
    this.#native = true;
    this.#socket.join(this.#group.topic, this.#sources.hub.lastId);
  }
}

/** Returns a function that creates a subscriber for each accepted WebSocket. */
export function subscriberOf(subscription: Subscription, sources: FeedSources): SocketOpener {
  return (socket) => new Subscriber(socket, subscription, sources);
}
