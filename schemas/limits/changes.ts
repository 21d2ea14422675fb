/** Limits of the messages that tell a client what has changed. */

/** The maximum length of the list of kinds in a client's request to watch changes. */
export const CHANGE_KINDS_BYTES_MAX = 1_024;
/** One client gets at most this many messages about changes within CHANGE_WINDOW_MS. */
export const CHANGE_MESSAGES_MAX = 10;
export const CHANGE_WINDOW_MS = 1_000;
/**
 * The report of a commit or a tick names at most this many things of one kind, because no client gets more messages
 * than this.
 */
export const CHANGE_NAMES_MAX = CHANGE_MESSAGES_MAX;
export const CHANGE_READERS_MAX = 1_000;
