/** The program's version. A test checks that package.json has the same version. */
export const VERSION = "1.0.0";

/**
 * The apply version: the version of the writer's methods. Increase it by one when a change gives the same calls other
 * results (rows or replies) than before. A node of a cluster applies only entries with its own apply version.
 */
export const APPLY_VERSION = 8;
