/** The one JSON shape of an event, made from its row once by the writer and again by who reads history. Pure. */
import type { CommittedEvent } from "../../schemas/events.js";
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
