/** The program's version. A test checks that package.json has the same one. */
export const VERSION = "0.1.0";

/**
 * The apply version. It identifies how the writer's methods change the database. It must be increased by one when the
 * same calls would leave other rows or replies than before. A cluster's nodes apply only entries with their own apply
 * version.
 */
export const APPLY_VERSION = 8;
