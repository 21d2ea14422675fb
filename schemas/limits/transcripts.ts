/**
 * Limits of the transcripts of agents' clients, from which the command line reports usage. They have a file of their
 * own, so that `koor-hook` loads no other limits and stays small.
 */
import { MIB } from "./units.js";

/** The maximum length of a line of a transcript. A longer line is skipped. */
export const TRANSCRIPT_LINE_BYTES_MAX = 8 * MIB;
/** The maximum number of bytes of a transcript that one command reads. The next command continues there. */
export const TRANSCRIPT_READ_BYTES_MAX = 64 * MIB;
/** When a transcript is read for the first time, only lines up to this age are counted. */
export const TRANSCRIPT_PAST_MS = 3_600_000;
/** The maximum numbers of messages, models and subagents' files that are counted separately. */
export const TRANSCRIPT_MESSAGES_MAX = 64;
export const TRANSCRIPT_MODELS_MAX = 32;
export const TRANSCRIPT_FILES_MAX = 64;
/** The maximum number of files that store positions in transcripts, and the maximum size of one file. */
export const TRANSCRIPT_POSITIONS_MAX = 256;
export const TRANSCRIPT_POSITION_BYTES_MAX = 2 * MIB;
/** The path of the transcript is searched in this many bytes at the beginning of a hook's input. */
export const TRANSCRIPT_INPUT_BYTES_MAX = 1 * MIB;
/**
 * A command waits this long for another command that reads the same transcript. A lock that is older than this is
 * ignored.
 */
export const TRANSCRIPT_LOCK_MS = 5_000;
export const TRANSCRIPT_LOCK_OLD_MS = 60_000;
