/** Limits of the messages that tell a client what has changed. */

/** The maximum length of the list of kinds in a client's request to watch changes. */
export const CHANGE_KINDS_BYTES_MAX = 1_024;
/** The maximum number of messages about changes that one client gets within CHANGE_WINDOW_MS. */
export const CHANGE_MESSAGES_MAX = 10;
export const CHANGE_WINDOW_MS = 1_000;
/**
 * The maximum number of objects of one kind that one report of changes names. More would be useless, because no client
 * gets more messages than this.
 */
export const CHANGE_NAMES_MAX = CHANGE_MESSAGES_MAX;
export const CHANGE_READERS_MAX = 1_000;
