/** Leases: lists of them, and who waits for whom, for each view that shows some of them. */
import { getJson, send, sendOnce } from "./client.js";
import { apiPath, query } from "../base/path.js";
import type { Loader } from "./resource.js";
import type { Lease, LeaseList, LeaseWaits } from "./types.js";

export interface LeaseFilter {
  readonly workspace?: string;
  /** An instance's id. */
  readonly holder?: string;
  /** A glob: those that overlap it. */
  readonly resource?: string;
  /** "" for what is held or waits. */
  readonly state?: string;
}

/** Of each state. */
export const LEASES_SHOWN = 500;
/** When a lease ends is put off by signs of life, which are no change. */
const LIVES_MS = 30_000;
const GAP_MS = 1_000;

/** The leases of a filter, each state's newest first, what waits before what is held. */
export function leasesLoader(filter: LeaseFilter): Loader<readonly Lease[]> {
  const { state = "", ...rest } = filter;
  const states = state === "" ? ["waiting", "held"] : [state];
  return {
    key: `leases ${JSON.stringify(filter)}`,
    kinds: ["lease"],
    gap_ms_min: GAP_MS,
    every_ms: LIVES_MS,
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

/** One lease, whether or not it has ended. */
export function leaseLoader(id: string): Loader<Lease> {
  return {
    key: `lease ${id}`,
    kinds: ["lease"],
    every_ms: LIVES_MS,
    concerns: ({ key }) => key === null || key === id,
    fetch: (signal) => getJson<Lease>(apiPath("leases", id), signal),
  };
}

/** Who waits for whom, as far back as the longest waiting. */
export const waitsLoader: Loader<LeaseWaits> = {
  key: "lease waits",
  kinds: ["lease"],
  gap_ms_min: GAP_MS,
  fetch: (signal) => getJson<LeaseWaits>(apiPath("leases", "waits") + query({ limit: LEASES_SHOWN }), signal),
};

/** How many requests wait for a lease, by its id. */
export function waitingFor({ waits }: LeaseWaits): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { for: held } of waits) counts.set(held, (counts.get(held) ?? 0) + 1);
  return counts;
}

/**
 * Takes a lease from its holder, or a request out of the line; one that has ended before is as free.
 * @throws ApiError where it is refused
 */
export function breakLease(id: string, reason: string): Promise<void> {
  return sendOnce(() => send("POST", apiPath("leases", id, "break"), { reason }));
}
