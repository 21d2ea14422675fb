/** Limits of the command line: timeouts, reconnects, input and output, and the servers of a cluster. */
import { BODY_BYTES_MAX } from "./request-bodies.js";
import { KIB, MIB } from "./units.js";

export const CLI_CONNECT_TIMEOUT_MS = 5_000;
/**
 * The time for an upgrade to WebSocket. It is this long because a lagging node answers only when it has reached the
 * requested position.
 */
export const CLI_UPGRADE_TIMEOUT_MS = 7_000;
/** The time that one address of a host name gets before the next address is tried in parallel. */
export const CLI_ADDRESS_TIMEOUT_MS = 1_000;
/** The longest silence on a connection on which the client waits for an answer or sends a body. */
export const CLI_ANSWER_TIMEOUT_MS = 70_000;
/** The time for the answer to a restore, which the server sends after it has stored everything. */
export const CLI_RESTORE_TIMEOUT_MS = 1_800_000;
/** The most bytes in which a snapshot's closing line is searched. The line is far shorter. */
export const CLI_CLOSING_LINE_BYTES_MAX = 64 * KIB;
export const CLI_ANSWER_BYTES_MAX = 512 * MIB;
/**
 * The longest indented output, because indented JSON may be much longer than its source. A longer output is printed as
 * one line.
 */
export const CLI_PRETTY_CHARACTERS_MAX = 256 * MIB;
/** The time that the command line waits for a program to open the other end of a pipe that a flag names as a file. */
export const CLI_FILE_OPEN_MS = 500;
export const CLI_POLL_INTERVAL_MS = 2_000;
export const CLI_POLL_EVENTS = 50;
/** The number of the newest events about tasks in which the command line searches for the end of a claim. */
export const CLI_TASK_EVENTS = 1_000;
export const CLI_RECONNECT_DELAY_MS = 250;
export const CLI_RECONNECT_DELAY_MS_MAX = 10_000;
/** The longest pause before a waiting command tries again to reach a server that is disconnected. */
export const CLI_RETRY_MS_MAX = 2_000;
/** The ttl of the lease under which a command is run. It is short, because the command line sends heartbeats. */
export const CLI_LEASE_RUN_TTL_S = 60;
/** The time between SIGTERM and SIGKILL for a running command whose lease was lost. */
export const CLI_LEASE_GRACE_MS = 5_000;
/**
 * The time after a command's end for which the command line waits for the rest of its output. The output may stay open,
 * because the command may have started a process that still has it.
 */
export const CLI_OUTPUT_LAG_MS = 1_000;
/** The number of consecutive upgrades that may fail without an answer before the client tries plain HTTP. */
export const CLI_UPGRADE_ATTEMPTS_MAX = 3;
/** The time for which a subscriber polls before it tries the WebSocket again. */
export const CLI_UPGRADE_RETRY_MS = 60_000;
/**
 * The interval of the client's pings. They keep proxies from closing a quiet subscription, and detect a lost server.
 */
export const CLI_PING_INTERVAL_MS = 30_000;
/** The most servers of one cluster that the command line accepts. */
export const CLI_SERVERS_MAX = 16;
/** The connect timeout if there is another server to try. It replaces CLI_CONNECT_TIMEOUT_MS. */
export const CLI_TURN_CONNECT_TIMEOUT_MS = 2_000;
/**
 * Before the command line evaluates a position that a server does not know, a server gets this long to report its
 * cluster's log position.
 */
export const CLI_LOG_ANSWER_TIMEOUT_MS = 5_000;
/**
 * The interval at which a waiting call checks whether its server is partitioned. It checks only if there is another
 * server to try.
 */
export const CLI_HEALTH_INTERVAL_MS = 5_000;
/** If the first servers of the list did not answer, later commands start with the server that did, for this long. */
export const CLI_SERVER_KEPT_MS = 60_000;
/** The most clusters whose position the command line remembers. The least recently used ones are forgotten first. */
export const CLI_POSITION_FILES_MAX = 64;
/** Requests of the stdio bridge in flight. */
export const CLI_BRIDGE_REQUESTS_MAX = 32;
/** One line of the bridge's stdin. */
export const CLI_BRIDGE_LINE_BYTES_MAX = BODY_BYTES_MAX;
