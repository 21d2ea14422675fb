/** The program's version, the same as in package.json (a test compares them). */
export const VERSION = "0.1.0";

/**
 * The apply version: it identifies the effect of the writer's methods on the database. A change increases it by one if
 * the same calls would afterwards leave different rows or replies. Nodes of a cluster apply only the entries of their
 * own version.
 */
export const APPLY_VERSION = 4;
