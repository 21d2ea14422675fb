/** The program's version, the same as in package.json (a test holds them together). */
export const VERSION = "0.1.0";

/**
 * What the writer's methods do to the database, as one number: with every change by which the same calls would leave
 * other rows or answers behind it is one more. Nodes of a cluster carry out the entries of their own number only.
 */
export const COMMAND_VERSION = 3;
