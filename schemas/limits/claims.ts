/** Limits of all claims, which are leases and claimed tasks: their life and their resources. */

export const CLAIM_TTL_S_MAX = 86_400;
/** The default of a claim's maximum life. After this time the claim ends even if its holder stays active. */
export const CLAIM_MAX_S_DEFAULT = 14_400;
export const CLAIM_MAX_S_MAX = 86_400;
/** An unconfirmed grant is kept for this long if its waiter has not been seen since the grant. */
export const CLAIM_OFFER_MS = 30_000;
/**
 * When a server starts, each claim lives for at least this long, because the heartbeats of its holder could not arrive
 * while the server was down.
 */
export const CLAIM_RESTART_MS = 15_000;
/** If two ticks are at least this far apart, the server counts as paused between them. */
export const RUN_PAUSE_MS_MIN = 500;
/**
 * After a pause of the server, each claim lives for at least this many times the length of the pause. This minimum is
 * at most CLAIM_RESTART_MS.
 */
export const RUN_PAUSE_GRACE_FACTOR = 5;
/**
 * In a cluster of several nodes, a claim ends this much later than its ttl, and an instance counts as silent this much
 * later. In this grace period, activity at another node becomes known.
 *
 * For silence, the grace period is at most SILENCE_SHARED_GRACE_PART of the time after which an instance counts as
 * silent.
 */
export const CLAIM_SHARED_GRACE_MS = 2_000;
export const SILENCE_SHARED_GRACE_PART = 1 / 2;
/**
 * One call of the writer ends at most this many claims that expire or whose holder is deleted. The end of a claim may
 * grant others, and which ones takes a few milliseconds to find out where thousands wait.
 */
export const CLAIMS_ENDED_TOGETHER = 16;

// Counted claims and alternatives
/** The maximum of `max_holders`. A waiting claim may have to watch as many others. */
export const CLAIM_HOLDERS_MAX = 100;
/** The maximum number of groups of alternatives of one claim. */
export const ALTERNATIVE_GROUPS_MAX = 8;
/** The maximum number of alternatives of one group. */
export const ALTERNATIVES_OF_GROUP_MAX = 1_024;
/**
 * The maximum number of alternatives of all groups of a request. Reading them, and comparing them with what is leased,
 * takes about 1 ms in the front and 2 ms in the writer.
 */
export const ALTERNATIVES_OF_REQUEST_MAX = 1_024;
/**
 * The maximum number of held and waiting claims of the alternatives of a request, each counted for each of its names. A
 * request compares its alternatives with all of them a few times, which takes about 1 microsecond each.
 */
export const ALTERNATIVES_STEPS_MAX = 10_000;
export const ALTERNATIVES_BYTES_MAX = 1_024;
/** The memory that one claim takes in the writer because another one watches it. */
export const CLAIM_WATCH_BYTES = 64;

// Resources
export const RESOURCE_BYTES_MAX = 512;
/** The maximum number of characters after the literal prefixes of a request's globs, all alternatives together. */
export const GLOB_CHARACTERS_TOGETHER_MAX = 4_096;
/**
 * The maximum number of steps to compare a request's globs with the held and waiting leases. A request that would take
 * more is rejected. A step takes about 40 ns.
 */
export const GLOB_STEPS_MAX = 200_000;
