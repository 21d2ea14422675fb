/**
 * One subscriber that is served by itself: first from history (`since`), then event by event, through a
 * buffer of 64 events while its socket is behind. Both WebSocket and Server-Sent Events stand on it; a
 * WebSocket leaves it while it keeps up. Runs on the front.
 *
 * Replay reads only up to the newest event that went out: what is committed but not yet sent out comes
 * live, so there is neither a gap nor a duplicate between the two.
 */
import { REPLAY_PAGE_EVENTS } from "../../schemas/limits.js";
import type { Log } from "../base/log.js";
import type { CommittedEvent } from "../../schemas/events.js";
import type { SendResult } from "../transport/transport.js";
import type { EventCounters } from "./counters.js";
import type { Group, Hub, Listener } from "./hub.js";
import { SubscriberBuffer, isGap, type Gap } from "./subscriber-buffer.js";
import { encodeEvent } from "./encode.js";
import type { EventReader } from "./table.js";

export interface Outlet {
  deliver(item: CommittedEvent | Gap): SendResult;
  /** The subscriber knows of events that there are not: it is of another history, and goes on behind `last_id`. */
  lagged(last_id: number): SendResult;
  /** History is replayed, nothing is buffered and the socket keeps up. */
  caughtUp(): void;
  /** The server shuts down. */
  end(): void;
}

/** What every feed of a server draws on. */
export interface FeedSources {
  readonly hub: Hub;
  readonly counters: EventCounters;
  readonly history: EventReader;
  readonly log: Log;
  /**
   * Where there are other nodes, which may have told of events that this one has not carried out yet: calls back when
   * all that any of them can have told of by now has gone out here. Null for a server alone.
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
  /** The last event replayed; null where replay is over. */
  #cursor: number | null;
  #replayed_some = false;
  /** The last event that replay delivered; what it started after, before that. */
  #last_replayed: number;
  /** Events up to this one another node has told the subscriber of, as it says. */
  #knownToClient: number;
  readonly #readBarrier: FeedSources["readBarrier"];
  #behind = false;
  #attached = false;
  #closed = false;

  /** @param since the event after which replay starts; null for none */
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
    this.#last_replayed = since ?? 0;
    this.#knownToClient = readBarrier === null ? 0 : (since ?? 0);
    this.#readBarrier = readBarrier;
  }

  /** Starts: replays, or follows at once. */
  start(): void {
    const newest = this.#hub.last_id;
    if (newest < this.#knownToClient) this.#readBarrier?.(() => this.#afterBarrier(newest));
    else if (this.#cursor !== null && this.#cursor > this.#hub.acceptedId && this.#cursor > this.#history.last_id)
      this.#lag(this.#hub.acceptedId);
    if (this.#cursor === null) this.#follow();
    else this.#replay();
  }

  /** The socket fell behind at event `id`, which was not sent: from there on this feed serves it. */
  resumeFrom(id: number): void {
    if (this.#closed) return;
    this.#behind = true;
    this.#follow();
    for (const event of this.#hub.sinceInTick(id, this.#group.pattern) ?? this.#sinceInHistory(id)) {
      this.#counters.delivered -= 1; // it was counted when it was published
      this.#offer(event);
    }
  }

  /**
   * By now this node has all that the subscriber can know from another one. Where that is still less than it says, it
   * has that from elsewhere, and gets what there was since it came.
   * @param since the newest event when it came
   */
  #afterBarrier(since: number): void {
    if (this.#closed) return;
    if (this.#hub.last_id < this.#knownToClient) {
      this.#knownToClient = 0;
      this.detach();
      this.#lag(since);
      this.#replay();
    } else if (this.#attached && !this.#behind && this.#buffer.peek() === undefined) this.#catchUp();
  }

  /** There are no such events as the subscriber knows of. */
  #lag(last_id: number): void {
    this.#cursor = last_id;
    this.#last_replayed = last_id;
    this.#log.info("a subscriber is ahead of the newest event", { last_id });
    this.#behind = this.#outlet.lagged(last_id) !== "sent";
  }

  /** The socket takes more. */
  drained(): void {
    this.#behind = false;
    if (this.#closed) return;
    if (this.#cursor !== null) this.#replay();
    else if (this.#flush()) this.#catchUp();
  }

  /** Leaves the group's listeners: the subscriber is served otherwise. */
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

  /** As the hub's list of the turn, for a socket of which the library told late. */
  *#sinceInHistory(id: number): Generator<CommittedEvent> {
    for (let cursor = id - 1, more = true; more; ) {
      const page = this.#history.after(cursor, this.#hub.last_id, REPLAY_PAGE_EVENTS);
      for (const row of page.rows) if (this.#group.pattern.matches(row.topic)) yield encodeEvent(row);
      cursor = page.rows.at(-1)?.id ?? cursor;
      more = page.more;
    }
  }

  #offer(event: CommittedEvent): void {
    if (this.#buffer.offer(event)) return;
    this.#counters.dropped += 1;
    if (this.#log.debugs)
      this.#log.debug("event dropped for a subscriber that is behind", {
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

  /** One event past the buffer, which is empty; into it where the socket refuses. */
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

  /** Sends what is buffered; true where all of it went and the socket keeps up. */
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

  /** Sends one page of history; goes on in the next turn, or when the socket takes more. */
  #replay(): void {
    let cursor = this.#cursor;
    if (cursor === null || this.#closed) return;
    const page = this.#history.after(cursor, this.#hub.last_id, REPLAY_PAGE_EVENTS);
    const oldest = page.rows[0];
    if (oldest !== undefined && this.#replayed_some && oldest.id > cursor + 1) {
      // Pruned under a slow reader's feet.
      const delivery = this.#outlet.deliver({
        kind: "gap",
        count: oldest.id - cursor - 1,
        after_id: this.#last_replayed,
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
        this.#last_replayed = row.id;
        this.#behind = delivery === "behind";
      }
      cursor = row.id;
      this.#cursor = cursor;
      this.#replayed_some = true;
      if (this.#behind) return;
    }
    if (page.more) {
      setImmediate(() => this.#replay());
      return;
    }
    this.#follow();
    this.#catchUp();
  }

  /** Nothing is owed any more; but while this node is behind what the subscriber knows, it is served event by event. */
  #catchUp(): void {
    if (this.#hub.last_id >= this.#knownToClient) this.#outlet.caughtUp();
  }
}
