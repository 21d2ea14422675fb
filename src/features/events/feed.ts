/**
 * Delivers events to one subscriber. A feed first replays the history after the event `since`, then delivers live
 * events. While the socket accepts no data, a buffer keeps up to 64 events. A subscriber of Server-Sent Events always
 * has a feed. A WebSocket has a feed only during replay and while its socket is slow. At other times, it gets events
 * through its group (hub.ts). Runs on the front.
 *
 * All feeds take turns (sending-turns.ts). In each turn, a feed takes one step: it sends one page of the history, or
 * its buffer.
 *
 * Replay ends at the newest event that the hub has sent out. All later events arrive live. So there is neither a gap
 * nor a duplicate between replay and live delivery.
 */
import {
  REPLAY_PAGE_CHARACTERS_MAX,
  REPLAY_PAGE_EVENTS,
  EVENT_PIECE_CHARACTERS,
} from "../../../schemas/limits/events.js";
import type { Log } from "../../base/log.js";
import type { CommittedEvent } from "../../../schemas/events.js";
import type { SendResult } from "../../platform/transport/transport.js";
import type { EventCounters } from "./counters.js";
import type { EventBatch, Piece } from "./event-batch.js";
import type { Group, Hub, Listener } from "./hub.js";
import { SubscriberBuffer, isGap, type Gap } from "./subscriber-buffer.js";
import { encodeEvent } from "./encode.js";
import type { ReplayPages } from "./replay-pages.js";
import type { EventReader } from "./table.js";

export interface Outlet {
  /** Divides a batch into pieces. `write` sends one piece. */
  piecesOf(batch: EventBatch): readonly Piece[];
  write(piece: Piece): SendResult;
  /** Sends events, or reports a gap (dropped events). `item` has several events only if `joins` is true. */
  deliver(item: readonly CommittedEvent[] | Gap): SendResult;
  /** Whether several events can be sent together. */
  readonly joins: boolean;
  /**
   * Tells the subscriber that its cursor is ahead of all events of this server. Such a cursor comes from another
   * history, for example from before a restore. The subscriber then continues after the event `lastId`.
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
  /** The pages that replays read from the history. */
  readonly pages: ReplayPages;
  readonly log: Log;
  /**
   * The read barrier of a cluster; null on a single server. It calls `done` when this node has sent out all events that
   * any node published before the call. A feed needs it if the subscriber already has events from another node that
   * this node has not applied yet.
   */
  readonly readBarrier: ((done: () => void) => void) | null;
}

export class Feed implements Listener {
  readonly #hub: Hub;
  readonly #counters: EventCounters;
  readonly #history: EventReader;
  readonly #pages: ReplayPages;
  readonly #log: Log;
  readonly #group: Group;
  readonly #outlet: Outlet;
  readonly #buffer: SubscriberBuffer;
  /** The id of the last event that replay has examined; null when replay is over. */
  #cursor: number | null;
  #replayedSome = false;
  /** The id of the last event that replay delivered. Before the first one, it is the id after which replay started. */
  #lastReplayed: number;
  /**
   * The event id in the subscriber's cursor. The subscriber already has all events up to this id, perhaps from another
   * node.
   */
  #knownToClient: number;
  readonly #readBarrier: FeedSources["readBarrier"];
  /** The hub has already given this feed the live events up to this id. */
  #position = 0;
  /** True while a step of this feed waits for its turn. */
  #due = false;
  #behind = false;
  #attached = false;
  #closed = false;

  /** @param since the id of the event after which replay starts; null for no replay */
  constructor(
    { hub, counters, history, pages, log, readBarrier }: FeedSources,
    group: Group,
    outlet: Outlet,
    since: number | null,
  ) {
    this.#hub = hub;
    this.#buffer = new SubscriberBuffer(hub.held);
    this.#counters = counters;
    this.#history = history;
    this.#pages = pages;
    this.#log = log;
    this.#group = group;
    this.#outlet = outlet;
    this.#cursor = since;
    this.#lastReplayed = since ?? 0;
    this.#knownToClient = readBarrier === null ? 0 : (since ?? 0);
    this.#readBarrier = readBarrier;
  }

  /** Starts the replay, or live delivery if the subscriber wants no replay. */
  start(): void {
    const newest = this.#hub.lastId;
    if (newest < this.#knownToClient) this.#readBarrier?.(() => this.#afterBarrier(newest));
    else if (this.#cursor !== null && this.#cursor > this.#hub.acceptedId && this.#cursor > this.#history.lastId)
      this.#lag(this.#hub.acceptedId);
    if (this.#cursor === null) this.#follow();
    else this.#takeTurn();
  }

  /**
   * Takes over a WebSocket subscriber whose socket has stopped accepting data. Event `id` is the first one that the
   * socket did not get.
   */
  resumeFrom(id: number): void {
    if (this.#closed) return;
    this.#behind = true;
    this.#follow();
    for (const event of this.#hub.sinceInRun(id, this.#group.pattern) ?? this.#sinceInHistory(id)) {
      this.#counters.delivered -= 1; // The hub counted it as delivered.
      this.#offer(event);
    }
  }

  /**
   * Checks the subscriber's cursor again after the read barrier. Now this node has every event that another node may
   * have delivered to the subscriber. So if the cursor is still ahead, it comes from another history. The subscriber
   * then gets every event since it connected.
   * @param since the id of the newest event when the subscriber connected
   */
  #afterBarrier(since: number): void {
    if (this.#closed) return;
    if (this.#hub.lastId < this.#knownToClient) {
      this.#knownToClient = 0;
      this.detach();
      this.#lag(since);
      this.#takeTurn();
    } else if (this.#attached) this.#catchUp();
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
    if (this.#cursor === null && this.#buffer.peek() === undefined) this.#catchUp();
    else this.#takeTurn();
  }

  /** Queues the next step of this feed. It runs when it is the feed's turn. */
  #takeTurn(): void {
    if (this.#due || this.#closed) return;
    this.#due = true;
    this.#hub.turns.add(() => {
      this.#due = false;
      if (this.#closed || this.#behind) return;
      if (this.#cursor !== null) this.#replay();
      else if (this.#flush()) this.#catchUp();
    });
  }

  /** Removes this feed from the group's listeners. From then on, the feed gets no live events. */
  detach(): void {
    if (this.#attached) this.#group.listeners.delete(this);
    this.#attached = false;
  }

  close(): void {
    this.#closed = true;
    this.detach();
    this.#buffer.clear();
  }

  take(batch: EventBatch): void {
    const known = this.#knownToClient;
    // Skip a run of the hub that had begun before this feed began to listen. If the subscriber needs the events of the
    // run, it gets them from replay or from `resumeFrom`.
    if (batch.lastId <= this.#position) return;
    this.#position = batch.lastId;
    if (this.#behind || this.#buffer.peek() !== undefined || (batch.events[0]?.id ?? 0) <= known) {
      for (const event of batch.events) if (event.id > known) this.#takeOne(event);
    } else this.#deliver(batch);
    this.#catchUp();
  }

  end(): void {
    this.#outlet.end();
  }

  /**
   * Reads the events from `id` on from the history. This is needed if the WebSocket library reports a slow socket so
   * late that the hub no longer has the run's events.
   */
  *#sinceInHistory(id: number): Generator<CommittedEvent> {
    for (let cursor = id - 1, more = true; more; ) {
      const page = this.#history.after(cursor, this.#hub.lastId, REPLAY_PAGE_EVENTS, REPLAY_PAGE_CHARACTERS_MAX);
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
    this.#position = this.#hub.lastId;
    if (this.#attached) return;
    this.#attached = true;
    this.#group.listeners.add(this);
  }

  /** Sends one live event, or buffers it. */
  #takeOne(event: CommittedEvent): void {
    if (this.#behind || this.#buffer.peek() !== undefined) this.#offer(event);
    else if (this.#send([event], this.#outlet.deliver([event])) === "refused") this.#offer(event);
  }

  /** Sends live events directly, because the buffer is empty. If the socket accepts no more data, buffers the rest. */
  #deliver(batch: EventBatch): void {
    for (const piece of this.#outlet.piecesOf(batch)) {
      if (this.#behind || this.#send(piece.events, this.#outlet.write(piece)) === "refused")
        for (const event of piece.events) this.#offer(event);
    }
  }

  /** Records the result of sending events without the buffer. */
  #send(events: readonly CommittedEvent[], result: SendResult): SendResult {
    this.#behind = result !== "sent";
    if (result === "refused") return result;
    this.#counters.delivered += events.length;
    this.#buffer.noteDelivered(events.at(-1)?.id ?? 0);
    return result;
  }

  /** Sends the buffered events. Returns true if all of them were sent and the socket keeps up. */
  #flush(): boolean {
    for (let item = this.#buffer.peek(); item !== undefined; item = this.#buffer.peek()) {
      const events = isGap(item) ? null : this.#outlet.joins ? this.#buffer.peekRun(EVENT_PIECE_CHARACTERS) : [item];
      const delivery = this.#outlet.deliver(events ?? (item as Gap));
      if (delivery !== "refused") {
        for (let left = events?.length ?? 1; left > 0; left--) this.#buffer.shift();
        this.#counters.delivered += events?.length ?? 0;
      }
      if (delivery !== "sent") {
        this.#behind = true;
        return false;
      }
    }
    return true;
  }

  /** Sends one page of the history. The next page is sent in another turn, when the socket accepts data. */
  #replay(): void {
    let cursor = this.#cursor;
    if (cursor === null) return;
    const page = this.#pages.after(cursor, this.#hub.lastId, this.#group.pattern);
    if (page.firstId !== null && this.#replayedSome && page.firstId > cursor + 1) {
      // Some events were pruned before this slow subscriber got them. It gets a gap in their place.
      const delivery = this.#outlet.deliver({
        kind: "gap",
        count: page.firstId - cursor - 1,
        after_id: this.#lastReplayed,
      });
      this.#behind = delivery !== "sent";
      if (delivery === "refused") return;
      cursor = page.firstId - 1;
      this.#cursor = cursor;
      if (this.#behind) return;
    }
    for (const piece of this.#outlet.piecesOf(page.batch)) {
      if (this.#send(piece.events, this.#outlet.write(piece)) === "refused") return;
      this.#lastReplayed = piece.events.at(-1)?.id ?? cursor;
      this.#cursor = this.#lastReplayed;
      this.#replayedSome = true;
      if (this.#behind) return;
    }
    if (page.firstId !== null) {
      this.#cursor = page.batch.lastId;
      this.#replayedSome = true;
    }
    if (page.more) {
      this.#takeTurn();
      return;
    }
    this.#follow();
    this.#catchUp();
  }

  /**
   * Calls `caughtUp` if nothing is left to deliver. A WebSocket then leaves its feed. Two things delay this. While the
   * cursor is ahead of this node, the feed must skip the events that the subscriber already has. And the feed must
   * first deliver the group's events of the current run.
   */
  #catchUp(): void {
    if (this.#closed || this.#behind || this.#cursor !== null || this.#buffer.peek() !== undefined) return;
    if (this.#hub.lastId < this.#knownToClient || this.#group.dueId > this.#position) return;
    this.#outlet.caughtUp();
  }
}
