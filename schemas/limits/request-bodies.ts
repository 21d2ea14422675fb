/** Limits of request bodies: their size, the memory for them, and how a rejected or chunked body is read. */
import { KIB, MIB } from "./units.js";

export const BODY_BYTES_MAX = 10 * MIB;
/** The bytes of all request bodies together that are being received or wait for the writer. */
export const BODIES_IN_MEMORY_BYTES_MAX = 256 * MIB;
/**
 * While this many bytes of a streamed body wait for their reader, the server reads no more of the body from the socket.
 */
export const BODY_AHEAD_BYTES_MAX = 1 * MIB;
/**
 * This many bytes of a body may still arrive while it is held back, because uWebSockets.js reads 512 KiB at once. A
 * node of a cluster holds a body back if its client may just have been registered at another node and this node does
 * not know that yet.
 */
export const HELD_BODY_BYTES_MAX = 512 * KIB;
/** All held bodies together. */
export const HELD_BODIES_BYTES_MAX = 32 * MIB;
/**
 * A JSON body that is longer than this is read in the pool. A body of this size that consists of distinct names blocks
 * the front for 10 ms, and the time grows more than linearly.
 */
export const FRONT_JSON_BYTES_MAX = 64 * KIB;
/**
 * The most values in a body that the front reads. Bytes alone are no bound, because a value of one or two bytes of JSON
 * may take a hundred bytes of memory.
 */
export const JSON_VALUES_MAX = 500_000;
export const JSON_DEPTH_MAX = 100_000;
/**
 * A rejected body is read and dropped up to this size, so that the client sees the answer. After that, the connection
 * is closed.
 */
export const REFUSED_BODY_BYTES_MAX = 64 * MIB;
/**
 * A client that keeps sending a rejected body is read for at most this long, and at most REFUSED_LINGER_BYTES_MAX. The
 * server reads on because closing a connection with unread bytes resets it, and the answer may be lost.
 */
export const REFUSED_LINGER_MS = 2_000;
export const REFUSED_LINGER_BYTES_MAX = 64 * MIB;
/**
 * The time after a chunked body for which uWebSockets.js reads nothing more. Otherwise, if no valid request follows the
 * body, uWebSockets.js would answer with an error of its own, even while the previous request is executed.
 */
export const QUIET_AFTER_CHUNKS_MS = 1_000;
/**
 * A body may send this many small chunks (RFC 9112, 7.1) in a row. Every CHUNK_BYTES_MIN bytes make up for one chunk.
 * The limit is needed because each chunk costs a call on the front, whatever its size: a read of 512 KiB has room for
 * 87,000 chunks of one byte.
 */
export const SMALL_CHUNKS_MAX = 1_024;
export const CHUNK_BYTES_MIN = 64;
/** For each small chunk that arrives after the refusal, the address may send no body in chunks for this long. */
export const CHUNK_DEBT_US = 20;
/** The addresses that have such a debt. */
export const CHUNK_DEBTORS_MAX = 1_024;
