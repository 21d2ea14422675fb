/**
 * Defines every limit of the system. A limit's name ends with its unit. Relations between limits are checked when this
 * module is loaded, so that a change of one limit cannot silently break another.
 */

const KIB = 1024;
const MIB = 1024 * KIB;

// File descriptors
/**
 * The descriptors that the server itself may open after it has started to listen: for threads, database handles and
 * files.
 */
export const OWN_DESCRIPTORS_MAX = 128;
/**
 * A process with at most this many descriptors loads all its modules at the start, because it may have none left to
 * open a module's file later.
 */
export const FEW_DESCRIPTORS = 512;
/** The shortest time between two log lines that say that no descriptor is left. */
export const SHORTAGE_REPORT_MS = 60_000;

// Requests and values
export const BODY_BYTES_MAX = 10 * MIB;
/** The length to which a rejection truncates a name or text of the request that it quotes, in UTF-16 units. */
export const QUOTED_CHARACTERS_MAX = 100;
/**
 * The longest message of a rejection. It has room for the longest key, even if each of its characters takes two units,
 * and for a line of text.
 */
export const REFUSAL_CHARACTERS_MAX = 8_192;
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
/** The time that a client gets to read a short answer after which the server closes the connection. */
export const CLOSING_LINGER_MS = 100;
/**
 * The time after a chunked body for which uWebSockets.js reads nothing more. Otherwise, if no valid request follows the
 * body, uWebSockets.js would answer with an error of its own, even while the previous request is executed.
 */
export const QUIET_AFTER_CHUNKS_MS = 1_000;
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
/** The bytes of all request bodies together that are being received or wait for the writer. */
export const BODIES_IN_MEMORY_BYTES_MAX = 256 * MIB;
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
export const KEY_BYTES_MAX = 1024;
/** The longest label that is stored with the thing that it describes: a provider, a model, a project or a tag. */
export const LABEL_BYTES_MAX = 1024;
export const TOPIC_BYTES_MAX = 256;
export const PATTERN_BYTES_MAX = 1024;
/** The most alternatives of one glob with braces, in a rule or in a resource. */
export const GLOB_ALTERNATIVES_MAX = 64;
/** The most alternatives of all globs of one rule together, and of all resources of one lease or task together. */
export const ALTERNATIVES_TOGETHER_MAX = 256;
export const SOURCE_BYTES_MAX = 256;
export const CONTENT_TYPE_BYTES_MAX = 256;
export const PAGE_ROWS_MAX = 10_000;
/**
 * The bytes of all items of a list in one answer. The list ends before the first item that does not fit, and the answer
 * says where it continues.
 */
export const LIST_BYTES_MAX = 32 * MIB;
export const HISTORY_ROWS_DEFAULT = 50;
export const AUDIT_ROWS_DEFAULT = 50;
export const EVENT_ROWS_DEFAULT = 50;
export const USAGE_ROWS_DEFAULT = 50;
export const PUBLISH_EVENTS_MAX = 1000;

// Pages of other origins
/** The time for which a browser may cache the answer to a preflight request. Chrome caches for at most two hours. */
export const PREFLIGHT_MAX_AGE_S = 600;

/**
 * The longest `request_id`, which is the client's name for a call. A repeated call with the same name gets the same
 * answer.
 */
export const REQUEST_ID_BYTES_MAX = 128;
/** The lifetime of that answer. */
export const REQUEST_MEMORY_MS = 600_000;
/** The number of expired idempotency records that are deleted with each record that is stored. */
export const IDEMPOTENCY_PRUNE_ROWS = 4;

// Claims: leases and tasks
/** The most held and waiting leases of all instances together. */
export const LEASES_MAX = 10_000;
export const LEASES_OF_HOLDER_MAX = 1_000;
/**
 * The memory of all leases together in the writer. The next limit is that of the leases of one instance. The front has
 * a second copy of the leases.
 */
export const LEASES_BYTES_MAX = 64 * MIB;
export const LEASES_OF_HOLDER_BYTES_MAX = 16 * MIB;
/** A lease without its resources. */
export const LEASE_BYTES = 1 * KIB;
export const LEASE_RESOURCES_MAX = 64;
/** The most characters after the literal prefixes of a request's globs, counted over all alternatives together. */
export const GLOB_CHARACTERS_TOGETHER_MAX = 4_096;
/**
 * The most steps, of about 40 ns each, to compare a request's globs with the held and waiting leases. A request that
 * would take more is rejected.
 */
export const GLOB_STEPS_MAX = 200_000;
export const RESOURCE_BYTES_MAX = 512;
/** Conflicts that a refusal lists. */
export const LEASE_CONFLICTS_MAX = 100;
export const LEASE_TTL_S_DEFAULT = 600;
export const CLAIM_TTL_S_MAX = 86_400;
/** The most tasks in the answer to a claim that got none because the resources of these tasks are leased. */
export const CLAIM_BUSY_MAX = 10;
/** The default of the longest life of a claim. The claim ends then even if its holder stays active. */
export const CLAIM_MAX_S_DEFAULT = 14_400;
export const CLAIM_MAX_S_MAX = 86_400;
/** The time that an unconfirmed grant is kept for a waiter that has not been seen since the grant. */
export const CLAIM_OFFER_MS = 30_000;
/**
 * The least remaining life of each claim when a server starts, because heartbeats of its holder could not arrive while
 * the server was down.
 */
export const CLAIM_RESTART_MS = 15_000;
/** The most audit rows in which the row of a call is searched. If there are more, the search counts as successful. */
export const AUDIT_LOOKED_AT_MAX = 10_000;
/** At a start, stored times may be ahead of the machine's clock by this much without being treated as wrong. */
export const CLOCK_LEAD_MS_MAX = 1_000;
/** A gap of at least this much between two ticks counts as a pause of the server. */
export const RUN_PAUSE_MS_MIN = 500;
/**
 * After a pause, each claim lives at least for the length of the pause times this factor, but this minimum is at most
 * CLAIM_RESTART_MS.
 */
export const RUN_PAUSE_GRACE_FACTOR = 5;
/** The most claims that one call of the writer ends. */
export const CLAIMS_ENDED_TOGETHER = 100;
/** Reasons, notes, errors, questions and answers. */
export const REMARK_BYTES_MAX = 4 * KIB;
export const CHECK_PATHS_MAX = 1_000;
export const CHECK_PATH_BYTES_MAX = 1_024;
/** The longest time that one call may wait, in seconds. */
export const WAIT_S_MAX = 60;
export const LEASE_ROWS_DEFAULT = 100;
/** The number of ended leases in one page that the writer reads. Other work runs between the pages. */
export const LEASE_LIST_PAGE = 1_000;
/** The time that ended leases are kept, because a client may later ask for the holder at the time of a commit. */
export const LEASE_KEEP_MS = 7 * 86_400_000;
export const LEASE_PRUNE_INTERVAL_MS = 3_600_000;
export const LEASE_PRUNE_ROWS = 1_000;

// Tasks
/** Tasks that have not ended. */
export const TASKS_MAX = 100_000;
/** The memory of tasks in the writer. The front has a second copy of the ready tasks. */
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
/**
 * The most references in `after` of all tasks of one call. Each reference takes a look-up, and adds a row to the call's
 * transaction.
 */
export const TASKS_AFTER_TOGETHER_MAX = 10_000;
/**
 * The most tasks that may wait for the same task. All of them become ready in the transaction in which that task is
 * done.
 */
export const TASK_WAITERS_MAX = 2_000;
/**
 * The most events about blocked and unblocked tasks that one call publishes. If there are more, the oldest tasks come
 * first.
 */
export const TASKS_STUCK_REPORTED_MAX = 2_000;
/** After this many steps, a claim that has found no task continues its search in another transaction. */
export const CLAIM_STEPS_MAX = 1_024;
/**
 * The steps to examine the resources of a task, in addition to the steps to compare them. A task that is skipped takes
 * 1 step.
 */
export const CLAIM_LOOK_STEPS = 4;
/** The most steps of one search on the front: for the waiters to wake, or for the tasks whose resources are leased. */
export const TASK_OFFER_STEPS_MAX = 65_536;
export const TASK_PRIORITY_DEFAULT = 5;
export const TASK_PRIORITY_MAX = 9;
/** A waiting task gains one priority level each time that this much time has passed. */
export const TASK_AGING_MS = 600_000;
export const TASK_ATTEMPTS_DEFAULT = 3;
export const TASK_ATTEMPTS_MAX = 100;
/**
 * The delay before a task can be claimed again after its first failure or lost claim. Each further one multiplies the
 * delay by TASK_BACKOFF_FACTOR.
 */
export const TASK_BACKOFF_MS = 1_000;
export const TASK_BACKOFF_FACTOR = 4;
export const TASK_BACKOFF_MS_MAX = 3_600_000;
/** The time that a task whose question was answered is reserved for the instance that asked. */
export const TASK_RESERVED_MS = 60_000;
export const TASK_ROWS_DEFAULT = 100;
/** The most predecessors of a task that are examined to find the reason why the task cannot continue. */
export const TASK_CAUSES_LOOKED_AT_MAX = 256;
/** For the same search, the most edges among the predecessors that are examined. */
export const TASK_CAUSE_EDGES_MAX = 2_048;
/**
 * The most history entries of a task in one answer, the newest first. The next limit is that of the tasks that wait for
 * it, the oldest first.
 */
export const TASK_HISTORY_MAX = 1_000;
export const TASK_DEPENDENTS_MAX = 1_000;
export const TASK_RETENTION_MS_DEFAULT = 30 * 86_400_000;
export const TASK_PRUNE_INTERVAL_MS = 3_600_000;
export const TASK_PRUNE_ROWS = 500;

// Timeouts of a connection, and its bounds
/** The bytes of all headers of a request together, including the request line. It applies to Node's own transport. */
export const HEADER_BYTES_MAX = 16 * KIB;
/** The time that a connection stays open without a request. It applies to Node's own transport. */
export const IDLE_CONNECTION_MS = 60_000;
export const REQUEST_TIMEOUT_MS = 10_000;
/**
 * The longest time until an answer starts. The deadlines of the RPC below enforce it. Long polls and streams may wait
 * longer.
 */
export const RESPONSE_TIMEOUT_MS = 30_000;
export const SHUTDOWN_DRAIN_MS = 5_000;

// RPC
/** A byte array of at most this length travels between threads as a string. */
export const INLINE_BYTES_MAX = 16 * KIB;
/**
 * The most calls in one message between threads. The number is small, so that the writer starts to work while the front
 * still reads requests.
 */
export const CALLS_TOGETHER_MAX = 16;
export const MAILBOX_CALLS_MAX = 8_192;
export const MAILBOX_BYTES_MAX = 256 * MIB;
/**
 * A write of at least this many bytes is large. The front sends the writer one large write at a time, because the
 * writer takes about 15 ms for each MiB, mostly for the disk, and small writes of other clients wait behind it.
 */
export const LARGE_WRITE_BYTES_MIN = MIB;
/** The most large writes that wait until the writer has answered the previous one. */
export const LARGE_WRITES_WAITING_MAX = 256;
export const LARGE_WRITES_WAITING_OF_CALLER_MAX = 192;
/** A large write that has waited longer than this is rejected. */
export const LARGE_WRITE_WAIT_MS_MAX = 20_000;
export const WRITER_DEADLINE_MS = 10_000;
export const POOL_DEADLINE_MS = 20_000;
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

// Writer
export const BATCH_CALLS_MAX = 512;
export const BATCH_BYTES_MAX = 16 * MIB;
export const WRITER_RESTART_DELAY_MS = 100;
export const WRITER_RESTART_DELAY_MS_MAX = 5_000;
/** The most keys whose heads the writer caches for state, and the same number for specs. */
export const HEAD_CACHE_KEYS_MAX = 32_768;
export const WAL_CHECKPOINT_PAGES = 1_000;
export const SQLITE_BUSY_TIMEOUT_MS = 5_000;
/**
 * The page cache of a read-only database handle. With SQLite's default of 2 MiB, each list of a full store read its
 * pages from the file again.
 */
export const SQLITE_READ_CACHE_KIB = 8 * 1024;

// Cluster
/**
 * The largest log entry, which contains one batch. It may be larger than the batch's weight, because JSON writes some
 * bytes as six characters.
 */
export const ENTRY_BYTES_MAX = 64 * MIB;
/**
 * The longest time that a batch lingers. Clients that were just answered call again, so their calls get into the same
 * entry as the waiting calls. The node lingers as long as the previous entry took, but at most this long.
 */
export const ENTRY_LINGER_MS_MAX = 10;
/**
 * A node appends a larger entry itself instead of forwarding it. Sharing a message with other nodes would save little
 * compared with the entry's size.
 */
export const FORWARD_BYTES_MAX = 128 * KIB;
/** The bytes of one message that contains entries of several nodes. It is below NATS's default limit of 1 MiB. */
export const BUNDLE_BYTES_MAX = 512 * KIB;
/**
 * After a bundle was delivered, the next bundle lingers at most this long for the nodes that had entries in the
 * delivered one.
 */
export const BUNDLE_LINGER_MS_MAX = 20;
/** If a forwarded entry is not in the log after this time, the node appends the entry itself. */
export const FORWARD_RETURN_MS_MAX = 1_000;
/** After a forwarded entry was late, the node forwards nothing for at least this long. */
export const FORWARD_PAUSE_MS = 2_000;
/** The most delivered entries that are applied in one batch. APPLY_BATCH_BYTES_MAX approximately limits their bytes. */
export const APPLY_BATCH_ENTRIES_MAX = 64;
export const APPLY_BATCH_BYTES_MAX = 4 * MIB;
/** A node that has more bytes of unapplied entries stops reading the log until it has applied half of them. */
export const ENTRIES_PENDING_BYTES_MAX = 16 * MIB;
/**
 * A node halts before an entry that has crashed the process this many times while it was applied by itself. Two crashes
 * come before these: the first one, and one while the entry was applied together with others. So there are five crashes
 * in all. systemd starts a program five times in ten seconds.
 */
export const POISON_ENTRY_TRIES_MAX = 3;
/** The number of its own state hashes that a node keeps to compare with those of other nodes. */
export const STATE_HASHES_KEPT_MAX = 4_096;
/** After this much silence, a node may be replaced by another node with the same name. */
export const NODE_SILENCE_MS = 10_000;
/** After this much silence, a node is removed when another node joins. */
export const NODE_FORGOTTEN_MS = 86_400_000;
/** The interval of a node's heartbeats while it has nothing else to send. */
export const NODE_HEARTBEAT_MS = 2_000;
/** The clocks of two nodes agree if they differ by at most this. */
export const CLOCK_TOLERANCE_MS = 1_000;
/** A node whose clock is ahead of the others' clocks by more than this cannot become leader, and logs a warning. */
export const CLOCK_ASTRAY_MS = 10_000;
/**
 * The speed of the log's time, relative to real time, while it is ahead of most nodes' clocks. So the clocks catch up,
 * and the log's time never goes back.
 */
export const LOG_CLOCK_SLOW_RATE = 0.9;
/** After this much silence of the leader, another node tries to become leader. */
export const LEADER_SILENCE_MS = 6_000;
/**
 * A node that has not run for longer than this was paused. It could not hear the others meanwhile, so their silence
 * does not count.
 */
export const NODE_HELD_MS = 1_000;
/** If a node's appended entry is not delivered to the node within this time, it opens the connection again. */
export const ENTRY_RETURN_MS_MAX = 5_000;
/** After the log has been unreachable for this long, a node reports that it is partitioned. */
export const CUT_OFF_MS = 10_000;
/**
 * If the log's end stays before a node's applied position for this long, the node concludes that the log has lost
 * entries. The reports of the end may come from different servers.
 */
export const LOG_WENT_BACK_MS = 15_000;
export const LOG_REOPEN_DELAY_MS = 100;
export const LOG_REOPEN_DELAY_MS_MAX = 1_000;
/**
 * A node makes a snapshot when the log has grown by this many entries, or by SNAPSHOT_LOG_BYTES, since the previous
 * one. Snapshots are at least SNAPSHOT_INTERVAL_MS apart.
 */
export const SNAPSHOT_ENTRIES = 100_000;
export const SNAPSHOT_LOG_BYTES = 64 * MIB;
export const SNAPSHOT_INTERVAL_MS = 600_000;
export const SNAPSHOT_RETRY_MS = 30_000;
export const SNAPSHOTS_KEPT = 2;
/**
 * When nodes with a newer program need a snapshot, the previous leader makes it. The other nodes wait this long for it.
 */
export const SNAPSHOT_DEPUTY_MS = 3_000;
/** The longest time that a request waits until this node has reached the position that the request names. */
export const POSITION_WAIT_MS = 5_000;
/** The longest time that a start waits until the node accepts writes. After that, the server listens anyway. */
export const NODE_START_MS = 3_000;
/** The interval at which a node checks for work that is due. */
export const NODE_TICK_MS = 100;
/** The pause before a node tries again to apply entries that it could not write to its disk. */
export const ENTRY_RETRY_MS = 1_000;
/** A node that lags by more entries than this does not report that it is healthy. */
export const NODE_LAG_ENTRIES_MAX = 1_000;

// The ordered log of a cluster
export const LOG_CONNECT_MS_MAX = 3_000;
/** The time that the log's server gets to answer a request, or to acknowledge an entry. */
export const LOG_ANSWER_MS_MAX = 5_000;
/** The least throughput that is expected of a slow link between the servers. It gives a large entry more time. */
export const LOG_ANSWER_BYTES_PER_S_MIN = 4 * MIB;
/** The time that a server gets to report the log's state. After that, the node asks another server. */
export const LOG_STATE_MS_MAX = 2_000;
/**
 * The interval at which a request is repeated until it is answered, because servers that are electing a leader drop
 * requests.
 */
export const LOG_ASK_AGAIN_MS = 500;
/** The interval at which a node asks for the state of the log's replicas. */
export const LOG_CHECK_MS = 10_000;
/** The interval of the heartbeats that the log's server sends while it has nothing to deliver. */
export const LOG_HEARTBEAT_MS = 1_000;
/** The session with the log's server counts as lost after this many missed heartbeats. */
export const LOG_HEARTBEATS_MISSED_MAX = 3;
/** The most messages that the log's server stores atomically. The server itself has this limit. */
export const LOG_PIECES_MAX = 1_000;
/** The bytes of a message that are left free for the headers of a piece. */
export const LOG_PIECE_HEADER_BYTES = 512;
/** The time after which the remains of a snapshot upload are deleted. A younger upload may still be in progress. */
export const LOG_SNAPSHOT_REMAINS_MS = 600_000;

// Pool
export const POOL_THREADS_MIN = 1;
export const POOL_THREADS_MAX = 3;
/** The most jobs of unknown cost that run at the same time. They leave one thread of the pool to other jobs. */
export const POOL_UNBOUNDED_TOGETHER_MAX = 2;
export const POOL_QUEUE_MAX = 256;
/** Jobs of one caller in the queue. */
export const POOL_QUEUE_OF_CALLER_MAX = 192;
/** The weight of all queued requests together. A single request of any size fits into an empty queue. */
export const POOL_QUEUE_BYTES_MAX = 64 * MIB;
/**
 * The longest time that a job waits for a thread. Then it is rejected, because its request must be answered in time.
 */
export const POOL_WAIT_MS_MAX = 5_000;
/**
 * The time that a thread gets to load its modules. The deadline of a job that waits for the thread starts after that.
 */
export const POOL_START_MS_MAX = 20_000;
export const POOL_IDLE_MS = 30_000;
/**
 * The longest time that the results of a batch's finished jobs are held back while other jobs of the batch still run.
 */
export const POOL_ANSWERS_HELD_MS_MAX = 2;
/**
 * If a batch of short jobs reports nothing for this long, one of its jobs is long. The other jobs are moved to another
 * thread.
 */
export const POOL_BATCH_PATIENCE_MS = 20;
export const POOL_HEAP_MIB_MAX = 512;
export const DIFF_BYTES_MAX = 64 * MIB;
/**
 * If two texts differ in more lines than this, their common lines are not searched for, because the work grows with the
 * square of the number.
 */
export const LINE_EDITS_MAX = 1_000;

/** The interval at which the server checks whether the database's files were removed or replaced. */
export const STORAGE_WATCH_INTERVAL_MS = 1_000;

// Backup
/**
 * The most backups that are read at the same time. Each has a thread of its own, so that backups never occupy the pool.
 */
export const BACKUPS_AT_ONCE_MAX = 2;
/** The longest time for which the reader of a backup may read nothing. */
export const BACKUP_STALL_MS = 60_000;
/**
 * The longest line of a snapshot. It has room for the largest value, even if JSON writes each of its bytes as six
 * characters.
 */
export const RESTORE_LINE_BYTES_MAX = 64 * MIB;
/**
 * The time limit for the writer to copy a checked snapshot. A snapshot may have gigabytes, and the disk may be slow.
 */
export const RESTORE_DEADLINE_MS = 1_800_000;
/**
 * While this many bytes of a streamed body wait for their reader, the server reads no more of the body from the socket.
 */
export const BODY_AHEAD_BYTES_MAX = 1 * MIB;

// Process
/** A thread's heap is collected again when it has grown by this much over its size after the previous collection. */
export const HEAP_GROWTH_PERCENT = 50;

// Front
/** Unanswered requests, including long polls and streams. */
export const REQUESTS_IN_FLIGHT_MAX = 16_384;
/**
 * If no handler reads the body of a request, an answer up to this size is sent at once. A longer one is sent after the
 * body has arrived.
 */
export const PROMPT_ANSWER_BYTES_MAX = 4 * KIB;
/**
 * An answer that is longer than this is written at its reader's pace, and counts as in flight until all of it is sent.
 */
export const WHOLE_ANSWER_BYTES_MAX = 256 * KIB;
/**
 * The bytes of all answers that are written at their readers' pace, together with the parts of streamed answers that
 * their clients have not read.
 */
export const ANSWERS_IN_MEMORY_BYTES_MAX = 256 * MIB;
/**
 * The front makes some answers piece by piece. It may be this many bytes ahead of the client, which is the size of one
 * page of instances.
 */
export const PIECED_ANSWER_BYTES = 1 * MIB;
export const HOT_CACHE_BYTES_MAX = 64 * MIB;
/**
 * A value that is larger than this is not cached, because it would evict many small values. It is read from the
 * database each time.
 */
export const HOT_CACHE_VALUE_BYTES_MAX = 256 * KIB;
/** If a list that the front reads turns out to be longer than this, the pool reads it again from the beginning. */
export const FRONT_READ_CHARACTERS_MAX = 512 * KIB;
/** A read of at most this many rows runs on the front's own database handle. The pool runs reads of more rows. */
export const FRONT_READ_ROWS_MAX = 100;
/**
 * The front answers requests as it reads them. In one event-loop tick it stops when it has answered this many and has
 * taken ANSWERS_TICK_MS. It answers the other requests in later ticks. Over Node's HTTP only pipelined requests count,
 * and only they wait.
 */
export const ANSWERS_PER_TICK = 64;
export const ANSWERS_TICK_MS = 20;
/**
 * Over Node's HTTP, the server reads no more from a connection while at least this many of its requests wait for the
 * answers to the previous ones. One read of 64 KiB may bring more.
 */
export const PIPELINED_WAITING_MAX = 64;
/** The time that work that is done in pieces may take in one event-loop tick. */
export const TIME_SLICE_MS = 5;

// Events
/** The most subscribers to events: WebSockets, event streams and long polls together. */
export const SUBSCRIBERS_MAX = 10_000;
/**
 * The characters of the distinct patterns of all subscribers together. The index takes up to 32 bytes for each
 * character.
 */
export const SUBSCRIBED_PATTERNS_CHARACTERS_MAX = 1 * MIB;
export const SUBSCRIBER_BUFFER_EVENTS_MAX = 64;
/** The bytes that are buffered for one slow subscriber. A single event of any size fits into an empty buffer. */
export const SUBSCRIBER_BUFFER_BYTES_MAX = 32 * MIB;
/**
 * The bytes in the buffers of all slow subscribers together. An event that several subscribers wait for counts once.
 */
export const SUBSCRIBERS_BEHIND_BYTES_MAX = 128 * MIB;
/**
 * The unsent bytes of all sockets and streams together. When they are exceeded, the next socket to which data is
 * written is closed.
 */
export const SOCKET_BUFFERS_BYTES_MAX = 256 * MIB;
export const SUBSCRIBER_MESSAGE_BYTES_MAX = 16 * KIB;
/**
 * A client's message of at most this size is received as a whole, so that the server can close the socket with code
 * 1009.
 */
export const SUBSCRIBER_MESSAGE_RECEIVED_BYTES_MAX = 1 * MIB;
/**
 * The frames of a WebSocket client in one second: messages, pings and pongs together. Each costs a call on the front,
 * whatever its size. A client has to send nothing but the answers to pings.
 */
export const SUBSCRIBER_FRAMES_PER_SECOND_MAX = 100;
export const SUBSCRIBER_IDLE_TIMEOUT_S = 120;
/** The time that a WebSocket client gets to answer a close frame. After that, its connection is cut. */
export const SOCKET_CLOSE_MS_MAX = 1_000;
export const SSE_COMMENT_INTERVAL_MS = 15_000;
export const LONG_POLL_WAIT_S_MAX = 60;
export const REPLAY_PAGE_EVENTS = 64;
/**
 * The events for subscribers are read in pages of this size. A page includes the event that exceeds it, so a page has
 * at most twice the size of a large event.
 */
export const EVENT_PAGE_CHARACTERS_MAX = 1 * MIB;
export const EVENT_PRUNE_INTERVAL_MS = 60_000;
export const EVENT_PRUNE_ROWS = 2_000;
export const EVENT_HISTORY_DEFAULT = 1_000;
/** Topics whose matching patterns the hub caches. */
export const TOPIC_CACHE_TOPICS_MAX = 4_096;
/** The most matches that all caches of topics hold together. The references to them take 2 MiB. */
export const TOPIC_CACHE_MATCHES_MAX = 262_144;

// Changes
/** The longest list of kinds in a client's request to watch changes. */
export const CHANGE_KINDS_BYTES_MAX = 1_024;
/** The most messages about changes that one client gets within CHANGE_WINDOW_MS. */
export const CHANGE_MESSAGES_MAX = 10;
export const CHANGE_WINDOW_MS = 1_000;
/** The most names of one kind in the report of a commit or a tick. No client gets more messages than this. */
export const CHANGE_NAMES_MAX = CHANGE_MESSAGES_MAX;
export const CHANGE_READERS_MAX = 1_000;

// State
export const STATE_HISTORY_DEFAULT = 1_000;
/**
 * Every version of a key whose number is a multiple of this is marked. So any version is found within this many steps.
 */
export const VERSION_MARK_INTERVAL = 64;

// Calls to other servers (webhooks, live tests of contracts)
export const OUTBOUND_URL_BYTES_MAX = 2048;
/** The time of a whole call to another server, from the DNS lookup to the last byte of the answer. */
export const OUTBOUND_DEADLINE_MS = 10_000;
/** The most calls to other servers that are in flight. Each may have an answer in memory. */
export const OUTBOUND_REQUESTS_MAX = 1024;
/**
 * The most open connections to other servers, of all callers together. If a sixth of the file descriptors is less, that
 * applies.
 */
export const OUTBOUND_CONNECTIONS_MAX = 2 * OUTBOUND_REQUESTS_MAX;
export const OUTBOUND_CONNECTIONS_PER_ORIGIN_MAX = 64;
export const OUTBOUND_ORIGINS_MAX = 4096;
export const OUTBOUND_IDLE_MS = 4_000;
export const OUTBOUND_HEADER_BYTES_MAX = 16 * KIB;
/**
 * The most DNS lookups at the same time. Each occupies one of the process's four I/O threads, and the log needs one of
 * them.
 */
export const OUTBOUND_LOOKUPS_MAX = 2;

// LLM usage
/** The most intervals (hours or days) in a series. By the hour, they span six weeks. */
export const USAGE_SERIES_INTERVALS_MAX = 1_000;
/** The most group sums in a series, over all intervals. The series is one text, with about 130 bytes for each sum. */
export const USAGE_SERIES_SUMS_MAX = 20_000;

// Instances
export const INSTANCES_MAX = 50_000;
/**
 * The limit on the memory of all instances. An instance counts with INSTANCE_BYTES, and its texts count twice, because
 * they are also stored as JSON.
 */
export const INSTANCES_BYTES_MAX = 128 * MIB;
export const INSTANCE_BYTES = 1 * KIB;
/** After this much silence, an instance that was never activated is deleted. */
export const PENDING_SILENCE_MS_MAX = 24 * 60 * 60 * 1000;
/** The interval at which the server searches for instances that were never activated and are now due to be deleted. */
export const PENDING_PRUNE_INTERVAL_MS = 10 * 60 * 1000;
/** A name, a workspace, a stack. */
export const INSTANCE_LABEL_BYTES_MAX = 256;
export const INSTANCE_INTENT_BYTES_MAX = 4 * KIB;
export const INSTANCE_CAPABILITIES_MAX = 64;
/** A silence of an instance that is shorter than this is ignored, because no claim ends so soon. */
export const INSTANCE_SILENCE_MS = 1_000;
/** The longest time for which an instance may announce that it will be silent. */
export const INSTANCE_BUSY_S_MAX = 3_600;
export const CAPABILITY_BYTES_MAX = 128;
export const INSTANCE_TOKEN_BYTES = 16;
/** The longest time that an activity record exists only in memory. */
export const INSTANCE_FLUSH_INTERVAL_MS = 5_000;
/**
 * In a cluster, the longest time that an activity record exists only in a node's memory. It is shorter than for a
 * single server, because the leader decides whether a claim has expired. It is also at most INSTANCE_SHARED_FLUSH_PART
 * of the time after which an instance counts as silent.
 */
export const INSTANCE_SHARED_FLUSH_INTERVAL_MS = 1_000;
export const INSTANCE_SHARED_FLUSH_PART = 1 / 4;
/**
 * In a cluster of several nodes, a claim lasts this much longer than its ttl, and an instance counts as silent this
 * much later. In this grace period, activity at another node becomes known. For silence, the grace is at most
 * SILENCE_SHARED_GRACE_PART of the time after which an instance counts as silent.
 */
export const CLAIM_SHARED_GRACE_MS = 2_000;
export const SILENCE_SHARED_GRACE_PART = 1 / 2;
/** The most rows of one flush, and of one call that marks instances stale. Other writes run in between. */
export const INSTANCE_FLUSH_ROWS = 1_000;
/** The number of instances of a list that the front writes in one tick. */
export const INSTANCE_LIST_PAGE = 250;

// Messages
/** The number of messages in one answer if the client names none; the same number for threads. */
export const MESSAGE_ROWS_DEFAULT = 100;
export const MESSAGE_ROWS_MAX = 10_000;
/** A page of more messages than this is read in the pool, because each message may be 128 KiB. */
export const MESSAGES_ON_FRONT_MAX = 16;
export const MESSAGE_SUBJECT_BYTES_MAX = 512;
export const MESSAGE_BODY_BYTES_MAX = 64 * KIB;
/** The data as JSON. */
export const MESSAGE_DATA_BYTES_MAX = 64 * KIB;
export const MESSAGE_THREAD_BYTES_MAX = 128;
export const MESSAGE_NOTE_BYTES_MAX = 4 * KIB;
export const MESSAGE_RECIPIENTS_MAX = 256;
/** The longest recipient of a message: a name or a workspace, with its prefix. */
export const MESSAGE_TO_BYTES_MAX = "workspace:".length + INSTANCE_LABEL_BYTES_MAX;
/** Unread messages in one in-box. */
export const IN_BOX_UNREAD_MAX = 1_000;
/** The most messages that one call marks. That is as many as a whole in-box has. */
export const MESSAGES_MARKED_MAX = IN_BOX_UNREAD_MAX;
export const MESSAGE_DAYS = 30;
export const MESSAGE_EXPIRES_S_MAX = MESSAGE_DAYS * 24 * 60 * 60;
export const MESSAGE_PRUNE_INTERVAL_MS = 60_000;
/** The most copies of messages that one call deletes. Other writes run in between. */
export const MESSAGE_PRUNE_COPIES = 2_000;

// Waiting
/** The characters of the queries of all waiting calls together. The index takes up to 32 bytes for each character. */
export const WAITING_CHARACTERS_MAX = 2 * MIB;
/** Conditions of one call. */
export const WAIT_CONDITIONS_MAX = 64;
/**
 * Limits the cost of matching one topic with all patterns of a call. A pattern costs one step for each of its segments.
 * A pattern with `**` costs as many steps as a topic may have segments.
 */
export const WAIT_PATTERN_STEPS_MAX = 32_768;
/** The longest data of one condition in a cursor. Most conditions take a tenth of it. */
export const WAIT_MARK_CHARACTERS_MAX = 2 * KIB;
export const WAIT_CURSOR_BYTES_MAX = 8 * KIB;
/**
 * The most claimable tasks that are compared to find the best one. If there are more, the ones that have waited longest
 * are compared.
 */
export const WAIT_TASKS_COMPARED_MAX = 250;
/** Instance names whose last owner is remembered. */
export const WAIT_NAMES_REMEMBERED_MAX = 10_000;
/** The front knows of a change after this time at the latest, unless the disk hangs. */
export const WAIT_SETTLED_MS = 5_000;
/**
 * The most stored events that are searched for a change that a client has missed between two calls. If there are more,
 * the server assumes that the client has missed one.
 */
export const WAIT_MISSED_EVENTS_MAX = 1_000;
/**
 * The most text of the events that are searched for missed changes. A client that publishes under a topic of the server
 * may publish long events.
 */
export const WAIT_MISSED_CHARACTERS_MAX = 8 * MIB;

// Sessions of the dashboard
/** The most open sessions. When one more is opened, the least recently used session ends. */
export const SESSIONS_MAX = 1_000;
export const SESSION_COOKIE_BYTES = 32;
export const SESSION_IDLE_MS = 12 * 60 * 60 * 1000;
/**
 * The longest time that a session's last use exists only in memory, and the interval at which expired sessions are
 * searched for.
 */
export const SESSION_FLUSH_INTERVAL_MS = 120_000;
/**
 * The most cookies with the session's name that are tried. There may be several, because another server on the same
 * host may have set one.
 */
export const SESSION_COOKIES_TRIED_MAX = 4;
export const LOG_IN_TOKEN_BYTES_MAX = 8 * KIB;
export const LOG_IN_BODY_BYTES_MAX = 64 * KIB;
/** After this many wrong tokens from one address within the window, the address must wait before it may try again. */
export const LOG_IN_WRONG_MAX = 10;
/**
 * The number of repeats of the same wrong bearer token that count as one guess, because such a token is mostly an
 * agent's outdated one.
 */
export const BEARER_REPEATS_A_GUESS = 20;
export const LOG_IN_WINDOW_MS = 60_000;
export const LOG_IN_PAUSE_MS = 60_000;
/** The most addresses whose wrong tokens are counted. One more address evicts the least recently seen one. */
export const LOG_IN_ADDRESSES_MAX = 10_000;
/**
 * The number of tokens of deleted instances that are remembered, because a client that still has such a token is not
 * guessing.
 */
export const ENDED_TOKENS_MAX = 10_000;
/** A server token that is shorter than this causes a warning. It is rejected if other machines can reach the server. */
export const SERVER_TOKEN_CHARACTERS_MIN = 16;

// Agent metrics
/** At most 10 s. */
export const AGENT_METRICS_FLUSH_INTERVAL_MS = 5_000;
/** Counters of one flush. */
export const AGENT_METRICS_FLUSH_ROWS = 1_000;
/** The most agents with counts that are not flushed. An agent counts once for each hour. */
export const AGENT_TALLIES_MAX = 100_000;
export const AGENT_METRICS_DAYS = 90;
export const AGENT_METRICS_PRUNE_ROWS = 2_000;

// Work of unknown cost
/** Work on at most this many bytes is first tried as short work, without a permit. */
export const SHORT_WORK_BYTES_MAX = 64 * KIB;
export const SHORT_WORK_DEADLINE_MS = 5_000;
/**
 * If work on a subject was done within this time, the subject no longer counts as slow. The same number is the time
 * limit of a short validation.
 */
export const SHORT_WORK_MS_MAX = 100;
export const LONG_WORK_TOGETHER_MAX = 1;
export const LONG_WORK_WAITING_MAX = 16;
/** The places of one caller. */
export const LONG_WORK_WAITING_OF_CALLER_MAX = 12;
/** The longest time that slow work waits for a permit. */
export const LONG_WAIT_MS_MAX = 5_000;
/** Subjects that are known to be slow. */
export const LONG_SUBJECTS_KEPT_MAX = 1_000;

// Rules and validation
export const RULE_PATTERN_BYTES_MAX = 4 * KIB;
/**
 * The sum of the counted repetitions of a pattern. It is checked before the pattern is compiled, because the compiler
 * writes out each repetition.
 */
export const RULE_REPETITIONS_MAX = 2_000;
/** The instructions of one compiled pattern. They are the highest cost of one character of a text. */
export const RULE_PROGRAM_INSTRUCTIONS_MAX = 5_000;
/** The instructions of all compiled patterns of a project. A pool worker must compile and keep them. */
export const PROJECT_PROGRAM_INSTRUCTIONS_MAX = 200_000;
export const PROJECT_RULES_MAX = 2_000;
/** Rules in one array. */
export const RULES_TOGETHER_MAX = 10_000;
export const RULE_NAME_BYTES_MAX = 256;
export const RULE_MESSAGE_BYTES_MAX = 4 * KIB;
export const RULE_CONTEXT_BYTES_MAX = 64 * KIB;
export const APPLIES_TO_GLOBS_MAX = 100;
/** The instructions of all compiled patterns that a pool worker keeps between validations. */
export const COMPILED_INSTRUCTIONS_KEPT_MAX = 1_000_000;
export const COMPILED_SETS_KEPT_MAX = 1_000;
/** The number of projects whose rule-set versions the front caches. When there are more, the cache is cleared. */
export const RULE_SET_VERSIONS_KEPT_MAX = 1_000;
/**
 * The largest automaton of a cached pattern, in bytes as the engine reports them. A larger automaton is dropped and
 * built again.
 */
export const AUTOMATON_BYTES_KEPT_MAX = 64 * KIB;
/**
 * The most steps of a short validation. If it takes more, it starts again as a long validation. A step is one
 * instruction for one character, and takes about 20 ns.
 */
export const VALIDATION_SHORT_STEPS_MAX = 4_000_000;
/**
 * The longest answer of a short validation. A longer answer is made again as a stream, because as one text it would
 * block the front.
 */
export const VALIDATION_SHORT_ANSWER_CHARACTERS_MAX = 256 * KIB;
export const VIOLATIONS_LISTED_MAX = 100_000;
/** The JSON of all violations in one answer, in bytes of UTF-8. */
export const VIOLATIONS_LISTED_BYTES_MAX = 16 * MIB;

// Contracts
/** The deepest nesting of objects and arrays in a contract, in a payload or in a service's answer. */
export const CONTRACT_DEPTH_MAX = 256;
export const CONTRACT_VIOLATIONS_MAX = 1_000;
/** Paths and messages together. */
export const CONTRACT_VIOLATIONS_CHARACTERS_MAX = 1 * MIB;
/** A violation's path. */
export const CONTRACT_PATH_CHARACTERS_MAX = 1024;
/**
 * The longest message of a violation. It lists the most names that it may list, and each name has its greatest length.
 */
export const CONTRACT_MESSAGE_CHARACTERS_MAX = 32 * KIB;
/** The most names, or values of an enum, in one message. */
export const CONTRACT_NAMES_LISTED_MAX = 100;
/** A payload's value in a message. */
export const CONTRACT_VALUE_CHARACTERS_MAX = 200;
/** The longest text of one JSON Schema, because the schema is compiled. */
export const CONTRACT_SCHEMA_CHARACTERS_MAX = 128 * KIB;
/** A string that is longer than this fails every `format` whose check backtracks. */
export const CONTRACT_FORMAT_CHARACTERS_MAX = 2 * KIB;
/**
 * The largest payload that is checked against a JSON Schema for all violations, because all of them are kept in memory.
 * For a larger payload, the check ends at the first violation.
 */
export const CONTRACT_ALL_ERRORS_CHARACTERS_MAX = 256 * KIB;
/**
 * The most compiled contracts that a pool worker keeps. CONTRACTS_KEPT_BYTES_MAX limits the texts from which they were
 * read.
 */
export const CONTRACTS_KEPT_MAX = 256;
export const CONTRACTS_KEPT_BYTES_MAX = 16 * MIB;
/** The instructions of all patterns of one JSON Schema. The patterns are compiled before a payload is checked. */
export const CONTRACT_PATTERN_INSTRUCTIONS_MAX = 50_000;
/**
 * The budget of steps to check a payload: this number, and CONTRACT_STEPS_A_CHARACTER for each character, but at most
 * CONTRACT_STEPS_MAX. A step takes some tens of nanoseconds. A check that would take more steps is rejected.
 */
export const CONTRACT_STEPS_LEAST = 200_000;
export const CONTRACT_STEPS_A_CHARACTER = 64;
export const CONTRACT_STEPS_MAX = 64_000_000;
/** If a check takes longer than this in spite of its budget of steps, it is aborted and its thread is replaced. */
export const CONTRACT_DEADLINE_MS = 5_000;
/** The most live tests in flight. Each may have an answer in memory. */
export const CONTRACT_TESTS_MAX = 16;
export const CONTRACT_ANSWER_BYTES_MAX = 10 * MIB;

// PostgreSQL as a log
export const POSTGRES_CONNECT_MS_MAX = 5_000;
/**
 * The time for a statement that transfers no data. Data gets additional time, at the rate POSTGRES_BYTES_PER_MS_MIN.
 */
export const POSTGRES_ANSWER_MS_MAX = 5_000;
export const POSTGRES_BYTES_PER_MS_MIN = 4 * KIB;
/** The interval at which the log is read even if no notification came, because a server that is lost sends none. */
export const POSTGRES_PROBE_INTERVAL_MS = 1_000;
export const POSTGRES_PROBE_MS_MAX = 4_000;
/** After this time, the server aborts a statement, in case its client is lost. */
export const POSTGRES_STATEMENT_MS_MAX = 30_000;
/** The time limit to create a log again. It is long, because one transaction deletes the whole old log. */
export const POSTGRES_CREATE_MS_MAX = 600_000;
/** The time that a server gets to close a connection. */
export const POSTGRES_CLOSE_MS_MAX = 1_000;
/** The time of silence after which the operating system probes a connection. */
export const POSTGRES_KEEPALIVE_MS = 10_000;
/**
 * The most entries of one page; POSTGRES_PAGE_BYTES limits their bytes. An entry that is larger is read in parts of
 * that size.
 */
export const POSTGRES_PAGE_ROWS = 256;
export const POSTGRES_PAGE_BYTES = 1 * MIB;
/** The log entries that one statement deletes. */
export const POSTGRES_TRIM_ROWS = 256;
export const POSTGRES_TRIM_BYTES = 16 * MIB;
export const POSTGRES_SNAPSHOT_PIECE_BYTES = 512 * KIB;
/** The number of pieces of a snapshot that one statement deletes. */
export const POSTGRES_SNAPSHOT_SWEEP_PIECES = 32;
/** A credentials file. */
export const POSTGRES_CREDENTIALS_BYTES_MAX = 64 * KIB;

// Webhooks
export const WEBHOOKS_MAX = 1_000;
export const WEBHOOK_ID_BYTES_MAX = 256;
export const WEBHOOK_SECRET_BYTES_MAX = 1024;
export const WEBHOOK_PATTERNS_MAX = 100;
/** The characters of the patterns of all webhooks together; subscribers have the same kind of limit. */
export const WEBHOOK_PATTERNS_CHARACTERS_MAX = 1 * MIB;
export const WEBHOOK_QUEUE_ROWS_MAX = 10_000;
/** The bytes of a webhook's queue. A single event of any size fits into an empty queue. */
export const WEBHOOK_QUEUE_BYTES_MAX = 64 * MIB;
/** The time of one delivery attempt, from the DNS lookup to the last byte of the answer. */
export const WEBHOOK_TIMEOUT_MS = 10_000;
/**
 * The most bytes of a receiver's answer that are read. Only its status counts; the rest is read so that the connection
 * can be reused.
 */
export const WEBHOOK_ANSWER_BYTES_MAX = 256 * KIB;
/**
 * The number of consecutive failures after which a webhook is disabled. With the longest delay between attempts, they
 * take at least three days.
 */
export const WEBHOOK_FAILURES_MAX = 400;
/**
 * The budget of an event's failures, after which it becomes a dead letter. An answer such as 503, or no answer in time,
 * costs one, so the budget lasts at least a day. An answer that rejects the event (a 3xx or 4xx) costs
 * WEBHOOK_REFUSAL_COST, so the budget lasts about an hour. A receiver that cannot be reached costs nothing.
 */
export const WEBHOOK_EVENT_BUDGET = 144;
export const WEBHOOK_REFUSAL_COST = 9;
/** The most dead letters of one webhook. Their bodies have the same limit as the bodies in its queue. */
export const WEBHOOK_DEAD_LETTERS_MAX = 100;
/** Deliveries in the log of one webhook. */
export const WEBHOOK_LOG_ROWS = 100;
/** The longest message of a failed delivery, which becomes a webhook's `last_error`. */
export const WEBHOOK_ERROR_CHARS_MAX = 300;
/**
 * The most deliveries in a chain, in which each delivery led to the next event. A webhook that would make the chain
 * longer is disabled.
 */
export const WEBHOOK_HOPS_MAX = 16;
/**
 * The least delay of the first retry. The delay is chosen at random between this and WEBHOOK_RETRY_MS_MAX. It doubles
 * with each further retry.
 */
export const WEBHOOK_RETRY_MS_MIN = 300;
export const WEBHOOK_RETRY_MS_MAX = 400;
export const WEBHOOK_RETRY_DELAY_MS_MAX = 15 * 60_000;
/** A receiver's `Retry-After` is obeyed up to this time. A longer one is shortened to it. */
export const WEBHOOK_RETRY_AFTER_MS_MAX = 60 * 60_000;
/** A redirect's `Location` in `last_error`. */
export const WEBHOOK_LOCATION_CHARS_MAX = 200;
/**
 * The most webhook requests in flight. Each webhook may have one, so no receiver waits for another one if there are
 * enough descriptors.
 */
export const WEBHOOK_REQUESTS_MAX = WEBHOOKS_MAX;
/** The most deliveries that start in one tick of the front. */
export const WEBHOOK_STARTS_PER_TICK = 8;
/** The most deliveries whose results are not stored yet. After a crash, these deliveries are repeated. */
export const WEBHOOK_PROGRESS_ROWS = 256;
/** A body of at most this size is always sent. Larger bodies share the limit WEBHOOK_BODIES_BYTES_MAX. */
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
/** The most pairs of an instance and a contract in one job. */
export const COMPLIANCE_PAIRS_MAX = 100;
/**
 * The time after which a job returns the results that it has. If a single pair takes longer, the job checks only that
 * pair.
 */
export const COMPLIANCE_STEP_MS = 20;
export const COMPLIANCE_STEP_CHARACTERS_MAX = 256 * KIB;
/** The most violations of one run that are listed, stored and published. */
export const COMPLIANCE_VIOLATIONS_MAX = 100;
export const COMPLIANCE_VIOLATIONS_CHARACTERS_MAX = 16 * KIB;
export const COMPLIANCE_RUNS_KEPT_MAX = 100_000;
export const COMPLIANCE_ROWS_DEFAULT = 50;
/** The size of the runs in one answer. If there are more runs, only the history has all of them. */
export const COMPLIANCE_ANSWER_CHARACTERS_MAX = 16 * MIB;
/** The longest time that an answer waits for its check. After that, the answer is sent and the check continues. */
export const COMPLIANCE_WAIT_MS = 25_000;

// Audit and logs
/** The time for which repeats of a rejected call are counted in the audit row of the first one. */
export const AUDIT_REPEAT_MS = 60_000;
/**
 * The most audit rows of rejected calls within AUDIT_REPEAT_MS, of one caller and one route. The next two limits are
 * those of one caller and of all callers.
 */
export const AUDIT_REFUSAL_ROWS_OF_CALL_MAX = 64;
export const AUDIT_REFUSAL_ROWS_OF_CALLER_MAX = 150;
export const AUDIT_REFUSAL_ROWS_MAX = 400;
/**
 * The most audit rows of all calls without a valid token. They come in addition to the rows of rejected calls above.
 */
export const AUDIT_UNAUTHENTICATED_ROWS_PER_MINUTE_MAX = 100;
/**
 * The longest time that a count exists only in memory. The next limit is the longest time that a reader of the audit
 * log waits until the counts are stored.
 */
export const AUDIT_COUNT_DELAY_MS = 10_000;
export const AUDIT_COUNT_WAIT_MS = 1_000;
/** The `resource` of a refused call. */
export const AUDIT_RESOURCE_CHARACTERS_MAX = 4 * KIB;
export const AUDIT_DETAIL_BYTES_MAX = 4 * KIB;
export const LOG_BUFFER_BYTES_MAX = 16 * MIB;
/** Lines that are written together. */
export const LOG_BLOCK_BYTES = 64 * KIB;
/** The longest time that a log line waits for other lines that are written with it. */
export const LOG_DELAY_MS = 100;
export const LOG_FLUSH_MS_MAX = 500;

// Metrics
export const TOKENS_PER_MCP_CALL = 300;

// MCP
/**
 * The largest body of a request. No message needs more, because the longest argument of a tool is the context of a
 * rule.
 */
export const MCP_BODY_BYTES_MAX = 1 * MIB;
/**
 * The most values in a body. A batch of tool calls has some twenty values for each message. The bound matters because
 * the protocol's library copies each object several times on the front, including the names.
 */
export const MCP_VALUES_MAX = 4_000;
/** Messages in one JSON-RPC batch. */
export const MCP_BATCH_MESSAGES_MAX = 100;
/** The longest id of a message, and the longest name in it, in UTF-16 units. */
export const MCP_NAME_CHARACTERS_MAX = 1024;
/**
 * The size of all answers of one batch together. A call whose answer does not fit gets an error; the others get their
 * answers.
 */
export const MCP_BATCH_BYTES_MAX = 4 * MIB;
/**
 * All batches and all bodies of more than FRONT_JSON_BYTES_MAX in progress together, with the answers of the batches. A
 * body that does not fit is refused.
 */
export const MCP_BATCHES_BYTES_MAX = 32 * MIB;
/**
 * The most open streams that wait for changes of the tools. The tools never change, so no client needs such a stream.
 */
export const MCP_LISTENERS_MAX = 64;
/**
 * The longest result of a tool. A longer one would fill any model's context, so the tool rejects the call and asks for
 * a filter.
 */
export const MCP_RESULT_CHARACTERS_MAX = 4 * MIB;
/**
 * The most tokens that `tools/list` takes in a model's context, all tools together. The next limit is that of
 * MCP_INSTRUCTIONS.
 */
export const MCP_TOOLS_TOKENS_MAX = 750;
/** The part of it for the instructions. */
export const MCP_INSTRUCTIONS_TOKENS_MAX = 60;
/** The most instances that `discover_instances` lists. For the others it gives only their number. */
export const MCP_INSTANCES_MAX = 50;
/** The cost of the answer of `get_endpoints`. */
export const MCP_ENDPOINTS_TOKENS_MAX = 1_200;
/** The time for which a client may cache the list of tools. The list changes only with the server's version. */
export const MCP_TOOLS_KEPT_MS = 60 * 60 * 1000;
/** Requests of the stdio bridge in flight. */
export const CLI_BRIDGE_REQUESTS_MAX = 32;
/** One line of the bridge's stdin. */
export const CLI_BRIDGE_LINE_BYTES_MAX = BODY_BYTES_MAX;

// Command line
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
export const SETTINGS_BYTES_MAX = 1 * MIB;
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
