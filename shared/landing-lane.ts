/**
 * Defines the resource and the reason of the lease that `koor land` takes while it lands a branch. The dashboard
 * recognizes such leases by them. Pure.
 */

/**
 * The prefix of a lane's resource. Each branch has a lane, and only one landing at a time holds it (docs/landing.md).
 */
export const LANE_PREFIX = "name:land@";
/**
 * Matches the reason of a lane's lease, for example `land main at 4b825dc…, check 9f2c…`. It names the branch and its
 * head, and the check's key if the landing has a check.
 */
export const LANDING_REASON = /^land (\S+) at ([0-9a-f]{40,64})(?:, check ([0-9a-f]+))?$/;
