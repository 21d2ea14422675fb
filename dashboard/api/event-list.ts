/**
 * The events that a page holds: in the order of their ids, each once, a bounded number of the newest, and the gaps
 * of what is not held between them. Pure.
 */
import type { Event } from "./types.js";

/** An event as a page holds it. Data that are long are held as the beginning of their text. */
export interface HeldEvent extends Event {
  readonly cut?: true;
}

/** Events that were never shown, in their place. */
export interface Gap {
  /** The last event before it that was seen. */
  readonly after_id: number;
  readonly count: number;
  /** `pruned`: history no longer holds them; `dropped`: the server left them out, and they could not be fetched. */
  readonly why: "pruned" | "dropped";
  /** Whether all of them would have been shown; else they are of all topics. */
  readonly exact: boolean;
}

export interface EventList {
  /** Oldest first. */
  readonly events: readonly HeldEvent[];
  /** By their places. */
  readonly gaps: readonly Gap[];
  /** How many were let go at the old end because there were too many. */
  readonly forgotten: number;
}

export const NO_EVENTS: EventList = { events: [], gaps: [], forgotten: 0 };

/** Of longer data only the beginning is held: 10,000 events of 10 MiB are no list, they are the end of the page. */
const DATA_CHARACTERS_MAX = 8_192;
const PREVIEW_CHARACTERS = 1_024;
/** More than this is on no screen's line. */
const LINE_CHARACTERS = 300;

/** The event as it is held. `characters` is the length of its text, where that is known. */
export function heldEvent(event: Event, characters?: number): HeldEvent {
  if (characters !== undefined && characters <= DATA_CHARACTERS_MAX) return event;
  const text = JSON.stringify(event.data);
  if (text.length <= DATA_CHARACTERS_MAX) return event;
  // A copy, since a slice keeps the whole of its string alive.
  return { ...event, data: structuredClone(text.slice(0, PREVIEW_CHARACTERS)), cut: true };
}

/** An event's data as the page holds them: of long ones the beginning. */
export function heldData({ data, cut }: HeldEvent): string {
  return cut === true && typeof data === "string" ? data : JSON.stringify(data);
}

/** An event's data on one line; "" for none. */
export function dataPreview(event: HeldEvent): string {
  if (event.data === null) return "";
  const text = heldData(event);
  return text.length > LINE_CHARACTERS ? `${text.slice(0, LINE_CHARACTERS)}…` : text;
}

/** The list with these events in it, at most `keep` of them, the newest. */
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
    forgotten: list.forgotten + surplus,
  };
}

/** The list with a gap in it. One that is there already may have grown. */
export function addGap(list: EventList, gap: Gap): EventList {
  if (gap.count <= 0) return list;
  const there = list.gaps.find(({ after_id }) => after_id === gap.after_id);
  if (there !== undefined && there.count >= gap.count) return list;
  const gaps = [...list.gaps.filter((other) => other !== there), gap];
  return { ...list, gaps: gaps.toSorted((a, b) => a.after_id - b.after_id) };
}

/** The held event of this id. */
export function findEvent(list: EventList, id: number): HeldEvent | undefined {
  return list.events.findLast((event) => event.id === id);
}

function mergeById(held: readonly HeldEvent[], added: readonly HeldEvent[]): HeldEvent[] {
  const by_id = new Map([...held, ...added].map((event) => [event.id, event]));
  return [...by_id.values()].toSorted((a, b) => a.id - b.id);
}
