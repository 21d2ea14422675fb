/** Limits of the ordered log of a cluster, in NATS or in PostgreSQL. */
import { KIB, MIB } from "./units.js";

// Limits of a log in NATS:
export const LOG_CONNECT_MS_MAX = 3_000;
/** The time that the log's server gets to answer a request, or to acknowledge an entry. */
export const LOG_ANSWER_MS_MAX = 5_000;
/**
 * The expected minimum throughput of a link to the log's server. The time limit for an entry grows with the entry's
 * size at this rate.
 */
export const LOG_ANSWER_BYTES_PER_S_MIN = 4 * MIB;
/** The time that a server of the log gets to report the log's state. After that, the node asks another server. */
export const LOG_STATE_MS_MAX = 2_000;
/**
 * The interval at which a request is repeated until it is answered. Servers that are electing a leader drop requests.
 */
export const LOG_ASK_AGAIN_MS = 500;
/** The interval at which a node asks for the state of the log's replicas. */
export const LOG_CHECK_MS = 10_000;
/** The interval of the heartbeats that the log's server sends while it has nothing to deliver. */
export const LOG_HEARTBEAT_MS = 1_000;
/** After this many missed heartbeats, the session with the log's server counts as lost. */
export const LOG_HEARTBEATS_MISSED_MAX = 3;
/** The maximum number of messages that the log's server stores atomically. The server itself has this limit. */
export const LOG_PIECES_MAX = 1_000;
/** In a message to the log, this many bytes are reserved for the headers of a piece. */
export const LOG_PIECE_HEADER_BYTES = 512;
/** The remains of a snapshot upload are deleted after this time. A younger upload may still be in progress. */
export const LOG_SNAPSHOT_REMAINS_MS = 600_000;

// Limits of a log in PostgreSQL:
export const POSTGRES_CONNECT_MS_MAX = 5_000;
/**
 * The time limit for a statement that transfers no data. A statement with data gets more time, at the rate
 * POSTGRES_BYTES_PER_MS_MIN.
 */
export const POSTGRES_ANSWER_MS_MAX = 5_000;
export const POSTGRES_BYTES_PER_MS_MIN = 4 * KIB;
/**
 * The interval at which the node reads the log even without a notification. It is needed because a lost server sends no
 * notifications.
 */
export const POSTGRES_PROBE_INTERVAL_MS = 1_000;
export const POSTGRES_PROBE_MS_MAX = 4_000;
/** The server aborts a statement after this time, in case the node that sent it is lost. */
export const POSTGRES_STATEMENT_MS_MAX = 30_000;
/** The time limit to create a log again. It is long, because one transaction deletes the whole old log. */
export const POSTGRES_CREATE_MS_MAX = 600_000;
/** The time limit for closing a connection to the server. */
export const POSTGRES_CLOSE_MS_MAX = 1_000;
/** The time of silence after which the operating system probes a connection. */
export const POSTGRES_KEEPALIVE_MS = 10_000;
/**
 * The maximum number of entries in one page. POSTGRES_PAGE_BYTES limits their bytes. A larger entry is read in parts of
 * POSTGRES_PAGE_BYTES.
 */
export const POSTGRES_PAGE_ROWS = 256;
export const POSTGRES_PAGE_BYTES = 1 * MIB;
/** The maximum number of log entries that one statement deletes. */
export const POSTGRES_TRIM_ROWS = 256;
export const POSTGRES_TRIM_BYTES = 16 * MIB;
export const POSTGRES_SNAPSHOT_PIECE_BYTES = 512 * KIB;
/** The maximum number of pieces of a snapshot that one statement deletes. */
export const POSTGRES_SNAPSHOT_SWEEP_PIECES = 32;
/** The maximum size of a credentials file. */
export const POSTGRES_CREDENTIALS_BYTES_MAX = 64 * KIB;
