/**
 * Limits of the transcripts of agents' clients, whose usage the command line reports. They are apart from those of other
 * commands, because `koor-hook` is small.
 */
import { MIB } from "./units.js";

/** The maximum length of a line that is read. A longer one is skipped. */
export const TRANSCRIPT_LINE_BYTES_MAX = 8 * MIB;
/** The maximum number of bytes that one command reads of a transcript. The next command reads on. */
export const TRANSCRIPT_READ_BYTES_MAX = 64 * MIB;
/** Lines that are older than this when a transcript is read for the first time are not counted. */
export const TRANSCRIPT_PAST_MS = 3_600_000;
/** The maximum number of messages, of models, and of files of subagents that are told apart. */
export const TRANSCRIPT_MESSAGES_MAX = 64;
export const TRANSCRIPT_MODELS_MAX = 32;
export const TRANSCRIPT_FILES_MAX = 64;
/** The maximum number of files with positions in transcripts, and the maximum size of one. */
export const TRANSCRIPT_POSITIONS_MAX = 256;
export const TRANSCRIPT_POSITION_BYTES_MAX = 2 * MIB;
/** The part of a hook's input in which the path of the transcript is looked for. */
export const TRANSCRIPT_INPUT_BYTES_MAX = 1 * MIB;
/** How long a command waits for another one that reads the same transcript, and when such a lock is ignored. */
export const TRANSCRIPT_LOCK_MS = 5_000;
export const TRANSCRIPT_LOCK_OLD_MS = 60_000;
