/** Limits of leases: their number, their memory, lists of them, and the time for which ended leases are kept. */
import { KIB, MIB } from "./units.js";

/** The maximum number of held and waiting leases of all instances together. */
export const LEASES_MAX = 10_000;
export const LEASES_OF_HOLDER_MAX = 1_000;
/** The maximum memory of all leases in the writer. The front has a second copy of the leases. */
export const LEASES_BYTES_MAX = 64 * MIB;
/** The maximum memory of the leases of one instance in the writer. */
export const LEASES_OF_HOLDER_BYTES_MAX = 16 * MIB;
/** The memory of a lease without its resources. */
export const LEASE_BYTES = 1 * KIB;
export const LEASE_RESOURCES_MAX = 64;
/** The maximum number of conflicts that a rejection lists. */
export const LEASE_CONFLICTS_MAX = 100;
/** The maximum number of leases of other checkouts that an answer lists. */
export const LEASE_NEARBY_MAX = 20;
export const LEASE_TTL_S_DEFAULT = 600;
export const CHECK_PATHS_MAX = 1_000;
export const CHECK_PATH_BYTES_MAX = 1_024;
export const LEASE_ROWS_DEFAULT = 100;
/**
 * The maximum number of lists of more than 256 KiB that are built together. Without a limit, 100 requests would take
 * several GB.
 */
export const LONG_LEASE_LISTS_TOGETHER_MAX = 1;
/** The maximum number of long lists that wait for others, each with its first 256 KiB, in all and for one caller. */
export const LONG_LEASE_LISTS_WAITING_MAX = 64;
export const LONG_LEASE_LISTS_WAITING_OF_CALLER_MAX = 48;
/** The maximum time that a long list waits, in ms. */
export const LONG_LEASE_LIST_WAIT_MS_MAX = 10_000;
/** The writer reads ended leases in pages of this many, and does other work between the pages. */
export const LEASE_LIST_PAGE = 1_000;
/** How long ended leases are kept. A client may later ask which instance held a lease when a commit was made. */
export const LEASE_KEEP_MS = 7 * 86_400_000;
export const LEASE_PRUNE_INTERVAL_MS = 3_600_000;
export const LEASE_PRUNE_ROWS = 1_000;
