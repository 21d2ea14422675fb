/**
 * Publishes events inside the transaction of a call. The transaction stores the event, and queues it for the webhooks
 * whose pattern matches. After the commit, the event is sent to subscribers. Runs in the writer.
 */
import { CommittedEvents, type Chain, type CommittedEvent, type NewEvent } from "../../../schemas/events.js";
import type { PushMessage } from "../../platform/rpc/method.js";
import { type Model, type Publication, PublishingModel } from "../../platform/threads/model.js";
import type { WriteCall } from "../../platform/threads/writer-method.js";
import { disabledEvent } from "../outbox/disabled.js";
import { outboxModel, type Outbox } from "../outbox/outbox.js";
import { listsOf } from "./encode.js";
import { EventAppender } from "./table.js";

/** The push message that carries the events of a commit, in the order of their ids. */
export const EVENTS = { name: "events", payload: CommittedEvents } as const satisfies PushMessage;

const NO_CHAIN: Chain = { hops: 0, trusted: true, guarded: true };

export class Publisher extends PublishingModel {
  readonly #events: EventAppender;
  readonly #outbox: Outbox;
  #published: CommittedEvent[] = [];

  constructor(events: EventAppender, outbox: Outbox) {
    super();
    this.#events = events;
    this.#outbox = outbox;
  }

  /** The id of the newest event. */
  get lastId(): number {
    return this.#events.lastId;
  }

  /** Stores an event, and queues it for webhooks. `data` is JSON text. */
  publish({ topic, data, source }: NewEvent, call: WriteCall, chain: Chain | null = null): CommittedEvent {
    const { nowMs } = call;
    const event = this.#events.append(topic, data, source, nowMs);
    this.#published.push(event);
    this.markDirty();
    if (!this.#outbox.listens) return event;
    const { hops, trusted, guarded } = chain ?? NO_CHAIN;
    const disabled = this.#outbox.publish({ id: event.id, topic, data, source, created_at: nowMs, hops, trusted });
    // The event about a disabled webhook starts a new chain, so it cannot disable any webhook. The recursion ends here.
    for (const webhook of disabled) this.publish(disabledEvent(webhook, guarded), call);
    return event;
  }

  /** Removes old events, at most `rowsMax` of them. The newest `keep` events stay. */
  prune(keep: number, rowsMax: number): { removed: number; more: boolean } {
    return this.#events.prune(keep, rowsMax);
  }

  reload(): void {
    this.#published = [];
    this.#events.reload();
  }

  afterCommit({ changes, push }: Publication): void {
    if (this.#published.length === 0) return;
    for (const { topic, id } of this.#published) changes?.add("event", topic, id);
    push(EVENTS, listsOf(this.#published));
    this.#published = [];
  }
}

export const publisher: Model<Publisher> = {
  open: ({ db, rows, use }) => new Publisher(new EventAppender(db, rows), use(outboxModel)),
};
