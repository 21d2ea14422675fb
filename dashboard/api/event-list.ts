/**
 * The list of events that a page holds: the newest events, ordered by id, without duplicates. The list also contains
 * the gaps between the events. Pure.
 */
import { jsonPreview } from "../../shared/json-preview.js";
import type { Event } from "./types.js";

/** An event as a page holds it. Of long data, the page holds only the beginning of the text. */
export interface HeldEvent extends Event {
  readonly cut?: true;
}

/** A gap in the list. It stands for a number of events that were never shown. */
export interface Gap {
  /** The id of the last event that was received before the gap. */
  readonly after_id: number;
  readonly count: number;
  /**
   * The cause of the gap. `pruned`: the history no longer has the events. `dropped`: the server left the events out,
   * and the page could not fetch them.
   */
  readonly why: "pruned" | "dropped";
  /** Whether the count includes only events that match the pattern. If false, it includes events of all topics. */
  readonly exact: boolean;
}

export interface EventList {
  /** The events, the oldest first. */
  readonly events: readonly HeldEvent[];
  /** The gaps, in the order of their positions. */
  readonly gaps: readonly Gap[];
  /** The number of old events that were removed because the list was full. */
  readonly evicted: number;
}

export const NO_EVENTS: EventList = { events: [], gaps: [], evicted: 0 };

/**
 * If an event's data are longer than this number of characters, the page holds only their beginning. Otherwise 10,000
 * events of 10 MiB would exhaust the page's memory.
 */
const DATA_CHARACTERS_MAX = 8_192;
const PREVIEW_CHARACTERS = 1_024;
/** The maximum length of a preview, in characters. Longer text does not fit on a line of any screen. */
const LINE_CHARACTERS = 300;

/**
 * Converts an event to the form in which the page holds it, with only the beginning of long data.
 * @param characters the length of the event's text, if it is known
 */
export function heldEvent(event: Event, characters?: number): HeldEvent {
  if (characters !== undefined && characters <= DATA_CHARACTERS_MAX) return event;
  const text = jsonPreview(event.data, DATA_CHARACTERS_MAX + 1);
  if (text.length <= DATA_CHARACTERS_MAX) return event;
  // The text is copied, because a slice would keep the whole string in memory.
  return { ...event, data: structuredClone(text.slice(0, PREVIEW_CHARACTERS)), cut: true };
}

/** Returns the data of a held event as text. Of long data, this is only the beginning. */
export function heldData({ data, cut }: HeldEvent): string {
  return cut === true && typeof data === "string" ? data : jsonPreview(data);
}

/** Returns an event's data as one line of text; "" if there are none. */
export function dataPreview(event: HeldEvent): string {
  if (event.data === null) return "";
  const text = heldData(event);
  return text.length > LINE_CHARACTERS ? `${text.slice(0, LINE_CHARACTERS)}…` : text;
}

/** Returns the list with these events added, reduced to the newest `keep` events. */
export function addEvents(list: EventList, added: readonly HeldEvent[], keep: number): EventList {
  if (added.length === 0) return list;
  const newest = list.events.at(-1)?.id ?? 0;
  const ordered = added.every(({ id }, at) => id > (added[at - 1]?.id ?? newest));
  const events = ordered ? [...list.events, ...added] : mergeById(list.events, added);
  const surplus = Math.max(0, events.length - keep);
  const kept = surplus === 0 ? events : events.slice(surplus);
  const first = kept[0]?.id ?? 0;
  return {
    events: kept,
    gaps: surplus === 0 ? list.gaps : list.gaps.filter(({ after_id }) => after_id >= first),
    evicted: list.evicted + surplus,
  };
}

/**
 * Returns the list with a gap added. If the list already has this gap with a smaller count, the new gap replaces it.
 */
export function addGap(list: EventList, gap: Gap): EventList {
  if (gap.count <= 0) return list;
  const there = list.gaps.find(({ after_id }) => after_id === gap.after_id);
  if (there !== undefined && there.count >= gap.count) return list;
  const gaps = [...list.gaps.filter((other) => other !== there), gap];
  return { ...list, gaps: gaps.toSorted((a, b) => a.after_id - b.after_id) };
}

/** Returns the held event with this id. */
export function findEvent(list: EventList, id: number): HeldEvent | undefined {
  return list.events.findLast((event) => event.id === id);
}

function mergeById(held: readonly HeldEvent[], added: readonly HeldEvent[]): HeldEvent[] {
  const byId = new Map([...held, ...added].map((event) => [event.id, event]));
  return [...byId.values()].toSorted((a, b) => a.id - b.id);
}
