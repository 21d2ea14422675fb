/**
 * Loads the data of the story view: the events of a range, the leases and tasks at its start, and the server's state at
 * a time. Nothing is loaded again, because data of the past do not change.
 */
import { ApiError, getJson } from "../../api/client.js";
import type { Loader } from "../../api/resource.js";
import type { Event, KeyAt, LeaseAt, TaskAt } from "../../api/types.js";
import { apiPath, query } from "../../base/path.js";
import type { Seed } from "./lanes.js";
import type { Range } from "./range.js";

/** The maximum number of events of a range that the page holds. It holds the newest ones. */
export const EVENTS_MAX = 2_000;
/** The maximum number of leases, and of tasks, that are read at the start of a range. */
const SEED_ROWS = 1_000;
/** The maximum number of rows of each list that are read at a time. */
export const ROWS_MAX = 200;
/**
 * The server knows only a limited past, and the start of that past moves on. So the page requests a time that is this
 * much later than the start, in ms.
 */
const SINCE_MARGIN_MS = 2_000;

/** The range and the workspace that the view shows. */
export interface Asked extends Range {
  /** Only data of this workspace are loaded; "" for all workspaces. Keys do not belong to a workspace. */
  readonly workspace: string;
}

export interface Story {
  /** The events of the range, the oldest first. */
  readonly events: readonly Event[];
  /** The leases and tasks at the start; null if the server does not know them at any time in the range. */
  readonly seed: Seed | null;
  /** The time since which the events are complete, in ms; null if they are complete in the whole range. */
  readonly eventsSinceMs: number | null;
}

/** A list at a time in the past, or the reason why it is missing. */
export interface Past<Row> {
  readonly rows: readonly Row[];
  /** Whether there are more rows. */
  readonly more: boolean;
  /** If the requested time is too early, the time since which the server knows the past, in ms. Otherwise null. */
  readonly sinceMs: number | null;
}

export interface Moment {
  readonly atMs: number;
  readonly leases: Past<LeaseAt>;
  readonly tasks: Past<TaskAt>;
  readonly state: Past<KeyAt>;
}

const timeOf = (ms: number): string => new Date(ms).toISOString();

/**
 * Returns the time since which the server knows the past, in ms, from the error of a request.
 * @throws the error if it has another reason
 */
function sinceIn(error: unknown): number {
  if (error instanceof ApiError && error.since !== "") return Date.parse(error.since);
  throw error;
}

/**
 * Reads which leases and tasks were live at a time. If the server does not know that time any more, reads them at a
 * later time.
 */
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
      // Older events of the range may have been removed, unless there is an event before the range.
      const complete = events.length < EVENTS_MAX && (before.length > 0 || events[0]?.id === 1);
      return {
        events,
        // If the page does not hold the first events of the range, the lanes begin later: at the first event that it
        // holds. So the page needs the leases and tasks at that time.
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

/** Loads the state of the server at a time. */
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
