/**
 * The events that a page holds: in the order of their ids, each once, a bounded number of the newest, and the gaps
 * of what is not held between them. Pure.
 */
import type { Event } from "./types.js";

/** Events that were never shown, in their place. */
export interface Gap {
  /** The last event before it that was seen. */
  readonly after_id: number;
  readonly count: number;
}

export interface EventList {
  /** Oldest first. */
  readonly events: readonly Event[];
  readonly gaps: readonly Gap[];
  /** How many were dropped at the old end because there were too many. */
  readonly forgotten: number;
}

export const NO_EVENTS: EventList = { events: [], gaps: [], forgotten: 0 };

/** The list with these events in it, at most `keep` of them, the newest. */
export function addEvents(list: EventList, added: readonly Event[], keep: number): EventList {
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

/** The list with a gap in it. */
export function addGap(list: EventList, gap: Gap): EventList {
  if (gap.count <= 0) return list;
  const gaps = [...list.gaps.filter(({ after_id }) => after_id !== gap.after_id), gap];
  return { ...list, gaps: gaps.toSorted((a, b) => a.after_id - b.after_id) };
}

function mergeById(held: readonly Event[], added: readonly Event[]): Event[] {
  const by_id = new Map([...held, ...added].map((event) => [event.id, event]));
  return [...by_id.values()].toSorted((a, b) => a.id - b.id);
}
