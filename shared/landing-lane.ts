/** How the lease of a landing looks, which `koor land` takes and the dashboard shows. Pure. */

/** The beginning of the resource that is the lane of a branch (docs/landing.md). */
export const LANE_PREFIX = "name:land@";
/** Matches the reason of a lane's lease: the branch, its head, and the key of its check if there is one. */
export const LANDING_REASON = /^land (\S+) at ([0-9a-f]{40,64})(?:, check ([0-9a-f]+))?$/;
