/** Computes the rows of the event list, parses its address, and formats events as text. Pure. */
import { jsonPreview } from "../../../shared/json-preview.js";
import { timeBuckets } from "../../../shared/time-buckets.js";
import { query } from "../../base/path.js";
import { heldData, type EventList, type Gap, type HeldEvent } from "../../api/event-list.js";
import type { Event } from "../../api/types.js";
import { addressOf } from "../../base/address.js";
import { curlPost } from "../../base/curl.js";
import { count, plural } from "../../base/format.js";

/** A row of the list: an event, or a gap between two events. */
export type Row = HeldEvent | Gap;

export function isGap(row: Row): row is Gap {
  return "after_id" in row;
}

export function keyOf(row: Row): number | string {
  return isGap(row) ? `gap ${row.after_id}` : row.id;
}

/**
 * For each event, the event that it was last compared with (`other`), and whether both are identical. This is a cache,
 * because a live list is compared again and again.
 */
const compared = new WeakMap<HeldEvent, { readonly other: HeldEvent; readonly same: boolean }>();

/**
 * Returns whether two rows are events with the same topic, source and data. If data were truncated, this is not known,
 * so the result is false.
 */
export function isRepeat(a: Row, b: Row): boolean {
  if (isGap(a) || isGap(b) || a.topic !== b.topic || a.source !== b.source || a.cut === true || b.cut === true)
    return false;
  const known = compared.get(b);
  if (known?.other === a) return known.same;
  const same = heldData(a) === heldData(b);
  compared.set(b, { other: a, same });
  return same;
}

/** Returns the events of a list as rows, with each gap at its position between them. */
export function rowsOf({ events, gaps }: EventList, newestFirst: boolean): Row[] {
  const rows: Row[] = [];
  let nextGap = 0;
  for (const event of events) {
    for (let gap = gaps[nextGap]; gap !== undefined && gap.after_id < event.id; gap = gaps[nextGap]) {
      rows.push(gap);
      nextGap += 1;
    }
    rows.push(event);
  }
  rows.push(...gaps.slice(nextGap));
  return newestFirst ? rows.toReversed() : rows;
}

/** Returns the text of a gap's row. */
export function formatGap({ count: missing, why, exact }: Gap): string {
  const events = plural(missing, "event");
  if (why === "dropped") return `${events} ${missing === 1 ? "was" : "were"} dropped: this page could not keep up.`;
  if (!exact) return `${events} of all topics are no longer kept: some may have matched.`;
  return `${events} ${missing === 1 ? "is" : "are"} no longer kept.`;
}

/** The number of held events in each bucket of the time that they cover. */
export interface EventCounts {
  readonly fromMs: number;
  readonly stepMs: number;
  readonly counts: readonly number[];
  /** The id of the first event in each bucket; undefined if the bucket has none. */
  readonly firstIds: readonly (number | undefined)[];
}

/** Counts events over time, in at most `bucketsMax` buckets. Returns null if there are no events. */
export function countsOverTime(events: readonly HeldEvent[], bucketsMax: number): EventCounts | null {
  const times = events.map(({ created_at }) => Date.parse(created_at));
  const first = times.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
  const last = times.reduce((most, time) => Math.max(most, time), Number.NEGATIVE_INFINITY);
  if (first > last) return null;
  const { fromMs, stepMs, count: length } = timeBuckets(first, last, bucketsMax);
  const counts = Array<number>(length).fill(0);
  const firstIds = Array<number | undefined>(length).fill(undefined);
  for (const [at, { id }] of events.entries()) {
    const bucket = Math.floor(((times[at] ?? fromMs) - fromMs) / stepMs);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
    firstIds[bucket] = Math.min(firstIds[bucket] ?? id, id);
  }
  return { fromMs, stepMs, counts, firstIds };
}

/** The parameters of the event list, from the page's address. */
export interface Asked {
  readonly pattern: string;
  /** The id of the event after which the list starts; null shows the newest events. */
  readonly since: number | null;
  /** The id of the last event of the list; null if the list continues with new events. Used only with `since`. */
  readonly until: number | null;
  /** The id of the selected event; null if none is selected. */
  readonly id: number | null;
}

const ID = /^[0-9]{1,15}$/;

/** Parses the query of the page's address. Malformed parameters are ignored. */
export function askedBy({ pattern = "", since = "", until = "", id = "" }: Readonly<Record<string, string>>): Asked {
  return {
    pattern,
    since: ID.test(since) ? Number(since) : null,
    until: ID.test(since) && ID.test(until) ? Number(until) : null,
    id: ID.test(id) && Number(id) > 0 ? Number(id) : null,
  };
}

/** Returns the address of a list. */
export function addressFor({ pattern, since, until, id }: Asked): string {
  return (
    addressOf("events") + query({ pattern, since: since ?? undefined, until: until ?? undefined, id: id ?? undefined })
  );
}

/** The times of the first and of the last wanted event, in ms since the epoch. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Parses the time range that an address may have in place of ids. Returns null if there is none. */
export function timeRangeIn({ from = "", to = "" }: Readonly<Record<string, string>>): TimeRange | null {
  const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
  return fromMs <= toMs ? { fromMs, toMs } : null;
}

/** The position at which a replay starts: after the event with this id, or at this time. */
export type Cursor = { readonly id: number } | { readonly timeMs: number };

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Parses the start of a replay that the user has typed. It is an event id, `10m` (ago), `14:02` (today), or a date,
 * perhaps with a time. The user's time zone applies. Returns null for empty text, and undefined for anything else.
 */
export function cursorOf(text: string, nowMs: number): Cursor | null | undefined {
  const typed = text.trim();
  if (typed === "") return null;
  if (ID.test(typed)) return { id: Number(typed) };
  const [, amount = "", unit = ""] = /^(\d{1,6})\s?([smhd])$/.exec(typed) ?? [];
  if (amount !== "") return { timeMs: nowMs - Number(amount) * (UNITS_MS[unit] ?? 0) };
  const [, hours, minutes, seconds = "0"] = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(typed) ?? [];
  if (hours !== undefined && minutes !== undefined) {
    if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined;
    return { timeMs: new Date(nowMs).setHours(Number(hours), Number(minutes), Number(seconds), 0) };
  }
  if (!/^\d{4}-\d{2}-\d{2}/.test(typed)) return undefined;
  // A time is added, because `Date.parse` interprets a date without a time as midnight in UTC.
  const timeMs = Date.parse(typed.length === 10 ? `${typed}T00:00` : typed);
  return Number.isNaN(timeMs) ? undefined : { timeMs };
}

/** An event as it is stored. `data` is the publisher's JSON text, which keeps all digits of long numbers. */
export interface WholeEvent extends Omit<Event, "data"> {
  readonly data: string;
}

/**
 * Extracts an event from the answer to a history request for one event. The data are kept as text, because parsing
 * would lose the last digits of long numbers. Returns null if the answer contains another event.
 */
export function wholeEvent(answer: string, id: number): WholeEvent | null {
  const [event] = JSON.parse(answer) as readonly Event[];
  if (event?.id !== id) return null;
  const { topic, source, created_at, data } = event;
  const before = `[{"id":${id},"topic":${JSON.stringify(topic)},"data":`;
  const after = `,"source":${JSON.stringify(source)},"created_at":${JSON.stringify(created_at)}}]`;
  const text = answer.trimEnd();
  const asSent = text.startsWith(before) && text.endsWith(after);
  return {
    id,
    topic,
    source,
    created_at,
    data: asSent ? text.slice(before.length, -after.length) : jsonPreview(data),
  };
}

/** Returns a shell command that publishes an event with the same topic, data and source. */
export function asCurl({ topic, data, source }: WholeEvent, origin: string, auth: boolean): string {
  const said = source === "" ? "" : `,"source":${JSON.stringify(source)}`;
  const body = `{"topic":${JSON.stringify(topic)},"data":${data}${said}}`;
  return curlPost(`${origin}/api/events/publish`, body, auth);
}

/**
 * Formats the counts of one minute as a rate: `320/s`, `3.2/s`. If there is less than one event per second, the rate is
 * per minute: `12/min`.
 */
export function formatRate(counts: readonly number[]): string {
  const sum = counts.reduce((all, one) => all + one, 0);
  const mean = sum / counts.length;
  if (mean < 1) return `${sum}/min`;
  return `${mean < 10 ? mean.toFixed(1) : count(Math.round(mean))}/s`;
}

/**
 * Returns the id of the event in the next row above or below the selected one. Returns the first event if none is
 * selected.
 */
export function neighbour(rows: readonly Row[], id: number | null, step: 1 | -1): number | null {
  const events = rows.filter((row): row is HeldEvent => !isGap(row));
  const at = id === null ? -1 : events.findIndex((event) => event.id === id);
  if (at < 0) return events[0]?.id ?? null;
  return events[at + step]?.id ?? null;
}
