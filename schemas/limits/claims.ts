/** Limits of all claims, which are leases and claimed tasks: their life and their resources. */

export const CLAIM_TTL_S_MAX = 86_400;
/** The default of a claim's maximum life. After this time the claim ends even if its holder stays active. */
export const CLAIM_MAX_S_DEFAULT = 14_400;
export const CLAIM_MAX_S_MAX = 86_400;
/**
 * A grant after a wait is unconfirmed until its holder is seen again. The server keeps an unconfirmed grant for this
 * time.
 */
export const CLAIM_OFFER_MS = 30_000;
/**
 * The minimum life of each claim after a server's start. It is needed because the heartbeats of the claim's holder
 * could not arrive while the server was down.
 */
export const CLAIM_RESTART_MS = 15_000;
/** The server counts as paused if at least this time passes between two ticks. */
export const RUN_PAUSE_MS_MIN = 500;
/**
 * After a pause of the server, each claim lives on for at least the length of the pause times this factor. This minimum
 * is at most CLAIM_RESTART_MS.
 */
export const RUN_PAUSE_GRACE_FACTOR = 5;
/**
 * The extra time in a cluster of several nodes. A claim ends this long after its ttl, and an instance counts as silent
 * this much later. In this time, the node learns about activity that other nodes have seen.
 *
 * For silence, the extra time is at most SILENCE_SHARED_GRACE_PART of the time after which an instance counts as
 * silent.
 */
export const CLAIM_SHARED_GRACE_MS = 2_000;
export const SILENCE_SHARED_GRACE_PART = 1 / 2;
/**
 * The maximum number of claims that one call of the writer ends, after they have expired or their holder was deleted.
 * When a claim ends, the writer finds the waiting claims to grant. If thousands of claims wait, that takes a few
 * milliseconds.
 */
export const CLAIMS_ENDED_TOGETHER = 16;

// Limits of counted claims and of alternatives:
/**
 * The maximum of `max_holders`. It is limited because a waiting claim may have to watch this number of other claims.
 */
export const CLAIM_HOLDERS_MAX = 100;
/** The maximum number of groups of alternatives in one claim. */
export const ALTERNATIVE_GROUPS_MAX = 8;
/**
 * The maximum number of alternatives in all groups of a request together. Reading them, and comparing them with the
 * leases, takes about 1 ms on the front and 2 ms in the writer.
 */
export const ALTERNATIVES_OF_REQUEST_MAX = 1_024;
/**
 * The maximum number of names with which the alternatives of a request are compared: the names of all held and waiting
 * claims. A request is compared with them a few times, and each comparison takes about 1 µs for each name.
 */
export const ALTERNATIVES_STEPS_MAX = 10_000;
export const ALTERNATIVES_BYTES_MAX = 1_024;
/** The memory that a claim takes in the writer for each other claim that watches it. */
export const CLAIM_WATCH_BYTES = 64;

// Resources
export const RESOURCE_BYTES_MAX = 512;
/**
 * The maximum number of characters of a request's globs, without their literal prefixes (for `src/*.ts`, it counts
 * `*.ts`). The limit applies to all alternatives together.
 */
export const GLOB_CHARACTERS_TOGETHER_MAX = 4_096;
/**
 * The maximum number of steps to compare a request's globs with the held and waiting leases. A request that would take
 * more steps is rejected. A step takes about 40 ns.
 */
export const GLOB_STEPS_MAX = 200_000;
/**
 * A request of a lease with more resources and alternatives than this, or one that is compared with more leases or
 * takes more steps, counts as a large write. It takes the writer about a millisecond, and up to 20 ms if 10 000 leases
 * wait.
 */
export const ACQUIRE_COSTLY_GLOBS_MIN = 500;
export const ACQUIRE_COSTLY_STEPS_MIN = 25_000;
/**
 * If fewer leases wait on the whole server, the front does not count how many of them wait for a holder's leases. An
 * agent may hold a thousand leases, and counting takes 0.1 to 0.3 µs for each of their resources.
 */
export const ACQUIRE_COSTLY_WAITING_MIN = 50;
/**
 * If a holder's leases, or the requests that wait for a lease that ends, have more resources and alternatives than this
 * together, the front does not count the rest, and the call counts as a large write. Counting this many takes about
 * 1 ms.
 */
export const ACQUIRE_COSTLY_COUNTED_MAX = 4_096;
