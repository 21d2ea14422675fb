/** Limits of request bodies: their size, the memory for them, and how a rejected or chunked body is read. */
import { KIB, MIB } from "./units.js";

export const BODY_BYTES_MAX = 10 * MIB;
/** The maximum size of all request bodies together that are being received or wait for the writer. */
export const BODIES_IN_MEMORY_BYTES_MAX = 256 * MIB;
/**
 * The number of bytes of a streamed body that may wait for their reader. While more wait, the server stops reading the
 * body from the socket.
 */
export const BODY_AHEAD_BYTES_MAX = 1 * MIB;
/**
 * The number of bytes of a body that may still arrive while the server holds the body back. uWebSockets.js reads 512
 * KiB at once.
 *
 * A node of a cluster holds a body back if it does not know the client. The client may just have been registered at
 * another node.
 */
export const HELD_BODY_BYTES_MAX = 512 * KIB;
/** The maximum size of all held bodies together. */
export const HELD_BODIES_BYTES_MAX = 32 * MIB;
/**
 * The maximum size of a JSON body that the front reads itself. The pool reads longer bodies. In the worst case
 * (distinct names only), a body of this size blocks the front for 10 ms. The time grows more than linearly.
 */
export const FRONT_JSON_BYTES_MAX = 64 * KIB;
/**
 * The maximum number of values in a body that the front reads. A limit of bytes is not enough, because a JSON value of
 * one or two bytes may take a hundred bytes of memory.
 */
export const JSON_VALUES_MAX = 500_000;
/**
 * The maximum nesting of JSON in a body. The values of bodies are passed on to other programs, and most parsers of JSON
 * recurse.
 */
export const JSON_DEPTH_MAX = 1_000;
/**
 * The number of bytes of a rejected body that the server reads and drops. So the client sees the answer. After that,
 * the server closes the connection.
 */
export const REFUSED_BODY_BYTES_MAX = 64 * MIB;
/**
 * The maximum time for which the server reads a rejected body that the client keeps sending. It also reads at most
 * REFUSED_LINGER_BYTES_MAX. If the server closed the connection at once, the unread bytes would cause a reset, and the
 * answer might be lost.
 */
export const REFUSED_LINGER_MS = 2_000;
export const REFUSED_LINGER_BYTES_MAX = 64 * MIB;
/**
 * After a chunked body, uWebSockets.js reads nothing more for this time. If no valid request follows the body,
 * uWebSockets.js would otherwise answer with an error of its own, even while the previous request is executed.
 */
export const QUIET_AFTER_CHUNKS_MS = 1_000;
/**
 * The maximum number of consecutive small chunks (RFC 9112, 7.1) of a body. For every CHUNK_BYTES_MIN bytes of the
 * body, one more chunk is allowed.
 *
 * The limit is needed because each chunk costs a call on the front, whatever its size. A read of 512 KiB has room for
 * 87,000 chunks of one byte.
 */
export const SMALL_CHUNKS_MAX = 1_024;
export const CHUNK_BYTES_MIN = 64;
/**
 * The debt that one small chunk of a rejected body adds to the client's address. The server accepts no chunked body
 * from the address until the time of its debt has passed.
 */
export const CHUNK_DEBT_US = 20;
/** The maximum number of addresses whose debts of small chunks are remembered. */
export const CHUNK_DEBTORS_MAX = 1_024;
