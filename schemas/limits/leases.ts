/** Limits of leases: how many there are, their memory, lists of them, and how long ended ones are kept. */
import { KIB, MIB } from "./units.js";

/** The most held and waiting leases of all instances together. */
export const LEASES_MAX = 10_000;
export const LEASES_OF_HOLDER_MAX = 1_000;
/**
 * The memory of all leases together in the writer. The next limit is that of the leases of one instance. The front has
 * a second copy of the leases.
 */
export const LEASES_BYTES_MAX = 64 * MIB;
export const LEASES_OF_HOLDER_BYTES_MAX = 16 * MIB;
/** A lease without its resources. */
export const LEASE_BYTES = 1 * KIB;
export const LEASE_RESOURCES_MAX = 64;
/** Conflicts that a refusal lists. */
export const LEASE_CONFLICTS_MAX = 100;
export const LEASE_TTL_S_DEFAULT = 600;
export const CHECK_PATHS_MAX = 1_000;
export const CHECK_PATH_BYTES_MAX = 1_024;
export const LEASE_ROWS_DEFAULT = 100;
/** The number of ended leases in one page that the writer reads. Other work runs between the pages. */
export const LEASE_LIST_PAGE = 1_000;
/** The time that ended leases are kept, because a client may later ask for the holder at the time of a commit. */
export const LEASE_KEEP_MS = 7 * 86_400_000;
export const LEASE_PRUNE_INTERVAL_MS = 3_600_000;
export const LEASE_PRUNE_ROWS = 1_000;
