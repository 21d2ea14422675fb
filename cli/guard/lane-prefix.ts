/** The beginning of the resource that is the lane of a branch (cli/land/lane.ts). Data only. */
export const LANE_PREFIX = "name:land@";
