/** Limits of the RPC between threads: messages, mailboxes, deadlines and streams. */
import { KIB, MIB } from "./units.js";

/** A byte array of at most this length travels between threads as a string. */
export const INLINE_BYTES_MAX = 16 * KIB;
/**
 * The most calls in one message between threads. The number is small, so that the writer starts to work while the front
 * still reads requests.
 */
export const CALLS_TOGETHER_MAX = 16;
export const MAILBOX_CALLS_MAX = 8_192;
export const MAILBOX_BYTES_MAX = 256 * MIB;
/** After its deadline, a call still waits this long for the writer to report whether the call was executed. */
export const OUTCOME_GRACE_MS = 2_000;
export const DEADLINE_SWEEP_MS = 100;
/**
 * The number of chunks by which a stream may be ahead of its client. It is so large that a long list is completely in
 * the front's memory before a slow client has read it, which frees the pool's worker.
 */
export const STREAM_CREDIT_CHUNKS = 128;
export const STREAM_CHUNK_CHARACTERS = 64 * KIB;
/** A chunk that is longer than this travels in several pieces. Each piece takes one credit. */
export const STREAM_PIECE_CHARACTERS_MAX = 2 * STREAM_CHUNK_CHARACTERS;
