/**
 * Loads events that the live feed of the event view does not deliver. These are one event as it is stored, and the last
 * event before a time.
 */
import { getJson, getText } from "../../api/client.js";
import { query } from "../../base/path.js";
import type { Loader } from "../../api/resource.js";
import type { Event } from "../../api/types.js";
import { wholeEvent, type WholeEvent } from "./model.js";

const HISTORY = "/api/events/history";

/**
 * Loads an event as it is stored; null if history no longer holds it. The event is not reloaded, because an event never
 * changes.
 */
export function eventLoader(id: number): Loader<WholeEvent | null> {
  return {
    key: `event ${id}`,
    kinds: [],
    fetch: async (signal) => wholeEvent(await getText(HISTORY + query({ after: id - 1, last: 1 }), signal), id),
  };
}

/** Returns the id of the last event before a time; 0 if history begins after that time. */
export async function idBefore(timeMs: number): Promise<number> {
  const to = new Date(timeMs - 1).toISOString();
  const [before] = await getJson<Event[]>(HISTORY + query({ to, last: 1 }));
  return before?.id ?? 0;
}
