/** Loads the events of a range, what was live when they begin, and what was there at a time. None of it changes. */
import { ApiError, getJson } from "../../api/client.js";
import type { Loader } from "../../api/resource.js";
import type { Event, KeyAt, LeaseAt, TaskAt } from "../../api/types.js";
import { apiPath, query } from "../../base/path.js";
import type { Seed } from "./lanes.js";
import type { Range } from "./range.js";

/** The events of a range that the page holds: the newest. */
export const EVENTS_MAX = 2_000;
/** The leases and the tasks that are read at the start of a range. */
const SEED_ROWS = 1_000;
/** The rows of each list that are read at a time. */
export const ROWS_MAX = 200;
/** The time since which the server can tell moves on meanwhile, so the page asks for a later one, in ms. */
const SINCE_MARGIN_MS = 2_000;

/** The range and the workspace that are shown. */
export interface Asked extends Range {
  /** Only what belongs to this workspace; "" for all. Keys belong to none. */
  readonly workspace: string;
}

export interface Story {
  /** Oldest first. */
  readonly events: readonly Event[];
  /** The leases and tasks at the start; null if the server does not know them at any time in the range. */
  readonly seed: Seed | null;
  /** The time since which the events are complete, in ms; null if they are in the whole range. */
  readonly eventsSinceMs: number | null;
}

/** A list of a time, or why there is none. */
export interface Past<Row> {
  readonly rows: readonly Row[];
  /** Whether there are more rows. */
  readonly more: boolean;
  /** The time since which the server can tell, in ms, if the time is earlier; otherwise null. */
  readonly sinceMs: number | null;
}

export interface Moment {
  readonly atMs: number;
  readonly leases: Past<LeaseAt>;
  readonly tasks: Past<TaskAt>;
  readonly state: Past<KeyAt>;
}

const timeOf = (ms: number): string => new Date(ms).toISOString();

/** Returns the time since which the server can tell, in ms. @throws the error if it is about something else */
function sinceIn(error: unknown): number {
  if (error instanceof ApiError && error.since !== "") return Date.parse(error.since);
  throw error;
}

/** Reads who held, waited or worked on a task. Reads it at a later time if the server does not know this one. */
async function readSeed(atMs: number, asked: Asked, signal: AbortSignal, again = true): Promise<Seed | null> {
  const { toMs, workspace } = asked;
  const at = <List>(what: string, state: string) =>
    getJson<List>(apiPath("at", timeOf(atMs), what) + query({ state, workspace, limit: SEED_ROWS }), signal);
  try {
    const [{ leases }, { tasks }] = await Promise.all([
      at<{ readonly leases: readonly LeaseAt[] }>("leases", "all"),
      at<{ readonly tasks: readonly TaskAt[] }>("tasks", "claimed"),
    ]);
    return { atMs, leases, tasks };
  } catch (error) {
    const laterMs = sinceIn(error) + SINCE_MARGIN_MS;
    return again && laterMs < toMs ? readSeed(laterMs, asked, signal, false) : null;
  }
}

export function storyLoader(asked: Asked): Loader<Story> {
  const { fromMs, toMs, workspace } = asked;
  const [from, to] = [timeOf(fromMs), timeOf(toMs)];
  const history = apiPath("events", "history");
  return {
    key: `story ${from} ${to} ${workspace}`,
    kinds: [],
    fetch: async (signal) => {
      const [newest, before, seed] = await Promise.all([
        getJson<Event[]>(history + query({ from, to, last: EVENTS_MAX }), signal),
        getJson<Event[]>(history + query({ to: from, last: 1 }), signal),
        readSeed(fromMs, asked, signal),
      ]);
      const events = newest.toReversed();
      const first = events[0] === undefined ? toMs : Date.parse(events[0].created_at);
      // Without an event before the range, older ones may have been removed.
      const complete = events.length < EVENTS_MAX && (before.length > 0 || events[0]?.id === 1);
      return {
        events,
        // If older events of the range are not held, what was live when the held ones begin is needed instead.
        seed: events.length < EVENTS_MAX ? seed : await readSeed(first, asked, signal),
        eventsSinceMs: complete ? null : first,
      };
    },
  };
}

async function readPast<Row>(path: string, name: string, signal: AbortSignal): Promise<Past<Row>> {
  try {
    const { [name]: rows = [] } = await getJson<Readonly<Record<string, readonly Row[]>>>(path, signal);
    return { rows, more: rows.length === ROWS_MAX, sinceMs: null };
  } catch (error) {
    return { rows: [], more: false, sinceMs: sinceIn(error) };
  }
}

/** Loads what was there at a time. */
export function momentLoader(atMs: number, workspace: string): Loader<Moment> {
  const path = (what: string, asked: Readonly<Record<string, string>> = {}): string =>
    apiPath("at", timeOf(atMs), what) + query({ ...asked, limit: ROWS_MAX });
  return {
    key: `moment ${atMs} ${workspace}`,
    kinds: [],
    fetch: async (signal) => {
      const [leases, tasks, state] = await Promise.all([
        readPast<LeaseAt>(path("leases", { state: "all", workspace }), "leases", signal),
        readPast<TaskAt>(path("tasks", { workspace }), "tasks", signal),
        readPast<KeyAt>(path("state"), "state", signal),
      ]);
      return { atMs, leases, tasks, state };
    },
  };
}
