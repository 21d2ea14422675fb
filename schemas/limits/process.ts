/** Limits of the process: its file descriptors, settings, heap, time slices, shutdown, and its log lines. */
import { KIB, MIB } from "./units.js";

/**
 * The number of descriptors that the server itself may open after it has started to listen. It needs them for threads,
 * database handles and files.
 */
export const OWN_DESCRIPTORS_MAX = 128;
/**
 * The maximum number of descriptors with which a process loads all its modules at the start. With so few, it may have
 * no descriptor left to open a module's file later.
 */
export const FEW_DESCRIPTORS = 512;
/** The minimum time between two log lines about a lack of descriptors. */
export const SHORTAGE_REPORT_MS = 60_000;
export const SETTINGS_BYTES_MAX = 1 * MIB;
/**
 * The growth of a thread's heap since the previous garbage collection, after which the thread collects garbage again.
 */
export const HEAP_GROWTH_PERCENT = 50;
/** The maximum time in each event-loop tick for work that is done in pieces. */
export const TIME_SLICE_MS = 5;
/**
 * The maximum number of waits of one kind that time out in one event-loop tick. The limit is needed because each end of
 * a wait sends an answer.
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
