/**
 * Serves one subscriber individually. A feed first replays history (`since`), then delivers live events. If the socket
 * accepts no more data, a buffer of 64 events keeps the next ones. WebSocket and Server-Sent Events both use feeds. A
 * WebSocket has a feed only during replay or while it is slow; otherwise it gets events through its group. Runs on the
 * front.
 *
 * Replay ends at the newest event that was sent out. Events that are committed later arrive live. So there is neither a
 * gap nor a duplicate between replay and live delivery.
 */
import { REPLAY_PAGE_EVENTS } from "../../../schemas/limits/events.js";
import type { Log } from "../../base/log.js";
import type { CommittedEvent } from "../../../schemas/events.js";
import type { SendResult } from "../../platform/transport/transport.js";
import type { EventCounters } from "./counters.js";
import type { Group, Hub, Listener } from "./hub.js";
import { SubscriberBuffer, isGap, type Gap } from "./subscriber-buffer.js";
import { encodeEvent } from "./encode.js";
import type { EventReader } from "./table.js";

export interface Outlet {
  deliver(item: CommittedEvent | Gap): SendResult;
  /**
   * Tells the subscriber that its cursor is ahead of this server, and that it continues after the event `last_id`. Such
   * a cursor comes from another history, for example from before a restore.
   */
  lagged(lastId: number): SendResult;
  /** Called when replay is over, the buffer is empty and the socket accepts data. */
  caughtUp(): void;
  /** Called when the server shuts down. */
  end(): void;
}

/** The objects that all feeds of a server share. */
export interface FeedSources {
  readonly hub: Hub;
  readonly counters: EventCounters;
  readonly history: EventReader;
  readonly log: Log;
  /**
   * The read barrier of a cluster; null on a single server. It calls back when this node has applied and sent out every
   * event that any node can have published before the call. A feed needs it because another node may have delivered
   * events that this node has not applied yet.
   */
  readonly readBarrier: ((done: () => void) => void) | null;
}

export class Feed implements Listener {
  readonly #hub: Hub;
  readonly #counters: EventCounters;
  readonly #history: EventReader;
  readonly #log: Log;
  readonly #group: Group;
  readonly #outlet: Outlet;
  readonly #buffer: SubscriberBuffer;
  /** The id of the last event that replay has examined; null when replay is over. */
  #cursor: number | null;
  #replayedSome = false;
  /** The id of the last event that replay delivered. Before the first one, the id after which replay started. */
  #lastReplayed: number;
  /**
   * The event id in the subscriber's cursor: the subscriber already has all events up to it, perhaps from another node.
   */
  #knownToClient: number;
  readonly #readBarrier: FeedSources["readBarrier"];
  #behind = false;
  #attached = false;
  #closed = false;

  /** @param since the id of the event after which replay starts; null for no replay */
  constructor(
    { hub, counters, history, log, readBarrier }: FeedSources,
    group: Group,
    outlet: Outlet,
    since: number | null,
  ) {
    this.#hub = hub;
    this.#buffer = new SubscriberBuffer(hub.held);
    this.#counters = counters;
    this.#history = history;
    this.#log = log;
    this.#group = group;
    this.#outlet = outlet;
    this.#cursor = since;
    this.#lastReplayed = since ?? 0;
    this.#knownToClient = readBarrier === null ? 0 : (since ?? 0);
    this.#readBarrier = readBarrier;
  }

  /** Starts replay, or live delivery if no replay is wanted. */
  start(): void {
    const newest = this.#hub.lastId;
    if (newest < this.#knownToClient) this.#readBarrier?.(() => this.#afterBarrier(newest));
    else if (this.#cursor !== null && this.#cursor > this.#hub.acceptedId && this.#cursor > this.#history.lastId)
      this.#lag(this.#hub.acceptedId);
    if (this.#cursor === null) this.#follow();
    else this.#replay();
  }

  /**
   * Delivers to a WebSocket subscriber whose socket stopped accepting data, from event `id` on. Event `id` is the first
   * one that the socket did not get.
   */
  resumeFrom(id: number): void {
    if (this.#closed) return;
    this.#behind = true;
    this.#follow();
    for (const event of this.#hub.sinceInTick(id, this.#group.pattern) ?? this.#sinceInHistory(id)) {
      this.#counters.delivered -= 1; // The hub counted it as delivered.
      this.#offer(event);
    }
  }

  /**
   * Runs after the read barrier, when this node has every event that another node can have delivered to the subscriber.
   * If the cursor is still ahead, it comes from another history. Then the subscriber gets every event since it
   * connected.
   * @param since the id of the newest event when the subscriber connected
   */
  #afterBarrier(since: number): void {
    if (this.#closed) return;
    if (this.#hub.lastId < this.#knownToClient) {
      this.#knownToClient = 0;
      this.detach();
      this.#lag(since);
      this.#replay();
    } else if (this.#attached && !this.#behind && this.#buffer.peek() === undefined) this.#catchUp();
  }

  /** Tells the subscriber that its cursor is ahead of the newest event. Replay then continues after `last_id`. */
  #lag(lastId: number): void {
    this.#cursor = lastId;
    this.#lastReplayed = lastId;
    this.#log.info("a subscriber is ahead of the newest event", { last_id: lastId });
    this.#behind = this.#outlet.lagged(lastId) !== "sent";
  }

  /** Called when the socket accepts data again. */
  drained(): void {
    this.#behind = false;
    if (this.#closed) return;
    if (this.#cursor !== null) this.#replay();
    else if (this.#flush()) this.#catchUp();
  }

  /** Removes this feed from the group's listeners. The subscriber then gets its events in another way. */
  detach(): void {
    if (this.#attached) this.#group.listeners.delete(this);
    this.#attached = false;
  }

  close(): void {
    this.#closed = true;
    this.detach();
    this.#buffer.clear();
  }

  take(event: CommittedEvent): void {
    if (event.id <= this.#knownToClient) return;
    if (this.#behind || this.#buffer.peek() !== undefined) this.#offer(event);
    else this.#deliver(event);
  }

  end(): void {
    this.#outlet.end();
  }

  /**
   * Reads the events from `id` on from the history. This is necessary if the WebSocket library reports a slow socket
   * only after the hub has cleared its list of the tick's events.
   */
  *#sinceInHistory(id: number): Generator<CommittedEvent> {
    for (let cursor = id - 1, more = true; more; ) {
      const page = this.#history.after(cursor, this.#hub.lastId, REPLAY_PAGE_EVENTS);
      for (const row of page.rows) if (this.#group.pattern.matches(row.topic)) yield encodeEvent(row);
      cursor = page.rows.at(-1)?.id ?? cursor;
      more = page.more;
    }
  }

  #offer(event: CommittedEvent): void {
    if (this.#buffer.offer(event)) return;
    this.#counters.dropped += 1;
    if (this.#log.debugs)
      this.#log.debug("event dropped for a slow subscriber", {
        id: event.id,
        pattern: this.#group.pattern.text,
      });
  }

  #follow(): void {
    this.#cursor = null;
    if (this.#attached) return;
    this.#attached = true;
    this.#group.listeners.add(this);
  }

  /** Sends one event directly, because the buffer is empty. If the socket accepts no data, buffers the event. */
  #deliver(event: CommittedEvent): void {
    const delivery = this.#outlet.deliver(event);
    if (delivery === "refused") {
      this.#behind = true;
      this.#offer(event);
      return;
    }
    this.#counters.delivered += 1;
    this.#buffer.noteDelivered(event.id);
    this.#behind = delivery === "behind";
  }

  /** Sends the buffered events. Returns true if all of them were sent and the socket keeps up. */
  #flush(): boolean {
    for (let item = this.#buffer.peek(); item !== undefined; item = this.#buffer.peek()) {
      const delivery = this.#outlet.deliver(item);
      if (delivery !== "refused") {
        this.#buffer.shift();
        if (!isGap(item)) this.#counters.delivered += 1;
      }
      if (delivery !== "sent") {
        this.#behind = true;
        return false;
      }
    }
    return true;
  }

  /** Sends one page of history. Continues in the next tick, or when the socket accepts more. */
  #replay(): void {
    let cursor = this.#cursor;
    if (cursor === null || this.#closed) return;
    const page = this.#history.after(cursor, this.#hub.lastId, REPLAY_PAGE_EVENTS);
    const oldest = page.rows[0];
    if (oldest !== undefined && this.#replayedSome && oldest.id > cursor + 1) {
      // Pruning has overtaken this slow reader.
      const delivery = this.#outlet.deliver({
        kind: "gap",
        count: oldest.id - cursor - 1,
        after_id: this.#lastReplayed,
      });
      this.#behind = delivery !== "sent";
      if (delivery === "refused") return;
      cursor = oldest.id - 1;
      this.#cursor = cursor;
      if (this.#behind) return;
    }
    for (const row of page.rows) {
      if (this.#group.pattern.matches(row.topic)) {
        const delivery = this.#outlet.deliver(encodeEvent(row));
        if (delivery === "refused") {
          this.#behind = true;
          return;
        }
        this.#counters.delivered += 1;
        this.#buffer.noteDelivered(row.id);
        this.#lastReplayed = row.id;
        this.#behind = delivery === "behind";
      }
      cursor = row.id;
      this.#cursor = cursor;
      this.#replayedSome = true;
      if (this.#behind) return;
    }
    if (page.more) {
      setImmediate(() => this.#replay());
      return;
    }
    this.#follow();
    this.#catchUp();
  }

  /**
   * Ends replay, because nothing is left to deliver. A subscriber whose cursor is ahead of this node keeps its feed,
   * because the feed skips the events that the subscriber already has.
   */
  #catchUp(): void {
    if (this.#hub.lastId >= this.#knownToClient) this.#outlet.caughtUp();
  }
}
