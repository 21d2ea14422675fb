/** The one JSON shape of an event, made from its row once by the writer and again by who reads history. Pure. */
import type { CommittedEvent, CommittedEvents } from "../../schemas/events.js";
import { formatTime } from "../base/time.js";

/** A row as stored: `data` is JSON text, `created_at` in ms. */
export interface EventRow {
  readonly id: number;
  readonly topic: string;
  readonly created_at: number;
  readonly source: string;
  readonly data: string;
}

/**
 * The event as every reader gets it: frames, answers, history. One line, so that it can be one line of
 * a stream; the publisher's digits are kept.
 */
export function encodeEvent(row: EventRow): CommittedEvent {
  const { id, topic, source } = row;
  const named = source === "" ? '""' : JSON.stringify(source);
  const head = `{"id":${id},"topic":${JSON.stringify(topic)},"data":${row.data}`;
  const text = `${head},"source":${named},"created_at":"${formatTime(row.created_at)}"}`;
  return { id, topic, source, text };
}

/** Events as they are told of between threads. */
export function listsOf(events: readonly CommittedEvent[]): CommittedEvents {
  return {
    ids: events.map(({ id }) => id),
    topics: events.map(({ topic }) => topic),
    sources: events.map(({ source }) => source),
    texts: events.map(({ text }) => text),
  };
}

export function eventsOf({ ids, topics, sources, texts }: CommittedEvents): CommittedEvent[] {
  return ids.map((id, at) => ({ id, topic: topics[at] ?? "", source: sources[at] ?? "", text: texts[at] ?? "" }));
}
