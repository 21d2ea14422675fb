/** Defines the form of a landing's lease. `koor land` takes such a lease, and the dashboard shows it. Pure. */

/** The prefix of the resource that is the lane of a branch (docs/landing.md). */
export const LANE_PREFIX = "name:land@";
/**
 * Matches the reason of a lane's lease. It names the branch, its head and, if the landing has a check, the key of the
 * check.
 */
export const LANDING_REASON = /^land (\S+) at ([0-9a-f]{40,64})(?:, check ([0-9a-f]+))?$/;
