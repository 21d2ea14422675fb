/** Limits of calls to other servers, which webhooks and live tests of contracts make. */
import { KIB, MIB } from "./units.js";

export const OUTBOUND_URL_BYTES_MAX = 2048;
/** The time limit for a whole call to another server, from the DNS lookup to the last byte of the answer. */
export const OUTBOUND_DEADLINE_MS = 10_000;
/** The maximum number of calls to other servers in flight. Each may have an answer in memory. */
export const OUTBOUND_REQUESTS_MAX = 1024;
/**
 * The maximum number of open connections to other servers, for all callers together. The limit is lower if a sixth of
 * the file descriptors is less.
 */
export const OUTBOUND_CONNECTIONS_MAX = 2 * OUTBOUND_REQUESTS_MAX;
export const OUTBOUND_CONNECTIONS_PER_ORIGIN_MAX = 64;
export const OUTBOUND_ORIGINS_MAX = 4096;
export const OUTBOUND_IDLE_MS = 4_000;
export const OUTBOUND_HEADER_BYTES_MAX = 16 * KIB;
/** The maximum number of interim answers (1xx) before an answer. Each may have headers of its own. */
export const OUTBOUND_INTERIM_ANSWERS_MAX = 8;
/**
 * The maximum number of consecutive small pieces in which an answer arrives. The limit is needed because each piece
 * costs a call on the front, whatever its size.
 */
export const OUTBOUND_SMALL_PIECES_MAX = 16 * 1024;
/** An answer may have one more small piece for each part of this many bytes. */
export const OUTBOUND_PIECE_BYTES_MIN = 64;
/**
 * The maximum number of bytes that a connection receives for one request. The headers, and the sizes and extensions of
 * chunks, count too. The limit has room for the largest answer in chunks.
 */
export const OUTBOUND_RECEIVED_BYTES_MAX = 24 * MIB;
/**
 * The maximum number of DNS lookups at the same time. Each occupies one of the process's four I/O threads, and the log
 * needs one of these threads.
 */
export const OUTBOUND_LOOKUPS_MAX = 2;
