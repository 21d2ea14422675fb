/**
 * Subscribers over WebSocket. One that keeps up is a member of its group's topic in uWebSockets.js; when
 * its socket is behind it leaves the topic and is served by its own Feed until that has emptied.
 *
 * The library says of a socket that is behind only which message of a turn was the first to be dropped
 * and skips the turn's others without a word: the Feed takes them from the hub's list of the turn.
 */
import type { HttpRequest, HttpResponse, TemplatedApp, WebSocket, us_socket_context_t } from "uWebSockets.js";
import {
  SUBSCRIBER_IDLE_TIMEOUT_S,
  SUBSCRIBER_MESSAGE_BYTES_MAX,
  SUBSCRIBER_MESSAGE_RECEIVED_BYTES_MAX,
} from "../../schemas/limits.js";
import type { CommittedEvent } from "../../schemas/events.js";
import { Feed, type Delivery, type FeedSources, type Outlet } from "./feed.js";
import type { Broadcaster, Group, NativeMember } from "./hub.js";
import { isGap, type Gap } from "./subscriber-buffer.js";
import { encodeGap, type Subscription } from "./subscription.js";

/** From this length on the library sends a published message at once, and to each socket by itself. */
const LIBRARY_LARGE_BYTES = 16 * 1024;
/**
 * So many published messages the library collects for a socket in a turn. With the next one it sends them off and
 * keeps that one: where one of them does not fit, the one that it kept would still go out, before its time.
 */
const LIBRARY_COLLECTED_MAX = 32;

const SENT = 1;
const REFUSED = 2;
const GOING_AWAY = 1001;
const TOO_BIG = 1009;

interface Peer {
  readonly subscription: Subscription;
  subscriber: Subscriber | null;
}

class Subscriber implements Outlet, NativeMember {
  readonly group: Group;
  readonly feed: Feed;
  #native = false;

  constructor(
    readonly socket: WebSocket<Peer>,
    readonly subscription: Subscription,
    readonly edge: SubscriberEdge,
    sources: FeedSources,
  ) {
    this.group = sources.hub.join(subscription.pattern);
    this.feed = new Feed(sources, this.group, this, subscription.since);
  }

  start(): void {
    if (this.subscription.since === null) this.#enterTopic();
    else this.feed.start();
  }

  deliver(item: CommittedEvent | Gap): Delivery {
    if (isGap(item) && !this.subscription.notices) return "sent";
    const status = this.socket.send(isGap(item) ? encodeGap(item) : item.text);
    return status === SENT ? "sent" : status === REFUSED ? "refused" : "behind";
  }

  caughtUp(): void {
    this.feed.detach();
    this.#enterTopic();
  }

  /** Leaves the topic in earnest; see SubscriberEdge.publish. */
  unsubscribe(): void {
    this.socket.unsubscribe(this.group.topic);
  }

  sendEach(texts: readonly Uint8Array[]): void {
    this.socket.cork(() => {
      // Refused, `dropped` has been told, and the feed has the rest.
      for (const text of texts) if (this.socket.send(text, false) === REFUSED) return;
    });
  }

  /** A published message did not fit the socket. */
  dropped(message: ArrayBuffer): void {
    if (!this.#native) return; // the feed sees from the send's result that it was refused
    this.#leaveTopic();
    this.feed.resumeFrom(eventIdOf(message));
  }

  /**
   * The socket takes more. Sent outside the library's handler: of a large message that it sends there in
   * part only, it forgets the rest (us_socket_write2 does not note that a write failed, so the poll for
   * "writable" is given up when the handler returns).
   */
  drained(): void {
    setImmediate(() => {
      if (!this.#native) this.feed.drained();
    });
  }

  end(): void {
    this.socket.end(GOING_AWAY, "server is shutting down");
  }

  closed(): void {
    if (this.#native) this.#leaveMembers();
    this.edge.leaving.delete(this);
    this.feed.close();
  }

  #enterTopic(): void {
    this.#native = true;
    const members = this.group.native.get(this.edge);
    if (members === undefined) this.group.native.set(this.edge, new Set([this]));
    else members.add(this);
    // Nothing was published since it wanted to leave: it is still in.
    if (!this.edge.leaving.delete(this)) this.socket.subscribe(this.group.topic);
  }

  #leaveTopic(): void {
    this.#leaveMembers();
    this.edge.leaving.add(this);
  }

  #leaveMembers(): void {
    this.#native = false;
    const { native } = this.group;
    const members = native.get(this.edge);
    members?.delete(this);
    if (members?.size === 0) native.delete(this.edge);
  }
}

/** Reads the id at the front of an event's text: `{"id":42,…`. */
function eventIdOf(message: ArrayBuffer): number {
  const bytes = new Uint8Array(message);
  let id = 0;
  for (let at = '{"id":'.length; at < bytes.length; at++) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) break;
    id = id * 10 + digit;
  }
  return id;
}

/**
 * Whether a large event comes after a small one. The library collects small ones and sends a large one at
 * once, after those that it has collected; where one of these does not fit it sends the large one all the same.
 */
function isMixed(events: readonly CommittedEvent[]): boolean {
  let small = false;
  for (const { text } of events) {
    const large = text.length * 3 >= LIBRARY_LARGE_BYTES && Buffer.byteLength(text) >= LIBRARY_LARGE_BYTES;
    if (large && small) return true;
    small ||= !large;
  }
  return false;
}

export type SubscriberEdgeOptions = FeedSources;

/** The subscribers of one listening port. */
export class SubscriberEdge implements Broadcaster {
  readonly #app: TemplatedApp;
  readonly #options: SubscriberEdgeOptions;
  readonly #subscribers = new Set<Subscriber>();
  /** Subscribers that fell behind since the last publish. */
  readonly leaving = new Set<Subscriber>();

  constructor(app: TemplatedApp, options: SubscriberEdgeOptions) {
    this.#app = app;
    this.#options = options;
  }

  publish(topic: string, events: readonly CommittedEvent[], members: ReadonlySet<NativeMember>): void {
    if (events.length > LIBRARY_COLLECTED_MAX || isMixed(events)) {
      const texts = events.map((event) => Buffer.from(event.text));
      for (const member of members) member.sendEach(texts);
      return;
    }
    for (const { text } of events) {
      this.#excuse();
      this.#app.publish(topic, text);
    }
  }

  /**
   * The library tells of a dropped message while it walks over the subscriber's messages: leaving the
   * topic there frees what it walks over and ends the process. Whoever fell behind leaves here, before
   * anything else could reach it by the topic.
   */
  #excuse(): void {
    if (this.leaving.size === 0) return;
    for (const subscriber of this.leaving) subscriber.unsubscribe();
    this.leaving.clear();
  }

  /**
   * Takes upgrades on a path.
   * @param admit passes the request through the pipeline; undefined where it was refused and answered
   */
  listen(path: string, admit: (res: HttpResponse, req: HttpRequest) => Subscription | undefined): void {
    const { hub, log } = this.#options;
    this.#app.ws<Peer>(path, {
      maxPayloadLength: SUBSCRIBER_MESSAGE_RECEIVED_BYTES_MAX,
      idleTimeout: SUBSCRIBER_IDLE_TIMEOUT_S,
      sendPingsAutomatically: true,
      // Any byte the socket has not taken counts as behind; the events behind are the Feed's to keep.
      maxBackpressure: 1,
      upgrade: (res, req, context: us_socket_context_t) => {
        // The library goes by the key alone; without the header it is the route's plain GET, which says what is missing.
        if (req.getHeader("upgrade").toLowerCase() !== "websocket") {
          req.setYield(true);
          return;
        }
        const key = req.getHeader("sec-websocket-key");
        const protocol = req.getHeader("sec-websocket-protocol");
        const extensions = req.getHeader("sec-websocket-extensions");
        const subscription = admit(res, req);
        if (subscription === undefined) return;
        res.upgrade<Peer>({ subscription, subscriber: null }, key, protocol, extensions, context);
      },
      open: (socket) => {
        const peer = socket.getUserData();
        const subscriber = new Subscriber(socket, peer.subscription, this, this.#options);
        peer.subscriber = subscriber;
        this.#subscribers.add(subscriber);
        subscriber.start();
        log.info("websocket subscriber connected", { pattern: peer.subscription.pattern.text });
      },
      message: (socket, message) => {
        if (message.byteLength > SUBSCRIBER_MESSAGE_BYTES_MAX) socket.end(TOO_BIG, "message too large");
      },
      dropped: (socket, message) => socket.getUserData().subscriber?.dropped(message),
      drain: (socket) => socket.getUserData().subscriber?.drained(),
      close: (socket) => {
        const { subscriber } = socket.getUserData();
        if (subscriber === null) return;
        subscriber.closed();
        this.#subscribers.delete(subscriber);
        hub.leave(subscriber.group);
        log.debug("websocket subscriber left", { pattern: subscriber.subscription.pattern.text });
      },
    });
  }

  /** Says goodbye to everyone: close code 1001. */
  end(): void {
    for (const subscriber of [...this.#subscribers]) subscriber.end();
  }
}
