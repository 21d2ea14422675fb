/** Loads leases and the wait graph, for every view that shows them. */
import { getJson, send, sendOnce } from "./client.js";
import { apiPath, query } from "../base/path.js";
import type { Loader } from "./resource.js";
import type { Lease, LeaseList, LeaseWaits } from "./types.js";

export interface LeaseFilter {
  readonly workspace?: string;
  /** The id of an instance. It selects the leases of this instance. */
  readonly holder?: string;
  /** A path glob. It selects the leases whose resources overlap the glob. */
  readonly resource?: string;
  /** "" for held and waiting leases. */
  readonly state?: string;
}

/** The maximum number of leases that are loaded in each state. */
export const LEASES_SHOWN = 500;
/**
 * The interval between reloads, in ms. The page must reload, because a holder's activity extends a lease without a
 * change event.
 */
const REFRESH_MS = 30_000;
const GAP_MS = 1_000;

/**
 * Loads the leases that match a filter. Waiting leases come before held ones; leases in the same state are sorted
 * newest first.
 */
export function leasesLoader(filter: LeaseFilter): Loader<readonly Lease[]> {
  const { state = "", ...rest } = filter;
  const states = state === "" ? ["waiting", "held"] : [state];
  return {
    key: `leases ${JSON.stringify(filter)}`,
    kinds: ["lease"],
    gapMsMin: GAP_MS,
    everyMs: REFRESH_MS,
    fetch: async (signal) => {
      const lists = await Promise.all(
        states.map((one) =>
          getJson<LeaseList>(apiPath("leases") + query({ ...rest, state: one, limit: LEASES_SHOWN }), signal),
        ),
      );
      return lists.flatMap(({ leases }) => leases);
    },
  };
}

/** Loads one lease, which may already have ended. */
export function leaseLoader(id: string): Loader<Lease> {
  return {
    key: `lease ${id}`,
    kinds: ["lease"],
    everyMs: REFRESH_MS,
    concerns: ({ key }) => key === null || key === id,
    fetch: (signal) => getJson<Lease>(apiPath("leases", id), signal),
  };
}

/** The page compares other leases with at most this many resources of a lease. */
const NEARBY_RESOURCES_MAX = 20;

/**
 * Loads the leases of the same files in other checkouts. They do not conflict with the given lease, but the changes to
 * the files have to be merged later.
 */
export function nearbyLoader({ id, workspace, resources, scope, checkout, mode }: Lease): Loader<readonly Lease[]> {
  const files = scope === "checkout" ? resources.filter((resource) => resource.startsWith("path:")) : [];
  return {
    key: `nearby ${id}`,
    kinds: ["lease"],
    gapMsMin: GAP_MS,
    fetch: async (signal) => {
      const lists = await Promise.all(
        files
          .slice(0, NEARBY_RESOURCES_MAX)
          .map((resource) => getJson<LeaseList>(apiPath("leases") + query({ workspace, resource }), signal)),
      );
      const found = new Map(lists.flatMap(({ leases }) => leases.map((lease) => [lease.id, lease] as const)));
      return [...found.values()].filter(
        (other) =>
          other.scope === "checkout" && other.checkout !== checkout && !(mode === "shared" && other.mode === "shared"),
      );
    },
  };
}

/**
 * Loads the held leases of a workspace that overlap the given resources. While they are held, a task that needs these
 * resources cannot be claimed.
 */
export function overlapLoader(workspace: string, resources: readonly string[]): Loader<readonly Lease[]> {
  const asked = resources.slice(0, NEARBY_RESOURCES_MAX);
  return {
    key: `overlap ${workspace} ${asked.join("\n")}`,
    kinds: ["lease"],
    gapMsMin: GAP_MS,
    fetch: async (signal) => {
      const lists = await Promise.all(
        asked.map((resource) =>
          getJson<LeaseList>(apiPath("leases") + query({ workspace, resource, state: "held" }), signal),
        ),
      );
      return [...new Map(lists.flatMap(({ leases }) => leases.map((lease) => [lease.id, lease] as const))).values()];
    },
  };
}

/** Loads the wait graph. The longest waits come first. */
export const waitsLoader: Loader<LeaseWaits> = {
  key: "lease waits",
  kinds: ["lease"],
  gapMsMin: GAP_MS,
  fetch: (signal) => getJson<LeaseWaits>(apiPath("leases", "waits") + query({ limit: LEASES_SHOWN }), signal),
};

/** Returns the number of requests that wait for each lease, by the lease's id. */
export function waitingFor({ waits }: LeaseWaits): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { for: held } of waits) counts.set(held, (counts.get(held) ?? 0) + 1);
  return counts;
}

/**
 * Ends a lease by force, or removes a waiting request from the wait queue. It is not an error if the lease has already
 * ended.
 * @throws ApiError if the request fails
 */
export function breakLease(id: string, reason: string): Promise<void> {
  return sendOnce(() => send("POST", apiPath("leases", id, "break"), { reason }));
}
