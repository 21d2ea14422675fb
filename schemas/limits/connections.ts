/** Limits of HTTP connections and of the requests on them. */
import { KIB } from "./units.js";

/** The maximum number of unanswered requests, including long polls and streams. */
export const REQUESTS_IN_FLIGHT_MAX = 16_384;
/** The maximum size of a request's headers, including the request line. It applies to Node's own transport. */
export const HEADER_BYTES_MAX = 16 * KIB;
/**
 * The maximum number of requests of one connection that wait for the answers to earlier requests. At this number, the
 * server stops reading the connection. Some more may wait, because the server reads 64 KiB at once. The limit applies
 * to Node's HTTP.
 */
export const PIPELINED_WAITING_MAX = 64;
/** A connection without a request is closed after this time. This applies to Node's own transport. */
export const IDLE_CONNECTION_MS = 60_000;
export const REQUEST_TIMEOUT_MS = 10_000;
/**
 * The maximum time until an answer starts. Long polls and streams may take longer. The deadlines of the calls between
 * threads enforce this limit (relations.ts).
 */
export const RESPONSE_TIMEOUT_MS = 30_000;
/** The time that a client gets to read a short answer before the server closes the connection. */
export const CLOSING_LINGER_MS = 100;
/** The time for which a browser may cache the answer to a preflight request. Chrome caches for at most two hours. */
export const PREFLIGHT_MAX_AGE_S = 600;
