/**
 * Every limit of the system, with the unit last in its name. Relations between limits are checked at load, so that a
 * change of one cannot silently break another.
 */

const KIB = 1024;
const MIB = 1024 * KIB;

// File descriptors
/** Descriptors that the server itself may open once it listens: threads, database handles, files. */
export const OWN_DESCRIPTORS_MAX = 128;
/** If the process has at most this many descriptors, all modules are loaded at the start. */
export const FEW_DESCRIPTORS = 512;
/** The shortest time between two log lines that say that there are none left. */
export const SHORTAGE_REPORT_MS = 60_000;

// Requests and values
export const BODY_BYTES_MAX = 10 * MIB;
/** The part of a name or text from a request that a refusal quotes, in UTF-16 units. */
export const QUOTED_CHARACTERS_MAX = 100;
/**
 * The message of a refusal. The longest key fits, even if each of its characters takes two units, together with a line
 * of text.
 */
export const REFUSAL_CHARACTERS_MAX = 8_192;
/**
 * A refused body is read and dropped up to this size, so that the client sees the answer. Then its connection is cut.
 */
export const REFUSED_BODY_BYTES_MAX = 64 * MIB;
/**
 * A refused client that still sends is read for this long, and up to this many bytes: closing a connection with unread
 * bytes resets it, and the answer may be lost.
 */
export const REFUSED_LINGER_MS = 2_000;
export const REFUSED_LINGER_BYTES_MAX = 64 * MIB;
/** The time for a client to read a short answer that ends its connection, unless the client closes it earlier. */
export const CLOSING_LINGER_MS = 100;
/**
 * uWebSockets.js reads nothing for this long after a chunked body: if it finds no valid request after the body, it
 * answers with an error of its own, even while the previous request is executed.
 */
export const QUIET_AFTER_CHUNKS_MS = 1_000;
/**
 * The part of a held body that may arrive nevertheless, because uWebSockets.js reads 512 KiB at once. In a cluster, the
 * body of a client that may just have been registered at another node is held back until that is known.
 */
export const HELD_BODY_BYTES_MAX = 512 * KIB;
/** All held bodies together. */
export const HELD_BODIES_BYTES_MAX = 32 * MIB;
/**
 * A longer JSON body is read in the pool. This many bytes of distinct names block the front for 10 ms, and the time
 * grows more than linearly.
 */
export const FRONT_JSON_BYTES_MAX = 64 * KIB;
/** The values of a body that the front reads: a value may take one or two bytes of JSON, but a hundred in memory. */
export const JSON_VALUES_MAX = 500_000;
export const JSON_DEPTH_MAX = 100_000;
/** All request bodies together that are being received or wait for the writer. */
export const BODIES_IN_MEMORY_BYTES_MAX = 256 * MIB;
export const KEY_BYTES_MAX = 1024;
/** Names that are stored with the thing that they name: providers, models, projects, tags. */
export const LABEL_BYTES_MAX = 1024;
export const TOPIC_BYTES_MAX = 256;
export const PATTERN_BYTES_MAX = 1024;
/** The alternatives of one glob with braces: a glob of a rule, or a resource. */
export const GLOB_ALTERNATIVES_MAX = 64;
/** The alternatives of all globs of one rule, and of all resources of one lease or task. */
export const ALTERNATIVES_TOGETHER_MAX = 256;
export const SOURCE_BYTES_MAX = 256;
export const CONTENT_TYPE_BYTES_MAX = 256;
export const PAGE_ROWS_MAX = 10_000;
/**
 * The items of a list in one answer, together. The list ends before the first item that does not fit, and says where it
 * continues.
 */
export const LIST_BYTES_MAX = 32 * MIB;
export const HISTORY_ROWS_DEFAULT = 50;
export const AUDIT_ROWS_DEFAULT = 50;
export const EVENT_ROWS_DEFAULT = 50;
export const USAGE_ROWS_DEFAULT = 50;
export const PUBLISH_EVENTS_MAX = 1000;

// Pages of other origins
/** The lifetime of a preflight answer in a browser's cache. Chrome caches for at most two hours. */
export const PREFLIGHT_MAX_AGE_S = 600;

/** The client's name for a call. A repeated call with the same name gets the same answer. */
export const REQUEST_ID_BYTES_MAX = 128;
/** The lifetime of that answer. */
export const REQUEST_MEMORY_MS = 600_000;
/** Expired records that are deleted with each record that is stored. */
export const IDEMPOTENCY_PRUNE_ROWS = 4;

// Claims: leases and tasks
/** Held and waiting leases of all instances together. */
export const LEASES_MAX = 10_000;
export const LEASES_OF_HOLDER_MAX = 1_000;
/** The memory of leases in the writer, all together and of one instance. The front keeps the same once more. */
export const LEASES_BYTES_MAX = 64 * MIB;
export const LEASES_OF_HOLDER_BYTES_MAX = 16 * MIB;
/** A lease without its resources. */
export const LEASE_BYTES = 1 * KIB;
export const LEASE_RESOURCES_MAX = 64;
/** The characters after the literal prefixes of a request's globs, all alternatives together. */
export const GLOB_CHARACTERS_TOGETHER_MAX = 4_096;
/**
 * Steps to compare a request's globs with the held and waiting leases, about 40 ns each. A request that would take more
 * is refused.
 */
export const GLOB_STEPS_MAX = 200_000;
export const RESOURCE_BYTES_MAX = 512;
/** Conflicts that a refusal lists. */
export const LEASE_CONFLICTS_MAX = 100;
export const LEASE_TTL_S_DEFAULT = 600;
export const CLAIM_TTL_S_MAX = 86_400;
/** Tasks that are listed to a claim that got none, because the resources of these tasks are held. */
export const CLAIM_BUSY_MAX = 10;
/** The longest life of a claim, even if its holder stays active. */
export const CLAIM_MAX_S_DEFAULT = 14_400;
export const CLAIM_MAX_S_MAX = 86_400;
/** The time that an unconfirmed grant is kept for a waiter that has not been seen since. */
export const CLAIM_OFFER_MS = 30_000;
/**
 * The least remaining life of each claim at a server's start, because heartbeats of its holder could not arrive before.
 */
export const CLAIM_RESTART_MS = 15_000;
/** The audit rows that are searched for a row of a call. If there are more, the row counts as present. */
export const AUDIT_LOOKED_AT_MAX = 10_000;
/** The time by which stored times may be ahead of the machine's clock at a start without counting as wrong. */
export const CLOCK_LEAD_MS_MAX = 1_000;
/** The shortest time between two ticks that counts as a pause of the server. */
export const RUN_PAUSE_MS_MIN = 500;
/** The least remaining life of each claim after a pause: the pause times this factor, at most CLAIM_RESTART_MS. */
export const RUN_PAUSE_GRACE_FACTOR = 5;
/** Claims that one call of the writer ends. */
export const CLAIMS_ENDED_TOGETHER = 100;
/** Reasons, notes, errors, questions and answers. */
export const REMARK_BYTES_MAX = 4 * KIB;
export const CHECK_PATHS_MAX = 1_000;
export const CHECK_PATH_BYTES_MAX = 1_024;
/** The longest wait of a call, in seconds. */
export const WAIT_S_MAX = 60;
export const LEASE_ROWS_DEFAULT = 100;
/** Ended leases are read in pages of this size, with other work between the pages. */
export const LEASE_LIST_PAGE = 1_000;
/** The time that ended leases are kept: the holder at the time of a commit may be asked for later. */
export const LEASE_KEEP_MS = 7 * 86_400_000;
export const LEASE_PRUNE_INTERVAL_MS = 3_600_000;
export const LEASE_PRUNE_ROWS = 1_000;

// Tasks
/** Tasks that have not ended. */
export const TASKS_MAX = 100_000;
/** The memory of tasks in the writer. The front keeps the ready ones once more. */
export const TASKS_BYTES_MAX = 192 * MIB;
/** A task without its texts and resources. */
export const TASK_BYTES = 1 * KIB;
/** Tasks that one call creates. */
export const TASKS_CREATED_MAX = 1_000;
export const TASK_ID_CHARACTERS_MAX = 128;
export const TASK_TITLE_BYTES_MAX = 512;
export const TASK_BODY_BYTES_MAX = 64 * KIB;
/** Data, result and checkpoint, as JSON. */
export const TASK_VALUE_BYTES_MAX = 64 * KIB;
export const TASK_LABELS_MAX = 32;
export const TASK_LABEL_BYTES_MAX = 128;
export const TASK_AFTER_MAX = 64;
/** The references in `after` of all tasks of one call. Each of them is a lookup and a row in the call's transaction. */
export const TASKS_AFTER_TOGETHER_MAX = 10_000;
/** Tasks that wait for the same one. All of them become ready in the transaction in which that one is done. */
export const TASK_WAITERS_MAX = 2_000;
/** The most events that one call publishes about tasks that it has blocked or unblocked; the oldest tasks come first. */
export const TASKS_STUCK_REPORTED_MAX = 2_000;
/** Steps after which a claim that has found no task continues in another transaction. */
export const CLAIM_STEPS_MAX = 1_024;
/** The steps of examining the resources of a task, besides their comparison. A task that is skipped takes 1. */
export const CLAIM_LOOK_STEPS = 4;
/** The steps of the front when it looks for the waiters to wake, and for the tasks whose resources are leased. */
export const TASK_OFFER_STEPS_MAX = 65_536;
export const TASK_PRIORITY_DEFAULT = 5;
export const TASK_PRIORITY_MAX = 9;
/** A waiting task gains one priority level for each such time. */
export const TASK_AGING_MS = 600_000;
export const TASK_ATTEMPTS_DEFAULT = 3;
export const TASK_ATTEMPTS_MAX = 100;
/** The delay after the first failure or lost claim. Each further one multiplies it by the factor. */
export const TASK_BACKOFF_MS = 1_000;
export const TASK_BACKOFF_FACTOR = 4;
export const TASK_BACKOFF_MS_MAX = 3_600_000;
/** The time that an answered task is reserved for the instance that asked the question. */
export const TASK_RESERVED_MS = 60_000;
export const TASK_ROWS_DEFAULT = 100;
/** Predecessors of a task that are examined for the reason why it cannot continue. */
export const TASK_CAUSES_LOOKED_AT_MAX = 256;
/** The edges among those predecessors that are examined. */
export const TASK_CAUSE_EDGES_MAX = 2_048;
/** The newest history entries of a task that an answer lists, and the oldest tasks that wait for it. */
export const TASK_HISTORY_MAX = 1_000;
export const TASK_DEPENDENTS_MAX = 1_000;
export const TASK_RETENTION_MS_DEFAULT = 30 * 86_400_000;
export const TASK_PRUNE_INTERVAL_MS = 3_600_000;
export const TASK_PRUNE_ROWS = 500;

// Timeouts of a connection, and its bounds
/** All headers of a request together, including the request line (Node's own transport). */
export const HEADER_BYTES_MAX = 16 * KIB;
/** The time that a connection is kept for its next request (Node's own transport). */
export const IDLE_CONNECTION_MS = 60_000;
export const REQUEST_TIMEOUT_MS = 10_000;
/**
 * The time until an answer starts. It is enforced by the deadlines of the RPC below. Long polls and streams may wait
 * longer.
 */
export const RESPONSE_TIMEOUT_MS = 30_000;
export const SHUTDOWN_DRAIN_MS = 5_000;

// RPC
/** Byte arrays up to this length travel between threads as a string. */
export const INLINE_BYTES_MAX = 16 * KIB;
/** Calls in one message. Few enough that the writer works while the front still reads. */
export const CALLS_TOGETHER_MAX = 16;
export const MAILBOX_CALLS_MAX = 8_192;
export const MAILBOX_BYTES_MAX = 256 * MIB;
/**
 * A write of more bytes is large: the writer gets one of them at a time. It takes the writer about 15 ms a MiB, most of
 * that for the disk, and small writes of other clients wait for each large one that is before them.
 */
export const LARGE_WRITE_BYTES_MIN = MIB;
/** Large writes that wait until the writer has answered the previous one. */
export const LARGE_WRITES_WAITING_MAX = 64;
export const LARGE_WRITES_WAITING_OF_CALLER_MAX = 48;
/** A large write that has waited longer is refused. */
export const LARGE_WRITE_WAIT_MS_MAX = 10_000;
export const WRITER_DEADLINE_MS = 10_000;
export const POOL_DEADLINE_MS = 20_000;
/** The time beyond its deadline that a call waits for the writer's report on whether it was executed. */
export const OUTCOME_GRACE_MS = 2_000;
export const DEADLINE_SWEEP_MS = 100;
/**
 * The chunks by which a stream may be ahead of its client: so many that a long list is in the front's memory before a
 * slow client has read it, and the pool's worker is free again.
 */
export const STREAM_CREDIT_CHUNKS = 128;
export const STREAM_CHUNK_CHARACTERS = 64 * KIB;
/** A longer chunk travels in pieces, each of which takes one credit. */
export const STREAM_PIECE_CHARACTERS_MAX = 2 * STREAM_CHUNK_CHARACTERS;

// Writer
export const BATCH_CALLS_MAX = 512;
export const BATCH_BYTES_MAX = 16 * MIB;
export const WRITER_RESTART_DELAY_MS = 100;
export const WRITER_RESTART_DELAY_MS_MAX = 5_000;
/** Keys of state; the same number for specs. */
export const HEAD_CACHE_KEYS_MAX = 32_768;
export const WAL_CHECKPOINT_PAGES = 1_000;
export const SQLITE_BUSY_TIMEOUT_MS = 5_000;
/**
 * The page cache of a read-only handle. With SQLite's default of 2 MiB, a list on a full store read its pages again
 * each time.
 */
export const SQLITE_READ_CACHE_KIB = 8 * 1024;

// Cluster
/**
 * A batch as one log entry. It may be larger than the batch's weight, because JSON writes some bytes as six characters.
 */
export const ENTRY_BYTES_MAX = 64 * MIB;
/**
 * The longest time that a batch lingers. Callers that were just answered call again, and their calls share an entry
 * with the waiting ones. The node lingers as long as the previous entry took, at most this long.
 */
export const ENTRY_LINGER_MS_MAX = 10;
/** A larger entry is appended by its own node: sharing a message would save little compared with its size. */
export const FORWARD_BYTES_MAX = 128 * KIB;
/** The bytes of one message with entries of several nodes. Below NATS's default limit of 1 MiB. */
export const BUNDLE_BYTES_MAX = 512 * KIB;
/** After a bundle was delivered, the next one lingers at most this long for the nodes that had entries in it. */
export const BUNDLE_LINGER_MS_MAX = 20;
/** A node appends a forwarded entry itself if it is not in the log after this time. */
export const FORWARD_RETURN_MS_MAX = 1_000;
/** After that the node forwards nothing for at least this long. */
export const FORWARD_PAUSE_MS = 2_000;
/** Delivered entries are applied together, at most this many and about this many bytes. */
export const APPLY_BATCH_ENTRIES_MAX = 64;
export const APPLY_BATCH_BYTES_MAX = 4 * MIB;
/** A node with more bytes of unapplied entries reads no further until it has applied half of them. */
export const ENTRIES_PENDING_BYTES_MAX = 16 * MIB;
/**
 * An entry that has crashed the process this often while it was applied alone is not tried again. With the first crash,
 * and one more together with other entries, that is five crashes: systemd starts a program five times in ten seconds.
 */
export const POISON_ENTRY_TRIES_MAX = 3;
/** State hashes that a node keeps to compare with those of other nodes. */
export const STATE_HASHES_KEPT_MAX = 4_096;
/** A node that has been silent for this long may be replaced by another node with its name. */
export const NODE_SILENCE_MS = 10_000;
/** A node that has been silent for this long is removed when another node joins. */
export const NODE_FORGOTTEN_MS = 86_400_000;
/** The interval of heartbeats while a node has nothing else to send. */
export const NODE_HEARTBEAT_MS = 2_000;
/** Nodes' clocks that differ by at most this agree. */
export const CLOCK_TOLERANCE_MS = 1_000;
/** A node whose clock is ahead of the others' by more than this cannot become leader, and logs a warning. */
export const CLOCK_ASTRAY_MS = 10_000;
/** The speed of the log's time while it is ahead of most nodes' clocks, so that it gets right without going back. */
export const LOG_CLOCK_SLOW_RATE = 0.9;
/** After this much silence of the leader another node tries to become leader. */
export const LEADER_SILENCE_MS = 6_000;
/** A node that has not run for longer than this was paused itself, so the others' silence does not count. */
export const NODE_HELD_MS = 1_000;
/** If an appended entry is not delivered within this time, the connection is opened again. */
export const ENTRY_RETURN_MS_MAX = 5_000;
/** A node calls itself partitioned when the log has been unreachable for this long. */
export const CUT_OFF_MS = 10_000;
/**
 * If the log's end stays before a node's applied position for this long, the log has lost entries, whichever server
 * reports its end.
 */
export const LOG_WENT_BACK_MS = 15_000;
export const LOG_REOPEN_DELAY_MS = 100;
export const LOG_REOPEN_DELAY_MS_MAX = 1_000;
/** A snapshot is made when the log has grown by this much, with at least this interval. */
export const SNAPSHOT_ENTRIES = 100_000;
export const SNAPSHOT_LOG_BYTES = 64 * MIB;
export const SNAPSHOT_INTERVAL_MS = 600_000;
export const SNAPSHOT_RETRY_MS = 30_000;
export const SNAPSHOTS_KEPT = 2;
/** The time that the other nodes wait for the previous leader to make a snapshot that newer programs need. */
export const SNAPSHOT_DEPUTY_MS = 3_000;
/** The longest time that a request waits for this node to reach the requested position. */
export const POSITION_WAIT_MS = 5_000;
/** The longest time that a start waits for the node to accept writes. After that it listens nevertheless. */
export const NODE_START_MS = 3_000;
/** The interval at which a node runs its due work. */
export const NODE_TICK_MS = 100;
/** The pause before a node tries again to apply entries that its disk refused. */
export const ENTRY_RETRY_MS = 1_000;
/** A node that lags by more entries than this does not report itself as healthy. */
export const NODE_LAG_ENTRIES_MAX = 1_000;

// The ordered log of a cluster
export const LOG_CONNECT_MS_MAX = 3_000;
/** The time for the log's server to answer a request, or to acknowledge an entry. */
export const LOG_ANSWER_MS_MAX = 5_000;
/** A large entry gets more time: the least throughput of a slow link between the servers. */
export const LOG_ANSWER_BYTES_PER_S_MIN = 4 * MIB;
/** The time for a server to report the log's state; after that another server is asked. */
export const LOG_STATE_MS_MAX = 2_000;
/** Servers that elect a leader drop requests. A request is repeated at this interval until it is answered. */
export const LOG_ASK_AGAIN_MS = 500;
/** The interval at which a node asks for the state of the log's replicas. */
export const LOG_CHECK_MS = 10_000;
/** The interval of the server's heartbeats while there is nothing to deliver. */
export const LOG_HEARTBEAT_MS = 1_000;
/** The session is lost after this many missed heartbeats. */
export const LOG_HEARTBEATS_MISSED_MAX = 3;
/** Messages that the server stores atomically; the server's own limit. */
export const LOG_PIECES_MAX = 1_000;
/** The part of a message that is left for the headers of a piece. */
export const LOG_PIECE_HEADER_BYTES = 512;
/**
 * The remains of an interrupted snapshot upload are deleted after this time. A younger one may still be in progress.
 */
export const LOG_SNAPSHOT_REMAINS_MS = 600_000;

// Pool
export const POOL_THREADS_MIN = 1;
export const POOL_THREADS_MAX = 3;
/** Jobs of unknown cost that run at once. They leave one thread of the pool to other jobs. */
export const POOL_UNBOUNDED_TOGETHER_MAX = 2;
export const POOL_QUEUE_MAX = 256;
/** Jobs of one caller in the queue. */
export const POOL_QUEUE_OF_CALLER_MAX = 192;
/** The weight of all queued requests together. One request of any size fits into an empty queue. */
export const POOL_QUEUE_BYTES_MAX = 64 * MIB;
/**
 * A job that has waited longer for a thread is refused, because the request that it belongs to must be answered in
 * time.
 */
export const POOL_WAIT_MS_MAX = 5_000;
/** The time for a thread to load its modules. The deadline of a job that waits for the thread starts after that. */
export const POOL_START_MS_MAX = 20_000;
export const POOL_IDLE_MS = 30_000;
/** The finished jobs of a batch are reported after this time without a report, even if others are still running. */
export const POOL_ANSWERS_HELD_MS_MAX = 2;
/** A batch of short jobs that reports nothing for this long has a long job in it. All but one run on another thread. */
export const POOL_BATCH_PATIENCE_MS = 20;
export const POOL_HEAP_MIB_MAX = 512;
export const DIFF_BYTES_MAX = 64 * MIB;
/**
 * The lines in which two texts may differ if their common lines are searched for. The work grows with the square of it.
 */
export const LINE_EDITS_MAX = 1_000;

/** The interval at which the database's files are checked for removal and replacement. */
export const STORAGE_WATCH_INTERVAL_MS = 1_000;

// Backup
/** Backups that are read at once. Each has a thread of its own, so that none occupies the pool. */
export const BACKUPS_AT_ONCE_MAX = 2;
/** The longest time that a reader of a backup may read nothing. */
export const BACKUP_STALL_MS = 60_000;
/** A line of a snapshot: the largest value, if JSON writes each of its bytes as six characters. */
export const RESTORE_LINE_BYTES_MAX = 64 * MIB;
/** The time for the writer to copy a checked snapshot: gigabytes, on a slow disk. */
export const RESTORE_DEADLINE_MS = 1_800_000;
/** The bytes by which a streamed body may be ahead of its reader. */
export const BODY_AHEAD_BYTES_MAX = 1 * MIB;

// Process
/** The growth of a thread's heap beyond its size after the last collection, before the next one. */
export const HEAP_GROWTH_PERCENT = 50;

// Front
/** Unanswered requests, including long polls and streams. */
export const REQUESTS_IN_FLIGHT_MAX = 16_384;
/** A longer answer to a request whose body no handler reads is sent only after the body has arrived. */
export const PROMPT_ANSWER_BYTES_MAX = 4 * KIB;
/** A longer answer is written at its reader's pace, and counts as in flight until it is sent. */
export const WHOLE_ANSWER_BYTES_MAX = 256 * KIB;
/** All of these answers together, and the parts of streamed answers that their clients have not read. */
export const ANSWERS_IN_MEMORY_BYTES_MAX = 256 * MIB;
/**
 * The bytes by which an answer that the front makes piece by piece may be ahead of its client: one page of instances.
 */
export const PIECED_ANSWER_BYTES = 1 * MIB;
export const HOT_CACHE_BYTES_MAX = 64 * MIB;
/** A larger value is read from the database each time, because it would evict many small ones. */
export const HOT_CACHE_VALUE_BYTES_MAX = 256 * KIB;
/** A list that turns out to be longer than this starts again in the pool. */
export const FRONT_READ_CHARACTERS_MAX = 512 * KIB;
/** Reads of at most this many rows run on the front's own handle; longer ones in the pool. */
export const FRONT_READ_ROWS_MAX = 100;
/**
 * Over uWebSockets.js, an event-loop tick answers requests as they are read until it has answered this many and taken
 * this long. The others are answered in the next tick, one for each connection.
 */
export const ANSWERS_PER_TICK = 64;
export const ANSWERS_TICK_MS = 20;
/** The time that work in pieces may take of one event-loop tick. */
export const TIME_SLICE_MS = 5;

// Events
/** WebSockets, event streams and long polls that subscribe to events. */
export const SUBSCRIBERS_MAX = 10_000;
/** The distinct patterns of all subscribers together. The index takes up to 32 bytes for each character. */
export const SUBSCRIBED_PATTERNS_CHARACTERS_MAX = 1 * MIB;
export const SUBSCRIBER_BUFFER_EVENTS_MAX = 64;
/** The buffer of one slow subscriber. One event of any size fits. */
export const SUBSCRIBER_BUFFER_BYTES_MAX = 32 * MIB;
/** The buffers of all slow subscribers together. An event that several wait for counts once. */
export const SUBSCRIBERS_BEHIND_BYTES_MAX = 128 * MIB;
/** The unsent bytes of all sockets and streams together. Beyond it, a socket that is given more is cut. */
export const SOCKET_BUFFERS_BYTES_MAX = 256 * MIB;
export const SUBSCRIBER_MESSAGE_BYTES_MAX = 16 * KIB;
/** A client's message up to this size is received as a whole, so that it can be answered with close code 1009. */
export const SUBSCRIBER_MESSAGE_RECEIVED_BYTES_MAX = 1 * MIB;
export const SUBSCRIBER_IDLE_TIMEOUT_S = 120;
/** The time for a WebSocket client to answer a close frame. Then its connection is cut. */
export const SOCKET_CLOSE_MS_MAX = 1_000;
export const SSE_COMMENT_INTERVAL_MS = 15_000;
export const LONG_POLL_WAIT_S_MAX = 60;
export const REPLAY_PAGE_EVENTS = 64;
/**
 * Events that are read at once for followers. With the event that crosses the limit, at most twice the size of a large
 * one.
 */
export const EVENT_PAGE_CHARACTERS_MAX = 1 * MIB;
export const EVENT_PRUNE_INTERVAL_MS = 60_000;
export const EVENT_PRUNE_ROWS = 2_000;
export const EVENT_HISTORY_DEFAULT = 1_000;
/** Topics whose matching patterns the hub caches. */
export const TOPIC_CACHE_TOPICS_MAX = 4_096;
/** The matches in those caches together: 2 MiB of references. */
export const TOPIC_CACHE_MATCHES_MAX = 262_144;

// Changes
/** The list of kinds in a client's request. */
export const CHANGE_KINDS_BYTES_MAX = 1_024;
/** Messages about changes to one client within CHANGE_WINDOW_MS. */
export const CHANGE_MESSAGES_MAX = 10;
export const CHANGE_WINDOW_MS = 1_000;
/** Names of one kind in the report of a commit or a tick. No client gets more. */
export const CHANGE_NAMES_MAX = CHANGE_MESSAGES_MAX;
export const CHANGE_READERS_MAX = 1_000;

// State
export const STATE_HISTORY_DEFAULT = 1_000;
/** Every version of a key at this interval is marked, so that any version is found within this many steps. */
export const VERSION_MARK_INTERVAL = 64;

// Calls to other servers (webhooks, live tests of contracts)
export const OUTBOUND_URL_BYTES_MAX = 2048;
/** The whole exchange, from the DNS lookup to the last byte of the answer. */
export const OUTBOUND_DEADLINE_MS = 10_000;
/** Calls in flight. Each may have an answer in memory. */
export const OUTBOUND_REQUESTS_MAX = 1024;
/** Open connections to other servers, of all callers together; a sixth of the file descriptors if that is less. */
export const OUTBOUND_CONNECTIONS_MAX = 2 * OUTBOUND_REQUESTS_MAX;
export const OUTBOUND_CONNECTIONS_PER_ORIGIN_MAX = 64;
export const OUTBOUND_ORIGINS_MAX = 4096;
export const OUTBOUND_IDLE_MS = 4_000;
export const OUTBOUND_HEADER_BYTES_MAX = 16 * KIB;
/** Concurrent DNS lookups. Each occupies one of the process's four I/O threads, and the log needs one. */
export const OUTBOUND_LOOKUPS_MAX = 2;

// LLM usage
/** Hours or days in a series: six weeks by the hour. */
export const USAGE_SERIES_INTERVALS_MAX = 1_000;
/** The group sums in a series, all intervals together. The series is one text, with about 130 bytes for each sum. */
export const USAGE_SERIES_SUMS_MAX = 20_000;

// Instances
export const INSTANCES_MAX = 50_000;
/** The memory of instances: this much for each, its texts, and the texts once more as stored JSON. */
export const INSTANCES_BYTES_MAX = 128 * MIB;
export const INSTANCE_BYTES = 1 * KIB;
/** An instance that was never activated is deleted after this much silence. */
export const PENDING_SILENCE_MS_MAX = 24 * 60 * 60 * 1000;
/** The interval at which such instances are looked for. */
export const PENDING_PRUNE_INTERVAL_MS = 10 * 60 * 1000;
/** A name, a workspace, a stack. */
export const INSTANCE_LABEL_BYTES_MAX = 256;
export const INSTANCE_INTENT_BYTES_MAX = 4 * KIB;
export const INSTANCE_CAPABILITIES_MAX = 64;
/** A shorter silence of an instance is ignored: no claim ends this soon. */
export const INSTANCE_SILENCE_MS = 1_000;
/** The longest silence that an instance may announce. */
export const INSTANCE_BUSY_S_MAX = 3_600;
export const CAPABILITY_BYTES_MAX = 128;
export const INSTANCE_TOKEN_BYTES = 16;
/** The longest time that an activity record is in memory only. */
export const INSTANCE_FLUSH_INTERVAL_MS = 5_000;
/**
 * The same for a node of a cluster, because the leader decides whether a claim has expired. It is at most this part of
 * the time after which an instance counts as silent.
 */
export const INSTANCE_SHARED_FLUSH_INTERVAL_MS = 1_000;
export const INSTANCE_SHARED_FLUSH_PART = 1 / 4;
/**
 * A grace period in a cluster of several nodes: a claim lasts this much longer than its ttl, and an instance counts as
 * silent this much later. Within that time, activity at another node becomes known. For silence, the grace is at most
 * this part of the time until then.
 */
export const CLAIM_SHARED_GRACE_MS = 2_000;
export const SILENCE_SHARED_GRACE_PART = 1 / 2;
/** Rows of one flush, and of one call that marks instances stale, so that other writes come in between. */
export const INSTANCE_FLUSH_ROWS = 1_000;
/** Instances of a list that the front writes in one tick. */
export const INSTANCE_LIST_PAGE = 250;

// Messages
/** Messages in one answer by default; the same for threads. */
export const MESSAGE_ROWS_DEFAULT = 100;
export const MESSAGE_ROWS_MAX = 10_000;
/** Longer pages are read in the pool: each message may be 128 KiB. */
export const MESSAGES_ON_FRONT_MAX = 16;
export const MESSAGE_SUBJECT_BYTES_MAX = 512;
export const MESSAGE_BODY_BYTES_MAX = 64 * KIB;
/** The data as JSON. */
export const MESSAGE_DATA_BYTES_MAX = 64 * KIB;
export const MESSAGE_THREAD_BYTES_MAX = 128;
export const MESSAGE_NOTE_BYTES_MAX = 4 * KIB;
export const MESSAGE_RECIPIENTS_MAX = 256;
/** The longest name or workspace, with its prefix. */
export const MESSAGE_TO_BYTES_MAX = "workspace:".length + INSTANCE_LABEL_BYTES_MAX;
/** Unread messages in one in-box. */
export const IN_BOX_UNREAD_MAX = 1_000;
/** Messages that one call marks: a whole in-box. */
export const MESSAGES_MARKED_MAX = IN_BOX_UNREAD_MAX;
export const MESSAGE_DAYS = 30;
export const MESSAGE_EXPIRES_S_MAX = MESSAGE_DAYS * 24 * 60 * 60;
export const MESSAGE_PRUNE_INTERVAL_MS = 60_000;
/** Copies of messages that one call deletes, so that other writes come in between. */
export const MESSAGE_PRUNE_COPIES = 2_000;

// Waiting
/** The queries of all waiting calls together. The index takes up to 32 bytes for each character. */
export const WAITING_CHARACTERS_MAX = 2 * MIB;
/** Conditions of one call. */
export const WAIT_CONDITIONS_MAX = 64;
/**
 * Steps to match one topic with all patterns of a call. A pattern takes one step for each of its segments; with `**`,
 * as many as a topic has segments at most.
 */
export const WAIT_PATTERN_STEPS_MAX = 32_768;
/** A condition's data in a cursor. Most take a tenth of it. */
export const WAIT_MARK_CHARACTERS_MAX = 2 * KIB;
export const WAIT_CURSOR_BYTES_MAX = 8 * KIB;
/**
 * Claimable tasks among which the best one is searched. If there are more, those that have waited longest are taken.
 */
export const WAIT_TASKS_COMPARED_MAX = 250;
/** Instance names whose last owner is remembered. */
export const WAIT_NAMES_REMEMBERED_MAX = 10_000;
/** A change that is older than this has reached the front, unless the disk hangs. */
export const WAIT_SETTLED_MS = 5_000;
/**
 * Events between two calls that are searched for changes that a condition has missed. If there are more, the condition
 * counts as missed.
 */
export const WAIT_MISSED_EVENTS_MAX = 1_000;
/** The text of these events: a client that publishes in the server's name may publish much. */
export const WAIT_MISSED_CHARACTERS_MAX = 8 * MIB;

// Sessions of the dashboard
/** Open sessions. One more ends the least recently used one. */
export const SESSIONS_MAX = 1_000;
export const SESSION_COOKIE_BYTES = 32;
export const SESSION_IDLE_MS = 12 * 60 * 60 * 1000;
/** The longest time that a use is in memory only, and the interval at which expired sessions are looked for. */
export const SESSION_FLUSH_INTERVAL_MS = 120_000;
/** Cookies with the session's name that are tried: another server on the same host may have set one, too. */
export const SESSION_COOKIES_TRIED_MAX = 4;
export const LOG_IN_TOKEN_BYTES_MAX = 8 * KIB;
export const LOG_IN_BODY_BYTES_MAX = 64 * KIB;
/** After this many wrong tokens from one address within the window, the address must pause. */
export const LOG_IN_WRONG_MAX = 10;
/** Repeats of the same wrong bearer token that count as one guess. Such a token is mostly an agent's outdated one. */
export const BEARER_REPEATS_A_GUESS = 20;
export const LOG_IN_WINDOW_MS = 60_000;
export const LOG_IN_PAUSE_MS = 60_000;
/** Addresses whose wrong tokens are counted. One more evicts the one that was seen least recently. */
export const LOG_IN_ADDRESSES_MAX = 10_000;
/** Remembered tokens of deleted instances: a client that still has one is not guessing. */
export const ENDED_TOKENS_MAX = 10_000;
/** A shorter server token causes a warning, and is refused if other machines can reach the server. */
export const SERVER_TOKEN_CHARACTERS_MIN = 16;

// Agent metrics
/** At most 10 s. */
export const AGENT_METRICS_FLUSH_INTERVAL_MS = 5_000;
/** Counters of one flush. */
export const AGENT_METRICS_FLUSH_ROWS = 1_000;
/** Agents with unflushed counts; each hour counts separately. */
export const AGENT_TALLIES_MAX = 100_000;
export const AGENT_METRICS_DAYS = 90;
export const AGENT_METRICS_PRUNE_ROWS = 2_000;

// Work of unknown cost
/** Work on at most this many bytes is first tried as short work. */
export const SHORT_WORK_BYTES_MAX = 64 * KIB;
export const SHORT_WORK_DEADLINE_MS = 5_000;
/** A subject whose work was done within this time no longer counts as slow; also the limit of a short validation. */
export const SHORT_WORK_MS_MAX = 100;
export const LONG_WORK_TOGETHER_MAX = 1;
export const LONG_WORK_WAITING_MAX = 16;
/** The places of one caller. */
export const LONG_WORK_WAITING_OF_CALLER_MAX = 12;
/** The longest time that slow work waits for its permit. */
export const LONG_WAIT_MS_MAX = 5_000;
/** Subjects that are known to be slow. */
export const LONG_SUBJECTS_KEPT_MAX = 1_000;

// Rules and validation
export const RULE_PATTERN_BYTES_MAX = 4 * KIB;
/** The counted repetitions of a pattern, added up before it is compiled: the compiler writes out each of them. */
export const RULE_REPETITIONS_MAX = 2_000;
/** One compiled pattern: the worst cost of one character of a text. */
export const RULE_PROGRAM_INSTRUCTIONS_MAX = 5_000;
/** The instructions of all compiled patterns of a project, which a pool worker must compile and keep. */
export const PROJECT_PROGRAM_INSTRUCTIONS_MAX = 200_000;
export const PROJECT_RULES_MAX = 2_000;
/** Rules in one array. */
export const RULES_TOGETHER_MAX = 10_000;
export const RULE_NAME_BYTES_MAX = 256;
export const RULE_MESSAGE_BYTES_MAX = 4 * KIB;
export const RULE_CONTEXT_BYTES_MAX = 64 * KIB;
export const APPLIES_TO_GLOBS_MAX = 100;
/** Compiled patterns that a pool worker keeps between validations. */
export const COMPILED_INSTRUCTIONS_KEPT_MAX = 1_000_000;
export const COMPILED_SETS_KEPT_MAX = 1_000;
/** Versions of rule sets that the front knows. Beyond it the cache is cleared. */
export const RULE_SET_VERSIONS_KEPT_MAX = 1_000;
/** The size of a cached pattern's automaton, as the engine reports it. Beyond it the automaton is built again. */
export const AUTOMATON_BYTES_KEPT_MAX = 64 * KIB;
/**
 * A short validation that takes more starts again as a long one. The unit is instructions times characters, about 20 ns
 * each.
 */
export const VALIDATION_SHORT_STEPS_MAX = 4_000_000;
/** A longer answer is made again as a stream, because as one text it would block the front. */
export const VALIDATION_SHORT_ANSWER_CHARACTERS_MAX = 256 * KIB;
export const VIOLATIONS_LISTED_MAX = 100_000;
/** The JSON of the violations in one answer, as UTF-8. */
export const VIOLATIONS_LISTED_BYTES_MAX = 16 * MIB;

// Contracts
/** The nesting of objects and arrays in a contract, a payload or a service's answer. */
export const CONTRACT_DEPTH_MAX = 256;
export const CONTRACT_VIOLATIONS_MAX = 1_000;
/** Paths and messages together. */
export const CONTRACT_VIOLATIONS_CHARACTERS_MAX = 1 * MIB;
/** A violation's path. */
export const CONTRACT_PATH_CHARACTERS_MAX = 1024;
/** A violation's message: the longest has the most names that it may list, each with its greatest length. */
export const CONTRACT_MESSAGE_CHARACTERS_MAX = 32 * KIB;
/** Names, or values of an enum, in one message. */
export const CONTRACT_NAMES_LISTED_MAX = 100;
/** A payload's value in a message. */
export const CONTRACT_VALUE_CHARACTERS_MAX = 200;
/** The text of one JSON Schema, which is compiled to code. */
export const CONTRACT_SCHEMA_CHARACTERS_MAX = 128 * KIB;
/** Longer strings fail each `format` that is matched by backtracking. */
export const CONTRACT_FORMAT_CHARACTERS_MAX = 2 * KIB;
/**
 * Larger payloads are checked against a JSON Schema only up to the first violation, because Ajv keeps all of them in
 * memory.
 */
export const CONTRACT_ALL_ERRORS_CHARACTERS_MAX = 256 * KIB;
/** Compiled contracts that a pool worker keeps, and the text that they were read from. */
export const CONTRACTS_KEPT_MAX = 256;
export const CONTRACTS_KEPT_BYTES_MAX = 16 * MIB;
/** The instructions of all patterns of one JSON Schema, which are compiled before a payload is checked. */
export const CONTRACT_PATTERN_INSTRUCTIONS_MAX = 50_000;
/**
 * Steps of checking a payload, of some tens of nanoseconds each: a basic number, so many for each character, and the
 * maximum. A check that would take more is refused.
 */
export const CONTRACT_STEPS_LEAST = 200_000;
export const CONTRACT_STEPS_A_CHARACTER = 64;
export const CONTRACT_STEPS_MAX = 64_000_000;
/** A check that takes longer nevertheless is aborted, and its thread is replaced. */
export const CONTRACT_DEADLINE_MS = 5_000;
/** Live tests in flight. Each may have an answer in memory. */
export const CONTRACT_TESTS_MAX = 16;
export const CONTRACT_ANSWER_BYTES_MAX = 10 * MIB;

// PostgreSQL as a log
export const POSTGRES_CONNECT_MS_MAX = 5_000;
/** The time for a statement without data. Data gets additional time at the rate below. */
export const POSTGRES_ANSWER_MS_MAX = 5_000;
export const POSTGRES_BYTES_PER_MS_MIN = 4 * KIB;
/** The interval at which the log is read without a notification: a lost server sends no message about it. */
export const POSTGRES_PROBE_INTERVAL_MS = 1_000;
export const POSTGRES_PROBE_MS_MAX = 4_000;
/** The server aborts a statement of a lost client after this time. */
export const POSTGRES_STATEMENT_MS_MAX = 30_000;
/** Creating a log again deletes the old one in one transaction. */
export const POSTGRES_CREATE_MS_MAX = 600_000;
/** The time for a server to close a connection. */
export const POSTGRES_CLOSE_MS_MAX = 1_000;
/** The operating system probes a silent connection after this time. */
export const POSTGRES_KEEPALIVE_MS = 10_000;
/** The entries of one page, and their bytes. A larger entry is read in parts of this size. */
export const POSTGRES_PAGE_ROWS = 256;
export const POSTGRES_PAGE_BYTES = 1 * MIB;
/** The log entries that one statement deletes. */
export const POSTGRES_TRIM_ROWS = 256;
export const POSTGRES_TRIM_BYTES = 16 * MIB;
export const POSTGRES_SNAPSHOT_PIECE_BYTES = 512 * KIB;
/** The pieces of a snapshot that one statement deletes. */
export const POSTGRES_SNAPSHOT_SWEEP_PIECES = 32;
/** A credentials file. */
export const POSTGRES_CREDENTIALS_BYTES_MAX = 64 * KIB;

// Webhooks
export const WEBHOOKS_MAX = 1_000;
export const WEBHOOK_ID_BYTES_MAX = 256;
export const WEBHOOK_SECRET_BYTES_MAX = 1024;
export const WEBHOOK_PATTERNS_MAX = 100;
/** The patterns of all webhooks together, as for subscribers. */
export const WEBHOOK_PATTERNS_CHARACTERS_MAX = 1 * MIB;
export const WEBHOOK_QUEUE_ROWS_MAX = 10_000;
/** One event of any size fits into an empty queue. */
export const WEBHOOK_QUEUE_BYTES_MAX = 64 * MIB;
/** One attempt, from the DNS lookup to the last byte of the answer. */
export const WEBHOOK_TIMEOUT_MS = 10_000;
/** Only the status of a receiver's answer counts. The rest is read so that the connection can be reused. */
export const WEBHOOK_ANSWER_BYTES_MAX = 256 * KIB;
/**
 * Consecutive failures after which a webhook is disabled. With the longest delay between attempts they take at least
 * three days.
 */
export const WEBHOOK_FAILURES_MAX = 400;
/**
 * The cost of failures after which an event becomes a dead letter. An answer such as 503, or none in time, costs one:
 * that lasts at least a day. An answer that rejects the event (a 3xx or 4xx) costs nine: that lasts about an hour. A
 * receiver that cannot be reached costs nothing.
 */
export const WEBHOOK_EVENT_BUDGET = 144;
export const WEBHOOK_REFUSAL_COST = 9;
/** Dead letters of one webhook. Their bodies have the same limit as those of its queue. */
export const WEBHOOK_DEAD_LETTERS_MAX = 100;
/** Deliveries in the log of one webhook. */
export const WEBHOOK_LOG_ROWS = 100;
/** The message of a failed delivery in a webhook's `last_error`. */
export const WEBHOOK_ERROR_CHARS_MAX = 300;
/**
 * Deliveries in a chain in which each led to the next event. A webhook that would make the chain longer is disabled.
 */
export const WEBHOOK_HOPS_MAX = 16;
/** The first retry comes after a random time between these two. The delay doubles from there. */
export const WEBHOOK_RETRY_MS_MIN = 300;
export const WEBHOOK_RETRY_MS_MAX = 400;
export const WEBHOOK_RETRY_DELAY_MS_MAX = 15 * 60_000;
/** A receiver's `Retry-After` is obeyed up to this. */
export const WEBHOOK_RETRY_AFTER_MS_MAX = 60 * 60_000;
/** A redirect's `Location` in `last_error`. */
export const WEBHOOK_LOCATION_CHARS_MAX = 200;
/** Requests in flight: one for each webhook, so that no receiver waits for another if there are enough descriptors. */
export const WEBHOOK_REQUESTS_MAX = WEBHOOKS_MAX;
/** Deliveries that are begun in one tick of the front. */
export const WEBHOOK_STARTS_PER_TICK = 8;
/** Deliveries whose result is not stored yet. After a crash they are repeated. */
export const WEBHOOK_PROGRESS_ROWS = 256;
/** A body up to this size is always sent. Larger ones share the limit below. */
export const WEBHOOK_SMALL_BODY_BYTES = 64 * KIB;
export const WEBHOOK_BODIES_BYTES_MAX = 64 * MIB;
/** Test deliveries in flight. */
export const WEBHOOK_TESTS_MAX = 16;

// Templates
export const TEMPLATE_ID_BYTES_MAX = 256;
export const TEMPLATE_NAME_BYTES_MAX = 1024;
export const TEMPLATE_DESCRIPTION_BYTES_MAX = 64 * KIB;
export const TEMPLATE_TAGS_MAX = 100;
export const TEMPLATE_TAG_BYTES_MAX = 256;
export const TEMPLATE_CONTRACTS_MAX = 1_000;
// Compliance
/** Pairs of an instance and a contract in one job. */
export const COMPLIANCE_PAIRS_MAX = 100;
/** A job returns its results after this time. A single pair may take longer. */
export const COMPLIANCE_STEP_MS = 20;
export const COMPLIANCE_STEP_CHARACTERS_MAX = 256 * KIB;
/** The violations of one run that are listed, stored and published. */
export const COMPLIANCE_VIOLATIONS_MAX = 100;
export const COMPLIANCE_VIOLATIONS_CHARACTERS_MAX = 16 * KIB;
export const COMPLIANCE_RUNS_KEPT_MAX = 100_000;
export const COMPLIANCE_ROWS_DEFAULT = 50;
/** The runs in an answer. The history has all of them. */
export const COMPLIANCE_ANSWER_CHARACTERS_MAX = 16 * MIB;
/** The longest time that an answer waits for its check. The check continues after that. */
export const COMPLIANCE_WAIT_MS = 25_000;

// Audit and logs
/** A repeated refused call is counted in the row of the first one for this long. */
export const AUDIT_REPEAT_MS = 60_000;
/** Rows of refused calls within that time: of one caller and route, of one caller, and of all. */
export const AUDIT_REFUSAL_ROWS_OF_CALL_MAX = 64;
export const AUDIT_REFUSAL_ROWS_OF_CALLER_MAX = 150;
export const AUDIT_REFUSAL_ROWS_MAX = 400;
/** Rows of all calls without a valid token, in addition to those. */
export const AUDIT_UNAUTHENTICATED_ROWS_PER_MINUTE_MAX = 100;
/** The longest time that a count is in memory only, and that a reader of the log waits for it to be stored. */
export const AUDIT_COUNT_DELAY_MS = 10_000;
export const AUDIT_COUNT_WAIT_MS = 1_000;
/** The `resource` of a refused call. */
export const AUDIT_RESOURCE_CHARACTERS_MAX = 4 * KIB;
export const AUDIT_DETAIL_BYTES_MAX = 4 * KIB;
export const LOG_BUFFER_BYTES_MAX = 16 * MIB;
/** Lines that are written together. */
export const LOG_BLOCK_BYTES = 64 * KIB;
/** The longest time that a line waits for others to be written with it. */
export const LOG_DELAY_MS = 100;
export const LOG_FLUSH_MS_MAX = 500;

// Metrics
export const TOKENS_PER_MCP_CALL = 300;

// MCP
/** No message needs more: the longest argument of a tool is the context of a rule. */
export const MCP_BODY_BYTES_MAX = 1 * MIB;
/**
 * The values of a body: a batch of tool calls has some twenty for each message. The protocol's library copies each
 * object several times on the front, including the names.
 */
export const MCP_VALUES_MAX = 4_000;
/** Messages in one JSON-RPC batch. */
export const MCP_BATCH_MESSAGES_MAX = 100;
/** A message's id, and the name in it, in UTF-16 units. */
export const MCP_NAME_CHARACTERS_MAX = 1024;
/** The answers of one batch together. A call whose answer does not fit gets an error; the others get their answers. */
export const MCP_BATCH_BYTES_MAX = 4 * MIB;
/** All batches in progress together. */
export const MCP_BATCHES_BYTES_MAX = 32 * MIB;
/** Streams that wait for changes of the tools. The tools never change, so clients do not need them. */
export const MCP_LISTENERS_MAX = 64;
/** A longer result would fill any model's context: the tool refuses it and asks for a filter. */
export const MCP_RESULT_CHARACTERS_MAX = 4 * MIB;
/** The cost of `tools/list` and the instructions in a model's context, all tools together. */
export const MCP_TOOLS_TOKENS_MAX = 750;
/** The part of it for the instructions. */
export const MCP_INSTRUCTIONS_TOKENS_MAX = 60;
/** Instances that `discover_instances` lists. It gives only the number of further ones. */
export const MCP_INSTANCES_MAX = 50;
/** The cost of the answer of `get_endpoints`. */
export const MCP_ENDPOINTS_TOKENS_MAX = 1_200;
/** The lifetime of the list of tools in a client's cache: the list only changes with the server's version. */
export const MCP_TOOLS_KEPT_MS = 60 * 60 * 1000;
/** Requests of the stdio bridge in flight. */
export const CLI_BRIDGE_REQUESTS_MAX = 32;
/** One line of the bridge's stdin. */
export const CLI_BRIDGE_LINE_BYTES_MAX = BODY_BYTES_MAX;

// Command line
export const CLI_CONNECT_TIMEOUT_MS = 5_000;
/** The time for an upgrade to WebSocket: a lagging node answers when it has reached the requested position. */
export const CLI_UPGRADE_TIMEOUT_MS = 7_000;
/** The time for one address of a host name, before the next one is tried in parallel. */
export const CLI_ADDRESS_TIMEOUT_MS = 1_000;
/** Silence on a connection that waits for an answer, or sends a body. */
export const CLI_ANSWER_TIMEOUT_MS = 70_000;
/** A restore is answered after all of it is stored. */
export const CLI_RESTORE_TIMEOUT_MS = 1_800_000;
/** The closing line of a snapshot is far shorter. */
export const CLI_CLOSING_LINE_BYTES_MAX = 64 * KIB;
export const CLI_ANSWER_BYTES_MAX = 512 * MIB;
/** Indented output may be much longer than its source. Beyond this it is printed as one line. */
export const CLI_PRETTY_CHARACTERS_MAX = 256 * MIB;
export const SETTINGS_BYTES_MAX = 1 * MIB;
/** The time that the command line waits for a program that writes to a pipe which a flag names as a file. */
export const CLI_FILE_OPEN_MS = 500;
export const CLI_POLL_INTERVAL_MS = 2_000;
export const CLI_POLL_EVENTS = 50;
/** The newest events of tasks among which the end of a claim is searched. */
export const CLI_TASK_EVENTS = 1_000;
export const CLI_RECONNECT_DELAY_MS = 250;
export const CLI_RECONNECT_DELAY_MS_MAX = 10_000;
/** The longest pause before a waiting command asks a disconnected server again. */
export const CLI_RETRY_MS_MAX = 2_000;
/** The ttl of a lease that a command runs under: short, because its runner sends heartbeats. */
export const CLI_LEASE_RUN_TTL_S = 60;
/** The time between SIGTERM and SIGKILL for a command that has lost its lease. */
export const CLI_LEASE_GRACE_MS = 5_000;
/**
 * The time that the rest of a command's output is waited for after its end: a process that it started may keep the
 * output open.
 */
export const CLI_OUTPUT_LAG_MS = 1_000;
/** Consecutive upgrades that fail without an answer, before plain HTTP is tried. */
export const CLI_UPGRADE_ATTEMPTS_MAX = 3;
/** The time that a subscriber polls before it tries the WebSocket again. */
export const CLI_UPGRADE_RETRY_MS = 60_000;
/** The interval of the client's pings. They keep proxies from closing a quiet subscription, and detect a lost peer. */
export const CLI_PING_INTERVAL_MS = 30_000;
/** The servers of one cluster on the command line. */
export const CLI_SERVERS_MAX = 16;
/** The same as CLI_CONNECT_TIMEOUT_MS, if there is another server to try. */
export const CLI_TURN_CONNECT_TIMEOUT_MS = 2_000;
/** The time for a server to report its cluster's log position, before a position that it does not know is evaluated. */
export const CLI_LOG_ANSWER_TIMEOUT_MS = 5_000;
/** The interval at which a waiting call checks whether its server is partitioned, if there is another one to try. */
export const CLI_HEALTH_INTERVAL_MS = 5_000;
/**
 * The time for which later commands start with the server that has answered, after earlier ones in the list did not.
 */
export const CLI_SERVER_KEPT_MS = 60_000;
/** Clusters whose position is remembered. Those that were asked least recently are forgotten first. */
export const CLI_POSITION_FILES_MAX = 64;

function relation(holds: boolean, what: string): void {
  if (!holds) throw new Error(`limits.ts: ${what}`);
}

relation(BODIES_IN_MEMORY_BYTES_MAX >= 4 * BODY_BYTES_MAX, "several full bodies fit in memory");
relation(MAILBOX_BYTES_MAX >= BODIES_IN_MEMORY_BYTES_MAX, "all received bodies fit into the writer's mailbox");
relation(BATCH_BYTES_MAX >= BODY_BYTES_MAX, "one full body fits into a batch");
relation(POSTGRES_PROBE_INTERVAL_MS + POSTGRES_PROBE_MS_MAX <= 5_000, "a lost PostgreSQL server is noticed within 5 s");
relation(
  LARGE_WRITES_WAITING_OF_CALLER_MAX < LARGE_WRITES_WAITING_MAX,
  "one caller's writes leave others room to wait",
);
relation(
  ENTRY_BYTES_MAX / POSTGRES_BYTES_PER_MS_MIN < POSTGRES_STATEMENT_MS_MAX,
  "the largest entry is stored before the server aborts its statement",
);
relation(RESTORE_LINE_BYTES_MAX >= 6 * BODY_BYTES_MAX + 8 * KIB, "the largest record of a snapshot can be restored");
relation(2 * FORWARD_BYTES_MAX <= BUNDLE_BYTES_MAX, "two forwarded entries fit a bundle");
relation(ENTRY_BYTES_MAX >= 4 * BATCH_BYTES_MAX, "a batch fits an entry, whatever its encoding adds");
relation(
  LOG_HEARTBEAT_MS * (LOG_HEARTBEATS_MISSED_MAX + 1) <= LOG_ANSWER_MS_MAX,
  "a hanging server is noticed no later than an unanswered append",
);
relation(BATCH_CALLS_MAX <= MAILBOX_CALLS_MAX, "a batch is taken from the mailbox");
relation(HISTORY_ROWS_DEFAULT <= PAGE_ROWS_MAX, "a default page is at most the largest page");
relation(PUBLISH_EVENTS_MAX <= PAGE_ROWS_MAX, "events that were published together can be read together");
relation(
  SUBSCRIBER_MESSAGE_BYTES_MAX < SUBSCRIBER_MESSAGE_RECEIVED_BYTES_MAX,
  "a message over the limit is received, so that it can be refused",
);
relation(CHANGE_NAMES_MAX >= CHANGE_MESSAGES_MAX, "a client that watches one kind gets as many names as it may");
relation(HOT_CACHE_VALUE_BYTES_MAX * 16 <= HOT_CACHE_BYTES_MAX, "the hot cache holds many values");
relation(REFUSED_LINGER_MS < SHUTDOWN_DRAIN_MS, "a refusal that is being read survives the shutdown");
relation(POOL_DEADLINE_MS <= RESPONSE_TIMEOUT_MS, "the deadline of a job keeps the time for an answer");
relation(
  WRITER_DEADLINE_MS + OUTCOME_GRACE_MS <= RESPONSE_TIMEOUT_MS,
  "the deadline of a call to the writer keeps the time for an answer",
);
relation(REQUEST_TIMEOUT_MS <= RESPONSE_TIMEOUT_MS, "a request ends before its response does");
relation(
  OUTBOUND_DEADLINE_MS < RESPONSE_TIMEOUT_MS,
  "a call to another server ends before the answer that waits for it is due",
);
relation(WEBHOOK_REQUESTS_MAX >= WEBHOOKS_MAX, "a hanging receiver does not block another one");
relation(WEBHOOK_RETRY_MS_MAX + DEADLINE_SWEEP_MS <= 500, "a retry that waits for its tick is still in time");
relation(WEBHOOK_RETRY_AFTER_MS_MAX >= WEBHOOK_RETRY_DELAY_MS_MAX, "a delay that was stored is kept after a restart");
relation(
  WEBHOOK_EVENT_BUDGET * WEBHOOK_RETRY_DELAY_MS_MAX * (WEBHOOK_RETRY_MS_MIN / WEBHOOK_RETRY_MS_MAX) >= 26 * 3_600_000,
  "an event is tried for a day",
);
relation(
  WEBHOOK_FAILURES_MAX > 2 * WEBHOOK_EVENT_BUDGET,
  "an event becomes a dead letter before its webhook is disabled",
);
relation(WEBHOOK_TIMEOUT_MS < RESPONSE_TIMEOUT_MS, "a test delivery ends before its answer is due");
relation(
  WEBHOOK_QUEUE_BYTES_MAX > 2 * BODY_BYTES_MAX && WEBHOOK_BODIES_BYTES_MAX > 2 * BODY_BYTES_MAX,
  "the largest event can be queued and sent",
);
relation(USAGE_SERIES_INTERVALS_MAX >= 31 * 24, "a month can be seen by the hour");
relation(USAGE_SERIES_SUMS_MAX >= USAGE_SERIES_INTERVALS_MAX, "a listed interval has at least one group");
relation(
  AUDIT_REFUSAL_ROWS_OF_CALL_MAX < AUDIT_REFUSAL_ROWS_OF_CALLER_MAX &&
    AUDIT_REFUSAL_ROWS_OF_CALLER_MAX < AUDIT_REFUSAL_ROWS_MAX,
  "one caller's refused calls leave room for those of others",
);
relation(AUDIT_COUNT_DELAY_MS < AUDIT_REPEAT_MS, "a count is stored while it grows");
relation(AGENT_METRICS_FLUSH_INTERVAL_MS < 10_000, "agent metrics are flushed at least every 10 s");
relation(AGENT_TALLIES_MAX > INSTANCES_MAX, "every instance can be counted");
relation(
  2 * CONTRACT_DEADLINE_MS + OUTBOUND_DEADLINE_MS < RESPONSE_TIMEOUT_MS,
  "a live test ends before its answer is due",
);
relation(COMPLIANCE_WAIT_MS < RESPONSE_TIMEOUT_MS, "a check that takes long is answered in time");
relation(
  CLI_ANSWER_TIMEOUT_MS >= LONG_POLL_WAIT_S_MAX * 1000 + 10_000,
  "the command line waits longer than the longest long poll",
);
relation(CLI_ANSWER_BYTES_MAX > BODY_BYTES_MAX, "the command line takes every value that can be stored");
relation(POOL_UNBOUNDED_TOGETHER_MAX < POOL_THREADS_MAX, "jobs of unknown cost leave the pool a thread");
relation(LONG_WORK_TOGETHER_MAX < POOL_UNBOUNDED_TOGETHER_MAX, "slow work leaves a thread to work that may be short");
relation(LONG_WORK_WAITING_OF_CALLER_MAX < LONG_WORK_WAITING_MAX, "one caller's long work leaves others room to wait");
relation(
  LONG_WAIT_MS_MAX + POOL_WAIT_MS_MAX + POOL_DEADLINE_MS <= RESPONSE_TIMEOUT_MS,
  "work that waited for a permit and for a thread is answered in time",
);
relation(SHORT_WORK_DEADLINE_MS <= POOL_DEADLINE_MS, "the deadline of short work is at most that of a job");
relation(RULE_PROGRAM_INSTRUCTIONS_MAX <= PROJECT_PROGRAM_INSTRUCTIONS_MAX, "the largest rule fits a project");
relation(
  2 * PROJECT_PROGRAM_INSTRUCTIONS_MAX <= COMPILED_INSTRUCTIONS_KEPT_MAX,
  "a worker keeps a project's rules and the global ones",
);
relation(MCP_RESULT_CHARACTERS_MAX <= BODY_BYTES_MAX, "a result is no longer than a stored value");
relation(MESSAGES_ON_FRONT_MAX <= FRONT_READ_ROWS_MAX, "the front may read a page of this size");
relation(MESSAGE_RECIPIENTS_MAX < MESSAGE_PRUNE_COPIES, "the largest message can be deleted in one call");
relation(
  (WAIT_CONDITIONS_MAX + 1) * 64 + WAIT_MARK_CHARACTERS_MAX < WAIT_CURSOR_BYTES_MAX,
  "a cursor with the most conditions can be sent back",
);
relation(2 * SESSION_FLUSH_INTERVAL_MS < SESSION_IDLE_MS, "a session in use is not lost by a crash");
relation(CLI_PING_INTERVAL_MS * 2 < SUBSCRIBER_IDLE_TIMEOUT_S * 1000, "a subscriber pings before it counts as lost");
relation(
  CLI_UPGRADE_TIMEOUT_MS >= POSITION_WAIT_MS + 2_000,
  "a client that asks a lagging node for an upgrade gets its refusal",
);
relation(CLI_TURN_CONNECT_TIMEOUT_MS <= CLI_CONNECT_TIMEOUT_MS, "with other servers to try, one is given up sooner");
relation(CLI_TASK_EVENTS <= PAGE_ROWS_MAX, "the events of tasks are read with one call");
relation(
  CLI_POLL_EVENTS * BODY_BYTES_MAX < CLI_ANSWER_BYTES_MAX,
  "a page of the largest events is an answer that can be taken",
);
