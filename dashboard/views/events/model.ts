/** What the list of events says: its rows, its address, an event's texts. Pure. */
import { query } from "../../base/path.js";
import type { EventList, Gap, HeldEvent } from "../../api/event-list.js";
import type { Event } from "../../api/types.js";
import { addressOf } from "../../base/address.js";
import { curlPost } from "../../base/curl.js";
import { count, plural } from "../../base/format.js";

/** A row of the list: an event, or a gap between two. */
export type Row = HeldEvent | Gap;

export function isGap(row: Row): row is Gap {
  return "after_id" in row;
}

export function keyOf(row: Row): number | string {
  return isGap(row) ? `gap ${row.after_id}` : row.id;
}

/** The rows of a list, gaps in their places. */
export function rowsOf({ events, gaps }: EventList, newest_first: boolean): Row[] {
  const rows: Row[] = [];
  let next_gap = 0;
  for (const event of events) {
    for (let gap = gaps[next_gap]; gap !== undefined && gap.after_id < event.id; gap = gaps[next_gap]) {
      rows.push(gap);
      next_gap += 1;
    }
    rows.push(event);
  }
  rows.push(...gaps.slice(next_gap));
  return newest_first ? rows.toReversed() : rows;
}

/** What a gap's row says. */
export function gapInWords({ count: missing, why, exact }: Gap): string {
  const events = plural(missing, "event");
  if (why === "dropped") return `${events} ${missing === 1 ? "was" : "were"} dropped: this page could not keep up.`;
  if (!exact) return `${events} of all topics are no longer kept: some may have matched.`;
  return `${events} ${missing === 1 ? "is" : "are"} no longer kept.`;
}

/** What the address says of the list. */
export interface Asked {
  readonly pattern: string;
  /** The cursor that it begins after; null where it shows the newest. */
  readonly since: number | null;
  /** The event that is looked at. */
  readonly id: number | null;
}

const ID = /^[0-9]{1,15}$/;

/** What an address's query asks for; what is malformed in it is left out. */
export function askedBy({ pattern = "", since = "", id = "" }: Readonly<Record<string, string>>): Asked {
  return {
    pattern,
    since: ID.test(since) ? Number(since) : null,
    id: ID.test(id) && Number(id) > 0 ? Number(id) : null,
  };
}

/** The address of a list. */
export function addressFor({ pattern, since, id }: Asked): string {
  return addressOf("events") + query({ pattern, since: since ?? undefined, id: id ?? undefined });
}

/** Where a replay begins: after an event, or at a time. */
export type Cursor = { readonly id: number } | { readonly time_ms: number };

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * What somebody typed as the beginning of a replay: an id, `10m` ago, `14:02` today, or a date with or without a time,
 * in the viewer's zone. Undefined where it is nothing of that, null where it is empty.
 */
export function cursorOf(text: string, now_ms: number): Cursor | null | undefined {
  const typed = text.trim();
  if (typed === "") return null;
  if (ID.test(typed)) return { id: Number(typed) };
  const [, amount = "", unit = ""] = /^(\d{1,6})\s?([smhd])$/.exec(typed) ?? [];
  if (amount !== "") return { time_ms: now_ms - Number(amount) * (UNITS_MS[unit] ?? 0) };
  const [, hours, minutes, seconds = "0"] = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(typed) ?? [];
  if (hours !== undefined && minutes !== undefined) {
    if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined;
    return { time_ms: new Date(now_ms).setHours(Number(hours), Number(minutes), Number(seconds), 0) };
  }
  if (!/^\d{4}-\d{2}-\d{2}/.test(typed)) return undefined;
  // A date alone would be midnight in UTC.
  const time_ms = Date.parse(typed.length === 10 ? `${typed}T00:00` : typed);
  return Number.isNaN(time_ms) ? undefined : { time_ms };
}

/** An event as it is kept: `data` is the publisher's JSON, digit by digit. */
export interface WholeEvent extends Omit<Event, "data"> {
  readonly data: string;
}

/**
 * An event of history's answer of one, its data as they were sent: parsed and written again, long numbers would have
 * lost their last digits. Null where the answer begins with another event.
 */
export function wholeEvent(answer: string, id: number): WholeEvent | null {
  const [event] = JSON.parse(answer) as readonly Event[];
  if (event?.id !== id) return null;
  const { topic, source, created_at, data } = event;
  const before = `[{"id":${id},"topic":${JSON.stringify(topic)},"data":`;
  const after = `,"source":${JSON.stringify(source)},"created_at":${JSON.stringify(created_at)}}]`;
  const text = answer.trimEnd();
  const as_sent = text.startsWith(before) && text.endsWith(after);
  return {
    id,
    topic,
    source,
    created_at,
    data: as_sent ? text.slice(before.length, -after.length) : JSON.stringify(data),
  };
}

/** The call that publishes the same again, for a shell. */
export function asCurl({ topic, data, source }: WholeEvent, origin: string, auth: boolean): string {
  const said = source === "" ? "" : `,"source":${JSON.stringify(source)}`;
  const body = `{"topic":${JSON.stringify(topic)},"data":${data}${said}}`;
  return curlPost(`${origin}/api/events/publish`, body, auth);
}

/** What a minute's counts come to: `320/s`, `3.2/s`; `12/min` where it is less than one a second. */
export function rateInWords(counts: readonly number[]): string {
  const sum = counts.reduce((all, one) => all + one, 0);
  const mean = sum / counts.length;
  if (mean < 1) return `${sum}/min`;
  return `${mean < 10 ? mean.toFixed(1) : count(Math.round(mean))}/s`;
}

/** The neighbour of an event in the rows, so many events away; the first one where none is looked at. */
export function neighbour(rows: readonly Row[], id: number | null, step: 1 | -1): number | null {
  const events = rows.filter((row): row is HeldEvent => !isGap(row));
  const at = id === null ? -1 : events.findIndex((event) => event.id === id);
  if (at < 0) return events[0]?.id ?? null;
  return events[at + step]?.id ?? null;
}
