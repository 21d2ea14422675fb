/** Limits of calls that wait: long polls, and waits for several conditions. */
import { KIB, MIB } from "./units.js";

/** The maximum time that one call may wait, in seconds. */
export const WAIT_S_MAX = 60;
export const LONG_POLL_WAIT_S_MAX = 60;
/**
 * The maximum length of the queries of all waiting calls together. The index takes up to 32 bytes for each character.
 */
export const WAITING_CHARACTERS_MAX = 2 * MIB;
/** The maximum number of conditions of one call. */
export const WAIT_CONDITIONS_MAX = 64;
/**
 * The maximum number of steps to match one topic with all patterns of a call. A pattern costs one step for each of its
 * segments. A pattern with `**` costs one step for each segment that a topic may have.
 */
export const WAIT_PATTERN_STEPS_MAX = 32_768;
/** The maximum length of one condition's data in a cursor. Most conditions need only a tenth of this. */
export const WAIT_MARK_CHARACTERS_MAX = 2 * KIB;
export const WAIT_CURSOR_BYTES_MAX = 8 * KIB;
/**
 * To find the best claimable task, at most this many tasks are compared. If there are more, those that have waited
 * longest are compared.
 */
export const WAIT_TASKS_COMPARED_MAX = 250;
/** The server remembers the last owner of at most this many instance names. */
export const WAIT_NAMES_REMEMBERED_MAX = 10_000;
/** The maximum delay with which the front learns about a change. It is longer only if the disk hangs. */
export const WAIT_SETTLED_MS = 5_000;
/**
 * The maximum number of stored events that are searched for a change that a client has missed between two calls. If
 * there are more events, the server assumes that the client has missed a change.
 */
export const WAIT_MISSED_EVENTS_MAX = 1_000;
/**
 * The maximum length of the events that are searched for missed changes. The limit is needed because a client may
 * publish long events under a topic of the server.
 */
export const WAIT_MISSED_CHARACTERS_MAX = 8 * MIB;
