/** The program's version. A test checks that package.json has the same one. */
export const VERSION = "1.0.0";

/**
 * The apply version. It is the version of the writer's methods. Increase it by one when the same calls would result in
 * other rows or replies than before. A cluster's nodes apply only entries with their own apply version.
 */
export const APPLY_VERSION = 8;
