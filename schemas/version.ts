/** The program's version, the same as in package.json (a test compares them). */
export const VERSION = "0.1.0";

/**
 * The apply version: it identifies the effect of the writer's methods on the database. Every change after which the
 * same calls would leave other rows or replies increases it by one. Nodes of a cluster apply only the entries of their
 * own version.
 */
export const APPLY_VERSION = 3;
