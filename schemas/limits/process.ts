/** Limits of the process: its file descriptors, settings, heap, time slices, shutdown, and its log lines. */
import { KIB, MIB } from "./units.js";

/**
 * The number of descriptors that the server itself may open after it has started to listen. It needs them for threads,
 * database handles and files.
 */
export const OWN_DESCRIPTORS_MAX = 128;
/**
 * A process with at most this many descriptors loads all its modules at the start. Otherwise it might have no
 * descriptor left to open a module's file later.
 */
export const FEW_DESCRIPTORS = 512;
/** The minimum time between two log lines about a lack of descriptors. */
export const SHORTAGE_REPORT_MS = 60_000;
/** The minimum time between two log lines about exceptions of background tasks. */
export const BACKGROUND_ERROR_REPORT_MS = 60_000;
export const SETTINGS_BYTES_MAX = 1 * MIB;
/** A thread collects garbage again when its heap has grown by this much since the previous collection. */
export const HEAP_GROWTH_PERCENT = 50;
/** The maximum time in each event-loop tick for work that is done in pieces. */
export const TIME_SLICE_MS = 5;
/**
 * The maximum number of waits of one kind that end because of their timeout in one event-loop tick. The limit is needed
 * because the end of each wait sends an answer.
 */
export const WAITS_ENDED_PER_TICK = 32;
export const SHUTDOWN_DRAIN_MS = 5_000;

// Limits of the server's log lines:
export const LOG_BUFFER_BYTES_MAX = 16 * MIB;
/** The size of a block of log lines that are written together. */
export const LOG_BLOCK_BYTES = 64 * KIB;
/** The maximum time that a log line waits for other lines, to be written together with them. */
export const LOG_DELAY_MS = 100;
export const LOG_FLUSH_MS_MAX = 500;
