/** Limits of the radar: the reports of checkouts, their memory and life, and the lines about their overlaps. */
import { KIB, MIB } from "./units.js";

export const RADAR_FILES_MAX = 2_000;
/** The maximum number of ranges of one file in a report. If a client has more, it joins neighbouring ranges. */
export const RADAR_RANGES_MAX = 64;
/** The largest line number, which a signed integer of 32 bits can hold. */
export const RADAR_LINE_MAX = 2_147_483_647;
/** The maximum length of the id that git gives to a file's content. Ids by SHA-256 have this length. */
export const RADAR_BLOB_CHARACTERS_MAX = 64;
/** A report ends this long after the last activity of its checkout. */
export const RADAR_KEEP_MS = 30 * 60 * 1_000;
/** The interval at which the server searches reports that have ended. */
export const RADAR_EXPIRY_INTERVAL_MS = 10_000;
/** One call of the writer ends at most this many reports. Other writes run in between. */
export const RADAR_ENDED_TOGETHER = 4;
/** The maximum number of reports of all workspaces together, and of one workspace. */
export const RADAR_REPORTS_MAX = 4_096;
export const RADAR_REPORTS_OF_WORKSPACE_MAX = 256;
/** The maximum memory of all reports together, and of the reports of one workspace. */
export const RADAR_BYTES_MAX = 64 * MIB;
export const RADAR_BYTES_OF_WORKSPACE_MAX = 48 * MIB;
/** The memory of a report without its files, and of a file without its path and its ranges. */
export const RADAR_REPORT_BYTES = 2 * KIB;
export const RADAR_FILE_BYTES = 320;
/** The memory of a range: two line numbers. */
export const RADAR_RANGE_BYTES = 8;
/** The maximum number of agents of each checkout that an overlap names. */
export const RADAR_INSTANCES_MAX = 32;
/**
 * The maximum size of the overlaps in the answer to a report, in bytes of UTF-8. The overlaps with one other checkout
 * fit, whatever the two have changed. A list of overlaps may be longer than this answer, because many checkouts may
 * report at the same time.
 */
export const RADAR_REPORT_ANSWER_BYTES_MAX = 6 * MIB;
/** The maximum number of paths that an event names. */
export const RADAR_EVENT_PATHS_MAX = 20;

// Limits of the lines about overlaps that agents get:
/**
 * The maximum number of agents that have undelivered lines about overlaps. At the limit, the lines of the agent that
 * was added first are dropped.
 */
export const RADAR_NOTICES_MAX = 4_096;
/** The maximum number of lines that wait for one agent. At the limit, the oldest line is dropped. */
export const RADAR_NOTICES_OF_AGENT_MAX = 4;
/** The memory of the lines that wait for one agent. */
export const RADAR_NOTICE_BYTES = 2 * KIB;
/** The maximum size of the line about an overlap, in bytes of UTF-8. */
export const RADAR_LINE_BYTES_MAX = 150;
