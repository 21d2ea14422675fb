/** Limits that hold for every claim, which is a lease or a claimed task: its life, and its resources. */

export const CLAIM_TTL_S_MAX = 86_400;
/** The default of the longest life of a claim. The claim ends then even if its holder stays active. */
export const CLAIM_MAX_S_DEFAULT = 14_400;
export const CLAIM_MAX_S_MAX = 86_400;
/** The time that an unconfirmed grant is kept for a waiter that has not been seen since the grant. */
export const CLAIM_OFFER_MS = 30_000;
/**
 * The least remaining life of each claim when a server starts, because heartbeats of its holder could not arrive while
 * the server was down.
 */
export const CLAIM_RESTART_MS = 15_000;
/** A gap of at least this much between two ticks counts as a pause of the server. */
export const RUN_PAUSE_MS_MIN = 500;
/**
 * After a pause, each claim lives at least for the length of the pause times this factor, but this minimum is at most
 * CLAIM_RESTART_MS.
 */
export const RUN_PAUSE_GRACE_FACTOR = 5;
/**
 * In a cluster of several nodes, a claim lasts this much longer than its ttl, and an instance counts as silent this
 * much later. In this grace period, activity at another node becomes known. For silence, the grace is at most
 * SILENCE_SHARED_GRACE_PART of the time after which an instance counts as silent.
 */
export const CLAIM_SHARED_GRACE_MS = 2_000;
export const SILENCE_SHARED_GRACE_PART = 1 / 2;
/** The most claims that one call of the writer ends. */
export const CLAIMS_ENDED_TOGETHER = 100;

// Resources
export const RESOURCE_BYTES_MAX = 512;
/** The most characters after the literal prefixes of a request's globs, counted over all alternatives together. */
export const GLOB_CHARACTERS_TOGETHER_MAX = 4_096;
/**
 * The most steps, of about 40 ns each, to compare a request's globs with the held and waiting leases. A request that
 * would take more is rejected.
 */
export const GLOB_STEPS_MAX = 200_000;
