/** Limits of calls that wait: long polls, and waits for several conditions. */
import { KIB, MIB } from "./units.js";

/** The longest time that one call may wait, in seconds. */
export const WAIT_S_MAX = 60;
export const LONG_POLL_WAIT_S_MAX = 60;
/** The characters of the queries of all waiting calls together. The index takes up to 32 bytes for each character. */
export const WAITING_CHARACTERS_MAX = 2 * MIB;
/** Conditions of one call. */
export const WAIT_CONDITIONS_MAX = 64;
/**
 * Limits the cost of matching one topic with all patterns of a call. A pattern costs one step for each of its segments.
 * A pattern with `**` costs as many steps as a topic may have segments.
 */
export const WAIT_PATTERN_STEPS_MAX = 32_768;
/** The longest data of one condition in a cursor. Most conditions take a tenth of it. */
export const WAIT_MARK_CHARACTERS_MAX = 2 * KIB;
export const WAIT_CURSOR_BYTES_MAX = 8 * KIB;
/**
 * The most claimable tasks that are compared to find the best one. If there are more, the ones that have waited longest
 * are compared.
 */
export const WAIT_TASKS_COMPARED_MAX = 250;
/** Instance names whose last owner is remembered. */
export const WAIT_NAMES_REMEMBERED_MAX = 10_000;
/** The front knows of a change after this time at the latest, unless the disk hangs. */
export const WAIT_SETTLED_MS = 5_000;
/**
 * The most stored events that are searched for a change that a client has missed between two calls. If there are more,
 * the server assumes that the client has missed one.
 */
export const WAIT_MISSED_EVENTS_MAX = 1_000;
/**
 * The most text of the events that are searched for missed changes. A client that publishes under a topic of the server
 * may publish long events.
 */
export const WAIT_MISSED_CHARACTERS_MAX = 8 * MIB;
