/** Limits of the RPC between threads: messages, mailboxes, deadlines and streams. */
import { KIB, MIB } from "./units.js";

/** The maximum length of a byte array that is sent between threads as a string. */
export const INLINE_BYTES_MAX = 16 * KIB;
/**
 * The maximum number of calls in one message between threads. The number is small, so that the writer starts to work
 * while the front still reads requests.
 */
export const CALLS_TOGETHER_MAX = 16;
export const MAILBOX_CALLS_MAX = 8_192;
export const MAILBOX_BYTES_MAX = 256 * MIB;
/** After a call's deadline, the caller waits this long for the writer to report whether the call was executed. */
export const OUTCOME_GRACE_MS = 2_000;
export const DEADLINE_SWEEP_MS = 100;
/**
 * The maximum number of chunks by which a stream may be ahead of its client. The number is so large that a whole long
 * list fits. The list then waits in the front's memory for a slow client, and the pool's worker is free.
 */
export const STREAM_CREDIT_CHUNKS = 128;
export const STREAM_CHUNK_CHARACTERS = 64 * KIB;
/**
 * The maximum length of one piece of a chunk. A longer chunk is sent in several pieces, and each piece takes one
 * credit.
 */
export const STREAM_PIECE_CHARACTERS_MAX = 2 * STREAM_CHUNK_CHARACTERS;
