/**
 * Encodes events as JSON. The writer encodes an event when it stores it. A reader of the history encodes the stored row
 * again, and gets the same text. Pure.
 */
import type { CommittedEvent, CommittedEvents } from "../../../schemas/events.js";
import { formatTime } from "../../base/time.js";

/** A stored event. `data` is JSON text, and `created_at` is in ms. */
export interface EventRow {
  readonly id: number;
  readonly topic: string;
  readonly created_at: number;
  readonly source: string;
  readonly data: string;
}

/**
 * Encodes an event. WebSocket frames, replies and the history all contain this text. It has no line break, so that it
 * fits into one line of an event stream. Numbers in `data` are written with the publisher's digits.
 */
export function encodeEvent(row: EventRow): CommittedEvent {
  const { id, topic, source } = row;
  const named = source === "" ? '""' : JSON.stringify(source);
  const head = `{"id":${id},"topic":${JSON.stringify(topic)},"data":${row.data}`;
  const text = `${head},"source":${named},"created_at":"${formatTime(row.created_at)}"}`;
  return { id, topic, source, text };
}

/** Packs events for a message between threads. */
export function listsOf(events: readonly CommittedEvent[]): CommittedEvents {
  return {
    ids: events.map(({ id }) => id),
    topics: events.map(({ topic }) => topic),
    sources: events.map(({ source }) => source),
    texts: events.map(({ text }) => text),
  };
}

/** Unpacks events from a message between threads. */
export function eventsOf({ ids, topics, sources, texts }: CommittedEvents): CommittedEvent[] {
  return ids.map((id, at) => ({ id, topic: topics[at] ?? "", source: sources[at] ?? "", text: texts[at] ?? "" }));
}
