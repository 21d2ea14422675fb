/**
 * Every bound of the system in one place, the unit last in its name. Relations between bounds are
 * asserted at load, so that changing one cannot silently break another.
 */

const KIB = 1024;
const MIB = 1024 * KIB;

// File descriptors
/** What the server itself may open once it listens: threads, handles of the database, files. */
export const OWN_DESCRIPTORS_MAX = 128;
/** Where there are no more than this, all modules are loaded at the start. */
export const FEW_DESCRIPTORS = 512;
/** How often at most the log says that there are none left. */
export const SHORTAGE_REPORT_MS = 60_000;

// Requests and values
export const BODY_BYTES_MAX = 10 * MIB;
/** What a refusal repeats of a name or a text that was sent, in UTF-16 units. */
export const QUOTED_CHARACTERS_MAX = 100;
/** The sentence of a refusal: the longest key fits, each of whose characters may take two units, and a line of them. */
export const REFUSAL_CHARACTERS_MAX = 8_192;
/**
 * A refused body is read and thrown away up to this size, so that the client sees the answer; then its connection is
 * cut.
 */
export const REFUSED_BODY_BYTES_MAX = 64 * MIB;
/**
 * A client that has its refusal and sends on is read for so long, and so much is taken in: a connection that is closed
 * with bytes unread is reset, and the answer may be lost with it.
 */
export const REFUSED_LINGER_MS = 2_000;
export const REFUSED_LINGER_BYTES_MAX = 64 * MIB;
/**
 * How long a client may take to read a short answer with which its connection ends, where it does not end it itself.
 */
export const CLOSING_LINGER_MS = 100;
/**
 * So long uWebSockets.js reads nothing behind a chunked body: what it takes for no request it answers with an error of
 * its own, also while the request before is being carried out.
 */
export const QUIET_AFTER_CHUNKS_MS = 1_000;
/**
 * In a cluster, who may have been registered at another node just now keeps their body until that is known. So much of
 * one may be here all the same: uWebSockets.js reads 512 KiB at once.
 */
export const HELD_BODY_BYTES_MAX = 512 * KIB;
/** Of all bodies together that are held back. */
export const HELD_BODIES_BYTES_MAX = 32 * MIB;
/**
 * A longer JSON body is read in the pool: 10 ms of the front are gone with so many bytes of distinct names, which take
 * more than linear time.
 */
export const FRONT_JSON_BYTES_MAX = 64 * KIB;
/** Of a body that is read for the front: a byte or two of JSON may be a value, which takes a hundred in memory. */
export const JSON_VALUES_MAX = 500_000;
export const JSON_DEPTH_MAX = 100_000;
/** All request bodies that are being received or waiting for the writer, together. */
export const BODIES_IN_MEMORY_BYTES_MAX = 256 * MIB;
export const KEY_BYTES_MAX = 1024;
/** Names that are stored beside what they name: providers, models, projects, tags. */
export const LABEL_BYTES_MAX = 1024;
export const TOPIC_BYTES_MAX = 256;
export const PATTERN_BYTES_MAX = 1024;
/** What one glob with braces stands for: a glob of a rule, or a resource. */
export const GLOB_ALTERNATIVES_MAX = 64;
/** What the globs of one rule, and the resources of one lease or task, stand for together. */
export const ALTERNATIVES_TOGETHER_MAX = 256;
export const SOURCE_BYTES_MAX = 256;
export const CONTENT_TYPE_BYTES_MAX = 256;
export const PAGE_ROWS_MAX = 10_000;
/**
 * The items of a list in one answer, together: it ends before the first that no longer fits, and says where it goes on.
 */
export const LIST_BYTES_MAX = 32 * MIB;
export const HISTORY_ROWS_DEFAULT = 50;
export const AUDIT_ROWS_DEFAULT = 50;
export const EVENT_ROWS_DEFAULT = 50;
export const USAGE_ROWS_DEFAULT = 50;
export const PUBLISH_EVENTS_MAX = 1000;

// Pages of other origins
/** How long a browser may remember what a page may send; Chrome takes at most two hours. */
export const PREFLIGHT_MAX_AGE_S = 600;

/** A client's own name for a call, by which the same call again is answered with the same thing. */
export const REQUEST_ID_BYTES_MAX = 128;
/** For how long. */
export const REQUEST_MEMORY_MS = 600_000;
/** Expired records that are deleted with each record that is stored. */
export const IDEMPOTENCY_PRUNE_ROWS = 4;

// Claims: leases and tasks
/** Of all instances together, held or waiting. */
export const LEASES_MAX = 10_000;
export const LEASES_OF_HOLDER_MAX = 1_000;
/** What leases take in the writer's memory, all together and of one instance; the front has them once more. */
export const LEASES_BYTES_MAX = 64 * MIB;
export const LEASES_OF_HOLDER_BYTES_MAX = 16 * MIB;
/** Of a lease beside its resources. */
export const LEASE_BYTES = 1 * KIB;
export const LEASE_RESOURCES_MAX = 64;
/** Characters behind the literal beginnings of the globs of a request, of all of its alternatives together. */
export const GLOB_CHARACTERS_TOGETHER_MAX = 4_096;
/**
 * Steps that it may take to compare a request's globs with those that are leased or wait, of about 40 ns each. What
 * would take more is refused.
 */
export const GLOB_STEPS_MAX = 200_000;
export const RESOURCE_BYTES_MAX = 512;
/** How many conflicts a refusal tells of. */
export const LEASE_CONFLICTS_MAX = 100;
export const LEASE_TTL_S_DEFAULT = 600;
export const CLAIM_TTL_S_MAX = 86_400;
/** Tasks that a claim which got none is told of, because what they need is held. */
export const CLAIM_BUSY_MAX = 10;
/** How long a claim lasts at most, however alive its holder is. */
export const CLAIM_MAX_S_DEFAULT = 14_400;
export const CLAIM_MAX_S_MAX = 86_400;
/** How long a claim is kept for one who waited for it and was not heard of since. */
export const CLAIM_OFFER_MS = 30_000;
/** What every live claim has at least when a server starts: who holds it could not be heard before. */
export const CLAIM_RESTART_MS = 15_000;
/** Among how many audit rows the front looks for one by itself. */
export const AUDIT_LOOKED_AT_MAX = 10_000;
/** How far stored times may be ahead of the machine's clock at a start without being taken for wrong. */
export const CLOCK_LEAD_MS_MAX = 1_000;
/** From how long on the server counts as not having run between two ticks. */
export const RUN_PAUSE_MS_MIN = 500;
/** What every live claim has at least then: so many times as long, at most CLAIM_RESTART_MS. */
export const RUN_PAUSE_GRACE_FACTOR = 5;
/** How many claims one call of the writer ends. */
export const CLAIMS_ENDED_TOGETHER = 100;
/** Reasons, notes, errors, questions and answers. */
export const REMARK_BYTES_MAX = 4 * KIB;
export const CHECK_PATHS_MAX = 1_000;
export const CHECK_PATH_BYTES_MAX = 1_024;
/** How long a call may wait, in seconds. */
export const WAIT_S_MAX = 60;
export const LEASE_ROWS_DEFAULT = 100;
/** Leases that have ended are read in pages of so many; others are served in between. */
export const LEASE_LIST_PAGE = 1_000;
/** Ended leases are kept for so long: who held what when a commit was made is asked later. */
export const LEASE_KEEP_MS = 7 * 86_400_000;
export const LEASE_PRUNE_INTERVAL_MS = 3_600_000;
export const LEASE_PRUNE_ROWS = 1_000;

// Tasks
/** That have not ended. */
export const TASKS_MAX = 100_000;
/** What they take in the writer's memory; the front has those that are ready once more. */
export const TASKS_BYTES_MAX = 192 * MIB;
/** Of a task beside its texts and resources. */
export const TASK_BYTES = 1 * KIB;
/** How many one call makes. */
export const TASKS_CREATED_MAX = 1_000;
export const TASK_ID_CHARACTERS_MAX = 128;
export const TASK_TITLE_BYTES_MAX = 512;
export const TASK_BODY_BYTES_MAX = 64 * KIB;
/** Data, result and checkpoint, as JSON. */
export const TASK_VALUE_BYTES_MAX = 64 * KIB;
export const TASK_LABELS_MAX = 32;
export const TASK_LABEL_BYTES_MAX = 128;
export const TASK_AFTER_MAX = 64;
/** What all tasks of one call wait for together. Each reference is a lookup and a row of the call's transaction. */
export const TASKS_AFTER_TOGETHER_MAX = 10_000;
/** Tasks that wait for the same one. All of them become ready in the transaction in which that one is done. */
export const TASK_WAITERS_MAX = 2_000;
/** Events that one call makes of tasks which cannot go on because of it, or can again: those of the oldest tasks. */
export const TASKS_STUCK_TOLD_MAX = 2_000;
/** Steps after which a claim that has found no task goes on in another transaction. */
export const CLAIM_STEPS_MAX = 1_024;
/** What it takes to look at the resources of a task, beside comparing them. A task that is passed over takes 1. */
export const CLAIM_LOOK_STEPS = 4;
/** The same of the front, which looks whom it is worth waking and what to tell of tasks that are busy. */
export const TASK_OFFER_STEPS_MAX = 65_536;
export const TASK_PRIORITY_DEFAULT = 5;
export const TASK_PRIORITY_MAX = 9;
/** A task that waits gains a priority each time. */
export const TASK_AGING_MS = 600_000;
export const TASK_ATTEMPTS_DEFAULT = 3;
export const TASK_ATTEMPTS_MAX = 100;
/** What was lost or has failed once waits so long, and each time four times as long. */
export const TASK_BACKOFF_MS = 1_000;
export const TASK_BACKOFF_FACTOR = 4;
export const TASK_BACKOFF_MS_MAX = 3_600_000;
/** For how long a task that was answered is kept for who has asked. */
export const TASK_RESERVED_MS = 60_000;
export const TASK_ROWS_DEFAULT = 100;
/** How many of those that a task waits for are looked at to say why it cannot go on. */
export const TASK_CAUSES_LOOKED_AT_MAX = 256;
/** Of those together: how often one is named as what another waits for. */
export const TASK_CAUSE_EDGES_MAX = 2_048;
/** How many turns of a task it tells of, the newest; and how many tasks that wait for it, the oldest. */
export const TASK_HISTORY_MAX = 1_000;
export const TASK_DEPENDENTS_MAX = 1_000;
export const TASK_RETENTION_MS_DEFAULT = 30 * 86_400_000;
export const TASK_PRUNE_INTERVAL_MS = 3_600_000;
export const TASK_PRUNE_ROWS = 500;

// Timeouts of a connection, and its bounds
/** Of all headers of a request together, its line included (on Node's own transport). */
export const HEADER_BYTES_MAX = 16 * KIB;
/** How long a connection is kept for its next request (on Node's own transport). */
export const IDLE_CONNECTION_MS = 60_000;
export const REQUEST_TIMEOUT_MS = 10_000;
/**
 * Until the answer begins: kept by the deadlines of the RPC, below. Long polls and streams wait longer by their nature.
 */
export const RESPONSE_TIMEOUT_MS = 30_000;
export const SHUTDOWN_DRAIN_MS = 5_000;

// RPC
/** Bytes up to this length travel between threads as a string. */
export const INLINE_BYTES_MAX = 16 * KIB;
/** Calls that travel in one message at most: few enough that the writer works while the front still reads. */
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
/** How long past its deadline a call waits for the writer's word on whether it was carried out. */
export const OUTCOME_GRACE_MS = 2_000;
export const DEADLINE_SWEEP_MS = 100;
/**
 * How far a stream may run ahead of the client that reads it: so far that a long list is in the front's
 * memory before a slow client has taken it, and the pool's worker is free again.
 */
export const STREAM_CREDIT_CHUNKS = 128;
export const STREAM_CHUNK_CHARACTERS = 64 * KIB;
/** A longer chunk travels in pieces, each of which takes a credit. */
export const STREAM_PIECE_CHARACTERS_MAX = 2 * STREAM_CHUNK_CHARACTERS;

// Writer
export const BATCH_CALLS_MAX = 512;
export const BATCH_BYTES_MAX = 16 * MIB;
export const WRITER_RESTART_DELAY_MS = 100;
export const WRITER_RESTART_DELAY_MS_MAX = 5_000;
/** Of state, and of specs as many. */
export const HEAD_CACHE_KEYS_MAX = 32_768;
export const WAL_CHECKPOINT_PAGES = 1_000;
export const SQLITE_BUSY_TIMEOUT_MS = 5_000;
/**
 * Pages that a read-only handle keeps; with SQLite's own 2 MiB a list on a full store read its pages anew each time.
 */
export const SQLITE_READ_CACHE_KIB = 8 * 1024;

// Cluster
/** A batch as an entry of the log: of bytes that JSON writes as six characters each, it is larger than its weight. */
export const ENTRY_BYTES_MAX = 64 * MIB;
/**
 * A node's callers who were just answered call again: their calls and those that wait share an entry, for which it
 * waits as long as the one before took, and so long at most.
 */
export const ENTRY_GATHER_MS_MAX = 10;
/** A larger entry is appended by its own node: what is saved by sharing a message is little beside what it holds. */
export const FORWARD_BYTES_MAX = 128 * KIB;
/** Entries of several nodes share a message of at most this many bytes, which is below NATS's default of 1 MiB. */
export const BUNDLE_BYTES_MAX = 512 * KIB;
/** After a bundle has come back, the next one waits at most this long for the nodes that had entries in it. */
export const BUNDLE_LINGER_MS_MAX = 20;
/** A node appends an entry itself that it has forwarded and that is not in the log after this time. */
export const FORWARD_RETURN_MS_MAX = 1_000;
/** It then forwards nothing for at least this long. */
export const FORWARD_PAUSE_MS = 2_000;
/** Entries that have come are carried out together, so many and about so many bytes at most. */
export const ENTRIES_TOGETHER_MAX = 64;
export const ENTRIES_TOGETHER_BYTES_MAX = 4 * MIB;
/** A node that holds more entries than this many bytes reads no further until it has carried out half of them. */
export const ENTRIES_WAITING_BYTES_MAX = 16 * MIB;
/**
 * An entry that has ended the program so often while it was carried out alone is not tried again. With the death that
 * it came with, and that among others, these are five: systemd starts a program five times in ten seconds.
 */
export const ENTRY_DEATHS_MAX = 3;
/** How many outcomes a node keeps to compare others' with. */
export const OUTCOMES_KEPT_MAX = 4_096;
/** A node of which nothing was heard for so long may be replaced by another one of its name. */
export const NODE_SILENCE_MS = 10_000;
/** A node of which nothing was heard for so long is one no more, when another one comes. */
export const NODE_FORGOTTEN_MS = 86_400_000;
/** So often a node says that it is there, where it has nothing else to say. */
export const NODE_BEAT_MS = 2_000;
/** Clocks of nodes that differ by no more than this agree. */
export const CLOCK_TOLERANCE_MS = 1_000;
/** A node whose clock is ahead of the others' by more than this does not stand for leader, and warns. */
export const CLOCK_ASTRAY_MS = 10_000;
/** How fast the log's time runs while it is ahead of most nodes' clocks: it comes back without going back. */
export const LOG_CLOCK_SLOW_RATE = 0.9;
/** When nothing was heard of the leader for so long, another node wants to lead. */
export const LEADER_SILENCE_MS = 6_000;
/** A node that has not looked for longer than this was held up itself: nobody was silent meanwhile. */
export const NODE_HELD_MS = 1_000;
/** An entry that was appended and does not come back after so long: the connection is opened anew. */
export const ENTRY_RETURN_MS_MAX = 5_000;
/** How long the log may be away before the node calls itself cut off. */
export const CUT_OFF_MS = 10_000;
/** A log that has ended for so long before what a node has carried out went back, whoever tells of it. */
export const LOG_WENT_BACK_MS = 15_000;
export const LOG_REOPEN_DELAY_MS = 100;
export const LOG_REOPEN_DELAY_MS_MAX = 1_000;
/** A snapshot is made when the log has grown by so much, and so long after the one before at the earliest. */
export const SNAPSHOT_ENTRIES = 100_000;
export const SNAPSHOT_LOG_BYTES = 64 * MIB;
export const SNAPSHOT_INTERVAL_MS = 600_000;
export const SNAPSHOT_RETRY_MS = 30_000;
export const SNAPSHOTS_KEPT = 2;
/** How long other nodes wait for the one that led to make a snapshot that newer programs need. */
export const SNAPSHOT_DEPUTY_MS = 3_000;
/** How long a request waits until this node has come as far as it asks. */
export const POSITION_WAIT_MS = 5_000;
/** How long a start waits until the node can be written to; then it listens all the same. */
export const NODE_START_MS = 3_000;
/** How often a node looks at what is due. */
export const NODE_TICK_MS = 100;
/** What could not be carried out because of this node's disk is tried again after so long. */
export const ENTRY_RETRY_MS = 1_000;
/** A node that is behind by more entries than this does not say that it is well. */
export const NODE_LAG_ENTRIES_MAX = 1_000;

// The ordered log of a cluster
export const LOG_CONNECT_MS_MAX = 3_000;
/** How long the log's server may take to answer a request, and to say that it has stored an entry. */
export const LOG_ANSWER_MS_MAX = 5_000;
/** A large entry has longer: what a slow line between the servers carries. */
export const LOG_ANSWER_BYTES_PER_S_MIN = 4 * MIB;
/** How long a log may take to tell its state: then another server is asked. */
export const LOG_STATE_MS_MAX = 2_000;
/** Servers that elect a leader drop what they are asked: until there is an answer they are asked once more so often. */
export const LOG_ASK_AGAIN_MS = 500;
/** How often a node asks how the log's copies are. */
export const LOG_LOOK_MS = 10_000;
/** The server gives a sign of life this often where there is nothing to deliver. */
export const LOG_HEARTBEAT_MS = 1_000;
/** After so many that did not come the session is lost. */
export const LOG_HEARTBEATS_MISSED_MAX = 3;
/** Messages that the server stores together or not at all; its own bound. */
export const LOG_PIECES_MAX = 1_000;
/** What is left of a message for the headers of a piece. */
export const LOG_PIECE_HEADER_BYTES = 512;
/** What a put of a snapshot that broke off has left is removed when it is so old: another may still be under way. */
export const LOG_SNAPSHOT_REMAINS_MS = 600_000;

// Pool
export const POOL_THREADS_MIN = 1;
export const POOL_THREADS_MAX = 3;
/** Of jobs whose cost nobody can say beforehand: they leave the pool a thread for the others. */
export const POOL_UNBOUNDED_TOGETHER_MAX = 2;
export const POOL_QUEUE_MAX = 256;
/** Of one caller. */
export const POOL_QUEUE_OF_CALLER_MAX = 192;
/** What their requests weigh together; one of any size fits an empty queue. */
export const POOL_QUEUE_BYTES_MAX = 64 * MIB;
/** A job that has waited longer for a thread is refused: what it is part of has to be answered in time. */
export const POOL_WAIT_MS_MAX = 5_000;
/** How long a thread may take to load its modules; a job that waits for it has its deadline from then on. */
export const POOL_START_MS_MAX = 20_000;
export const POOL_IDLE_MS = 30_000;
/** What is done of a batch is told when so long nothing was, even if more is to come. */
export const POOL_ANSWERS_HELD_MS_MAX = 2;
/** A batch of short jobs that answers nothing for so long is not that short: all but one are carried out elsewhere. */
export const POOL_BATCH_PATIENCE_MS = 20;
export const POOL_HEAP_MIB_MAX = 512;
export const DIFF_BYTES_MAX = 64 * MIB;
/** Lines in which two texts may differ for their common ones to be found: the work grows with the square of it. */
export const LINE_EDITS_MAX = 1_000;

/** How often the database's files are looked at: whether they are there still, and the same. */
export const STORAGE_WATCH_INTERVAL_MS = 1_000;

// Backup
/** Snapshots that are read at once: each has a thread of its own, so that none takes the pool's. */
export const BACKUPS_AT_ONCE_MAX = 2;
/** How long a reader of a snapshot may take nothing. */
export const BACKUP_STALL_MS = 60_000;
/** A line of a snapshot: the largest value, each of its bytes six characters of JSON. */
export const RESTORE_LINE_BYTES_MAX = 64 * MIB;
/** How long the writer may take to copy a snapshot that was checked: gigabytes, on a slow disk. */
export const RESTORE_DEADLINE_MS = 1_800_000;
/** How far a streamed body may be ahead of its reader. */
export const BODY_AHEAD_BYTES_MAX = 1 * MIB;

// Process
/** How much a thread's heap may gain on what the last collection left, before the next. */
export const HEAP_GROWTH_PERCENT = 50;

// Front
/** Requests that are not answered yet, long polls and streams included. */
export const REQUESTS_IN_FLIGHT_MAX = 16_384;
/** A longer answer to a request with a body that nobody asked for waits until that has come. */
export const PROMPT_ANSWER_BYTES_MAX = 4 * KIB;
/** A longer answer is written as its reader takes it, and counts as in flight until it is sent. */
export const WHOLE_ANSWER_BYTES_MAX = 256 * KIB;
/** All of these together, and what streamed answers may be ahead of their readers. */
export const ANSWERS_IN_MEMORY_BYTES_MAX = 256 * MIB;
/** How far an answer that the front makes piece by piece may be ahead: a page of instances. */
export const PIECED_ANSWER_BYTES = 1 * MIB;
export const HOT_CACHE_BYTES_MAX = 64 * MIB;
/** A larger value is read from the database each time: it would push out many small ones. */
export const HOT_CACHE_VALUE_BYTES_MAX = 256 * KIB;
/** A list that turns out to be longer than this is begun anew in the pool. */
export const FRONT_READ_CHARACTERS_MAX = 512 * KIB;
/** Reads of at most so many rows run on the front's own handle; longer ones in the pool. */
export const FRONT_READ_ROWS_MAX = 100;
/**
 * Over uWebSockets.js a turn of the event loop answers requests as they are read until it has answered so many and taken
 * so long; the others are answered in the next turn, one a connection.
 */
export const ANSWERS_PER_TICK = 64;
export const ANSWERS_TICK_MS = 20;
/** What work in pieces takes of a turn of the event loop before others have theirs. */
export const TIME_SLICE_MS = 5;

// Events
/** WebSockets, event streams and long polls that listen to events. */
export const SUBSCRIBERS_MAX = 10_000;
/** Of their distinct patterns together: an index of them takes up to 32 bytes a character. */
export const SUBSCRIBED_PATTERNS_CHARACTERS_MAX = 1 * MIB;
export const SUBSCRIBER_BUFFER_EVENTS_MAX = 64;
/** Of one subscriber that is behind; one event of any size fits. */
export const SUBSCRIBER_BUFFER_BYTES_MAX = 32 * MIB;
/** Of all of them together; an event that several wait for counts once. */
export const SUBSCRIBERS_BEHIND_BYTES_MAX = 128 * MIB;
/** What sockets and streams were given and have not taken, all together: past it the one that is given more is cut. */
export const SOCKET_BUFFERS_BYTES_MAX = 256 * MIB;
export const SUBSCRIBER_MESSAGE_BYTES_MAX = 16 * KIB;
/** A client's message up to this size is received whole, so that it can be answered with close code 1009. */
export const SUBSCRIBER_MESSAGE_RECEIVED_BYTES_MAX = 1 * MIB;
export const SUBSCRIBER_IDLE_TIMEOUT_S = 120;
/** For a WebSocket client to answer a close frame; then its connection is cut. */
export const SOCKET_CLOSE_MS_MAX = 1_000;
export const SSE_COMMENT_INTERVAL_MS = 15_000;
export const LONG_POLL_WAIT_S_MAX = 60;
export const REPLAY_PAGE_EVENTS = 64;
/** Events that are read at once for those who follow: with the event that crosses it, at most twice a large one. */
export const EVENT_PAGE_CHARACTERS_MAX = 1 * MIB;
export const EVENT_PRUNE_INTERVAL_MS = 60_000;
export const EVENT_PRUNE_ROWS = 2_000;
export const EVENT_HISTORY_DEFAULT = 1_000;
/** Topics whose matching patterns the hub remembers. */
export const TOPIC_CACHE_TOPICS_MAX = 4_096;
/** Matches that those memories hold, all together: 2 MiB of references. */
export const TOPIC_CACHE_MATCHES_MAX = 262_144;

// Changes
/** Of the list of kinds that a reader of changes asks for. */
export const CHANGE_KINDS_BYTES_MAX = 1_024;
/** What a reader of changes is told in any one second, at most. */
export const CHANGE_MESSAGES_MAX = 10;
export const CHANGE_WINDOW_MS = 1_000;
/** Names of one kind that a commit, or a tick, tells of: no reader is told of more. */
export const CHANGE_NAMES_MAX = CHANGE_MESSAGES_MAX;
export const CHANGE_READERS_MAX = 1_000;

// State
export const STATE_HISTORY_DEFAULT = 1_000;
/** Each so-many-th version of a key is marked, so that any version is found within so many steps. */
export const VERSION_MARK_INTERVAL = 64;

// Calls to other servers (webhooks, live tests of contracts)
export const OUTBOUND_URL_BYTES_MAX = 2048;
/** The whole exchange, from the name's lookup to the last byte of the answer. */
export const OUTBOUND_DEADLINE_MS = 10_000;
/** Under way at once; each may hold an answer in memory. */
export const OUTBOUND_REQUESTS_MAX = 1024;
/**
 * Connections to other servers at once, of all callers together; a sixth of the file descriptors where that is less.
 */
export const OUTBOUND_CONNECTIONS_MAX = 2 * OUTBOUND_REQUESTS_MAX;
export const OUTBOUND_CONNECTIONS_PER_ORIGIN_MAX = 64;
export const OUTBOUND_ORIGINS_MAX = 4096;
export const OUTBOUND_IDLE_MS = 4_000;
export const OUTBOUND_HEADER_BYTES_MAX = 16 * KIB;
/** Names that are looked up at once: each keeps one of the process's four threads for I/O, and the log needs one. */
export const OUTBOUND_LOOKUPS_MAX = 2;

// LLM usage
/** Hours or days that a series lists: six weeks by the hour. */
export const USAGE_SERIES_INTERVALS_MAX = 1_000;
/** Sums of groups in a series, all intervals together: it is one text, about 130 bytes a sum. */
export const USAGE_SERIES_SUMS_MAX = 20_000;

// Instances
export const INSTANCES_MAX = 50_000;
/** What they take in memory: each so much, its texts, and these once more as the JSON that is kept of them. */
export const INSTANCES_BYTES_MAX = 128 * MIB;
export const INSTANCE_BYTES = 1 * KIB;
/** After so long without a sign of life an instance that was never activated is deleted. */
export const PENDING_SILENCE_MS_MAX = 24 * 60 * 60 * 1000;
/** How often such instances are looked for. */
export const PENDING_PRUNE_INTERVAL_MS = 10 * 60 * 1000;
/** A name, a workspace, a stack. */
export const INSTANCE_LABEL_BYTES_MAX = 256;
export const INSTANCE_INTENT_BYTES_MAX = 4 * KIB;
export const INSTANCE_CAPABILITIES_MAX = 64;
/** Whose silence was shorter has lost nothing by it: no claim ends so soon. */
export const INSTANCE_SILENCE_MS = 1_000;
/** How long one may say that it will be silent. */
export const INSTANCE_BUSY_S_MAX = 3_600;
export const CAPABILITY_BYTES_MAX = 128;
export const INSTANCE_TOKEN_BYTES = 16;
/** How long a sign of life may be in memory only. */
export const INSTANCE_FLUSH_INTERVAL_MS = 5_000;
/**
 * The same of a node, at most: whether a claim is over is decided by the one that leads. And the part of the time
 * after which one counts as silent, where that is less.
 */
export const INSTANCE_SHARED_FLUSH_INTERVAL_MS = 1_000;
export const INSTANCE_SHARED_FLUSH_PART = 1 / 4;
/**
 * So much longer than its life a claim lasts in a cluster of several nodes, and so much later one counts as silent:
 * until then a sign of life that was heard elsewhere is known. Of silence, at most this part of the time until then.
 */
export const CLAIM_SHARED_GRACE_MS = 2_000;
export const SILENCE_SHARED_GRACE_PART = 1 / 2;
/** Rows of one flush, and of one call that marks instances stale: other writes come in between. */
export const INSTANCE_FLUSH_ROWS = 1_000;
/** Instances of a list that are written in one turn of the front's loop. */
export const INSTANCE_LIST_PAGE = 250;

// Messages
/** In one answer, unless `limit` says; threads alike. */
export const MESSAGE_ROWS_DEFAULT = 100;
export const MESSAGE_ROWS_MAX = 10_000;
/** A page of more is the pool's: each may be 128 KiB. */
export const MESSAGES_ON_FRONT_MAX = 16;
export const MESSAGE_SUBJECT_BYTES_MAX = 512;
export const MESSAGE_BODY_BYTES_MAX = 64 * KIB;
/** Of JSON. */
export const MESSAGE_DATA_BYTES_MAX = 64 * KIB;
export const MESSAGE_THREAD_BYTES_MAX = 128;
export const MESSAGE_NOTE_BYTES_MAX = 4 * KIB;
export const MESSAGE_RECIPIENTS_MAX = 256;
/** The longest name or workspace with the word before it. */
export const MESSAGE_TO_BYTES_MAX = "workspace:".length + INSTANCE_LABEL_BYTES_MAX;
/** Unread messages of one in-box. */
export const IN_BOX_UNREAD_MAX = 1_000;
/** Messages that one call marks: a whole in-box. */
export const MESSAGES_MARKED_MAX = IN_BOX_UNREAD_MAX;
export const MESSAGE_DAYS = 30;
export const MESSAGE_EXPIRES_S_MAX = MESSAGE_DAYS * 24 * 60 * 60;
export const MESSAGE_PRUNE_INTERVAL_MS = 60_000;
/** Copies of messages that are deleted in one call: other writes come in between. */
export const MESSAGE_PRUNE_COPIES = 2_000;

// Waiting
/**
 * What the queries of calls that wait for conditions have together: an index of them takes up to 32 bytes a character.
 */
export const WAITING_CHARACTERS_MAX = 2 * MIB;
/** Of one call. */
export const WAIT_CONDITIONS_MAX = 64;
/**
 * Steps that it may take to hold one topic against all patterns of a call: a step a segment, or of a pattern with `**`
 * as many as a topic has segments at most.
 */
export const WAIT_PATTERN_STEPS_MAX = 32_768;
/** What a condition keeps in a cursor: most take a tenth of it. */
export const WAIT_MARK_CHARACTERS_MAX = 2 * KIB;
export const WAIT_CURSOR_BYTES_MAX = 8 * KIB;
/** Tasks that could be claimed of which a look finds the best: of more, those that have waited longest. */
export const WAIT_TASKS_COMPARED_MAX = 250;
/** Names of instances of which it is remembered who had them last. */
export const WAIT_NAMES_REMEMBERED_MAX = 10_000;
/** What was stamped longer ago has reached the front, unless the disk hangs. */
export const WAIT_SETTLED_MS = 5_000;
/** Events between two calls that are looked through for what a condition has missed; where there are more, it has. */
export const WAIT_MISSED_EVENTS_MAX = 1_000;
/** Of their text: who publishes in the server's name may publish much. */
export const WAIT_MISSED_CHARACTERS_MAX = 8 * MIB;

// Sessions of the dashboard
/** The least recently used goes for one more. */
export const SESSIONS_MAX = 1_000;
export const SESSION_COOKIE_BYTES = 32;
export const SESSION_IDLE_MS = 12 * 60 * 60 * 1000;
/** How long a use may be in memory only, and how often sessions that are over are looked for. */
export const SESSION_FLUSH_INTERVAL_MS = 120_000;
/** Cookies of the session's name that are tried: another server of the same host may have set one, too. */
export const SESSION_COOKIES_TRIED_MAX = 4;
export const LOG_IN_TOKEN_BYTES_MAX = 8 * KIB;
export const LOG_IN_BODY_BYTES_MAX = 64 * KIB;
/** So many wrong tokens from one address within the window, and it has to pause. */
export const LOG_IN_WRONG_MAX = 10;
/**
 * A bearer that was wrong before is mostly an agent's that has an old one: so many of its repeats count as one more.
 */
export const BEARER_REPEATS_A_GUESS = 20;
export const LOG_IN_WINDOW_MS = 60_000;
export const LOG_IN_PAUSE_MS = 60_000;
/** Addresses whose wrong tokens are remembered; the one that was heard of longest ago goes for one more. */
export const LOG_IN_ADDRESSES_MAX = 10_000;
/** Tokens of deleted instances that are known for what they were: who still has one is not guessing. */
export const ENDED_TOKENS_MAX = 10_000;
/** A shorter server's token is warned of, and not taken where other machines can reach the server. */
export const SERVER_TOKEN_CHARACTERS_MIN = 16;

// Agent metrics
/** At most 10 s. */
export const AGENT_METRICS_FLUSH_INTERVAL_MS = 5_000;
/** Counters of one flush. */
export const AGENT_METRICS_FLUSH_ROWS = 1_000;
/** Agents with counts that wait for a flush, each hour counted apart. */
export const AGENT_TALLIES_MAX = 100_000;
export const AGENT_METRICS_DAYS = 90;
export const AGENT_METRICS_PRUNE_ROWS = 2_000;

// Work of which nobody can say beforehand how long it takes
/** What looks at so many bytes at most is tried as short work first. */
export const SHORT_WORK_BYTES_MAX = 64 * KIB;
export const SHORT_WORK_DEADLINE_MS = 5_000;
/** A subject whose work was done in this time is no longer known as long; also what a short validation may take. */
export const SHORT_WORK_MS_MAX = 100;
export const LONG_WORK_TOGETHER_MAX = 1;
export const LONG_WORK_WAITING_MAX = 16;
/** Of one caller. */
export const LONG_WORK_WAITING_OF_CALLER_MAX = 12;
/** How long such work waits for its turn. */
export const LONG_WAIT_MS_MAX = 5_000;
/** Subjects that are known to take long. */
export const LONG_SUBJECTS_KEPT_MAX = 1_000;

// Rules and validation
export const RULE_PATTERN_BYTES_MAX = 4 * KIB;
/** Counted repetitions of a pattern, added up before it is compiled: compiling writes each of them out. */
export const RULE_REPETITIONS_MAX = 2_000;
/** Of one compiled pattern: what a character of a text may cost at worst. */
export const RULE_PROGRAM_INSTRUCTIONS_MAX = 5_000;
/** Of all compiled patterns of a project: what a pool worker must compile and hold for it. */
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
/** Numbers of rule sets that the front knows; then it begins anew. */
export const RULE_SET_VERSIONS_KEPT_MAX = 1_000;
/** What a kept pattern's automaton may have grown to, by the engine's own account; then it begins anew. */
export const AUTOMATON_BYTES_KEPT_MAX = 64 * KIB;
/**
 * What takes more than this of a short validation begins anew as a long one: instructions times characters looked at,
 * about 20 ns each.
 */
export const VALIDATION_SHORT_STEPS_MAX = 4_000_000;
/** A longer answer is made again as a stream: it would hold up the front as one text. */
export const VALIDATION_SHORT_ANSWER_CHARACTERS_MAX = 256 * KIB;
export const VIOLATIONS_LISTED_MAX = 100_000;
/** As UTF-8, the JSON of the violations in one answer. */
export const VIOLATIONS_LISTED_BYTES_MAX = 16 * MIB;

// Contracts
/** Levels of objects and arrays that a contract, a payload or a service's answer may have. */
export const CONTRACT_DEPTH_MAX = 256;
export const CONTRACT_VIOLATIONS_MAX = 1_000;
/** Paths and messages together. */
export const CONTRACT_VIOLATIONS_CHARACTERS_MAX = 1 * MIB;
/** Of a violation's path. */
export const CONTRACT_PATH_CHARACTERS_MAX = 1024;
/** Of a violation's message: what one that lists as many names as it may has, each as long as it may be. */
export const CONTRACT_MESSAGE_CHARACTERS_MAX = 32 * KIB;
/** Names, or values of an enum, that a message lists. */
export const CONTRACT_NAMES_LISTED_MAX = 100;
/** Of a payload's value in a message. */
export const CONTRACT_VALUE_CHARACTERS_MAX = 200;
/** Of one JSON Schema as text: it is compiled to code. */
export const CONTRACT_SCHEMA_CHARACTERS_MAX = 128 * KIB;
/** Longer strings are of no `format` that is matched by backtracking. */
export const CONTRACT_FORMAT_CHARACTERS_MAX = 2 * KIB;
/** Larger payloads are checked against a JSON Schema up to the first violation: Ajv keeps every one in memory. */
export const CONTRACT_ALL_ERRORS_CHARACTERS_MAX = 256 * KIB;
/** Contracts that a pool worker keeps, read and compiled, and the text that they were read from. */
export const CONTRACTS_KEPT_MAX = 256;
export const CONTRACTS_KEPT_BYTES_MAX = 16 * MIB;
/** Instructions of all patterns of one JSON Schema: what is compiled before a payload is checked against it. */
export const CONTRACT_PATTERN_INSTRUCTIONS_MAX = 50_000;
/**
 * What checking a payload may take, in steps of some tens of nanoseconds: this for any, so much for each of its
 * characters, and at most so many. A check that would take more is refused.
 */
export const CONTRACT_STEPS_LEAST = 200_000;
export const CONTRACT_STEPS_A_CHARACTER = 64;
export const CONTRACT_STEPS_MAX = 64_000_000;
/** What takes longer all the same is given up, and its thread replaced. */
export const CONTRACT_DEADLINE_MS = 5_000;
/** Live tests under way: each may hold an answer in memory. */
export const CONTRACT_TESTS_MAX = 16;
export const CONTRACT_ANSWER_BYTES_MAX = 10 * MIB;

// PostgreSQL as a log
export const POSTGRES_CONNECT_MS_MAX = 5_000;
/** How long a statement of no size may take; what it carries is given time besides, at the rate that follows. */
export const POSTGRES_ANSWER_MS_MAX = 5_000;
export const POSTGRES_BYTES_PER_MS_MIN = 4 * KIB;
/** How often the log is looked at where nothing is told of it: a server that is gone does not say so. */
export const POSTGRES_PROBE_INTERVAL_MS = 1_000;
export const POSTGRES_PROBE_MS_MAX = 4_000;
/** After this the server breaks off what a client that is gone has left behind. */
export const POSTGRES_STATEMENT_MS_MAX = 30_000;
/** Making a log anew deletes the old one in one transaction. */
export const POSTGRES_CREATE_MS_MAX = 600_000;
/** How long a server may take to say goodbye. */
export const POSTGRES_CLOSE_MS_MAX = 1_000;
/** A silent connection is asked for a sign of life after this by the operating system. */
export const POSTGRES_KEEPALIVE_MS = 10_000;
/** Entries of one page, and their bytes together; a larger entry comes in parts of so many bytes. */
export const POSTGRES_PAGE_ROWS = 256;
export const POSTGRES_PAGE_BYTES = 1 * MIB;
/** What one statement deletes of a log's entries. */
export const POSTGRES_TRIM_ROWS = 256;
export const POSTGRES_TRIM_BYTES = 16 * MIB;
export const POSTGRES_SNAPSHOT_PIECE_BYTES = 512 * KIB;
/** Pieces of a snapshot that one statement deletes. */
export const POSTGRES_SNAPSHOT_SWEEP_PIECES = 32;
/** Of a file of credentials. */
export const POSTGRES_CREDENTIALS_BYTES_MAX = 64 * KIB;

// Webhooks
export const WEBHOOKS_MAX = 1_000;
export const WEBHOOK_ID_BYTES_MAX = 256;
export const WEBHOOK_SECRET_BYTES_MAX = 1024;
export const WEBHOOK_PATTERNS_MAX = 100;
/** Of all webhooks together, as for subscribers. */
export const WEBHOOK_PATTERNS_CHARACTERS_MAX = 1 * MIB;
export const WEBHOOK_QUEUE_ROWS_MAX = 10_000;
/** One event of any size fits an empty queue. */
export const WEBHOOK_QUEUE_BYTES_MAX = 64 * MIB;
/** One try, from the look-up of the name to the last byte of the answer. */
export const WEBHOOK_TIMEOUT_MS = 10_000;
/** Of a receiver's answer only the status counts; the rest is read so that the connection can be kept. */
export const WEBHOOK_ANSWER_BYTES_MAX = 256 * KIB;
/**
 * Failures in a row after which a webhook is turned off. At the longest delay between tries they take at least three
 * days.
 */
export const WEBHOOK_FAILURES_MAX = 400;
/**
 * What the receiver may cost one event before the event is set aside. An answer such as 503, or none in time, costs
 * one: that lasts at least a day. An answer that refuses the event (a 3xx or 4xx) costs nine: that lasts about an hour.
 * A receiver that cannot be reached costs nothing.
 */
export const WEBHOOK_EVENT_BUDGET = 144;
export const WEBHOOK_REFUSAL_COST = 9;
/** Events that are set aside for one webhook; their bodies are bounded as those of its queue. */
export const WEBHOOK_DEAD_LETTERS_MAX = 100;
/** Deliveries in the log of one webhook. */
export const WEBHOOK_LOG_ROWS = 100;
/** Of what a failed delivery is told in a webhook's `last_error`. */
export const WEBHOOK_ERROR_CHARS_MAX = 300;
/** Deliveries of which each led to the next event: a webhook that would make such a chain longer is turned off. */
export const WEBHOOK_HOPS_MAX = 16;
/** The first retry comes after a time between these two; the delay doubles from there. */
export const WEBHOOK_RETRY_MS_MIN = 300;
export const WEBHOOK_RETRY_MS_MAX = 400;
export const WEBHOOK_RETRY_DELAY_MS_MAX = 15 * 60_000;
/** A receiver's `Retry-After` is kept up to this. */
export const WEBHOOK_RETRY_AFTER_MS_MAX = 60 * 60_000;
/** Of a redirect's `Location`, as `last_error` says it. */
export const WEBHOOK_LOCATION_CHARS_MAX = 200;
/**
 * Requests that are under way at once: one for each webhook, so that no receiver waits for another where there are
 * descriptors for as many connections.
 */
export const WEBHOOK_REQUESTS_MAX = WEBHOOKS_MAX;
/** Deliveries that are begun in one tick of the front. */
export const WEBHOOK_STARTS_PER_TICK = 8;
/** Deliveries that are not yet told to the writer, at most; after a crash they are made again. */
export const WEBHOOK_PROGRESS_ROWS = 256;
/** A body up to this size is always sent; larger ones share what follows. */
export const WEBHOOK_SMALL_BODY_BYTES = 64 * KIB;
export const WEBHOOK_BODIES_BYTES_MAX = 64 * MIB;
/** Test deliveries under way at once. */
export const WEBHOOK_TESTS_MAX = 16;

// Templates
export const TEMPLATE_ID_BYTES_MAX = 256;
export const TEMPLATE_NAME_BYTES_MAX = 1024;
export const TEMPLATE_DESCRIPTION_BYTES_MAX = 64 * KIB;
export const TEMPLATE_TAGS_MAX = 100;
export const TEMPLATE_TAG_BYTES_MAX = 256;
export const TEMPLATE_CONTRACTS_MAX = 1_000;
// Compliance
/** Pairs of an instance and a contract that one job is given. */
export const COMPLIANCE_PAIRS_MAX = 100;
/** After so long a job gives back what it has; one pair may take longer. */
export const COMPLIANCE_STEP_MS = 20;
export const COMPLIANCE_STEP_CHARACTERS_MAX = 256 * KIB;
/** Of one run: listed, stored and published. */
export const COMPLIANCE_VIOLATIONS_MAX = 100;
export const COMPLIANCE_VIOLATIONS_CHARACTERS_MAX = 16 * KIB;
export const COMPLIANCE_RUNS_KEPT_MAX = 100_000;
export const COMPLIANCE_ROWS_DEFAULT = 50;
/** Runs that an answer lists; the history has all. */
export const COMPLIANCE_ANSWER_CHARACTERS_MAX = 16 * MIB;
/** How long an answer waits for its check, which goes on. */
export const COMPLIANCE_WAIT_MS = 25_000;

// Audit and logs
/** For so long a refused call that is repeated is counted in the row of the first. */
export const AUDIT_REPEAT_MS = 60_000;
/** Rows that refused calls leave within that time: of one caller and route, of one caller, and of all. */
export const AUDIT_REFUSAL_ROWS_OF_CALL_MAX = 64;
export const AUDIT_REFUSAL_ROWS_OF_CALLER_MAX = 150;
export const AUDIT_REFUSAL_ROWS_MAX = 400;
/** Of all calls that are refused for want of a token; beside those. */
export const AUDIT_UNAUTHENTICATED_ROWS_PER_MINUTE_MAX = 100;
/** How long a count may be in memory alone, and how long a reader of the log waits for it to be stored. */
export const AUDIT_COUNT_DELAY_MS = 10_000;
export const AUDIT_COUNT_WAIT_MS = 1_000;
/** Of what a refused call was about. */
export const AUDIT_RESOURCE_CHARACTERS_MAX = 4 * KIB;
export const AUDIT_DETAIL_BYTES_MAX = 4 * KIB;
export const LOG_BUFFER_BYTES_MAX = 16 * MIB;
/** Lines that wait to be written together. */
export const LOG_BLOCK_BYTES = 64 * KIB;
/** How long a line may wait for others to be written with it. */
export const LOG_DELAY_MS = 100;
export const LOG_FLUSH_MS_MAX = 500;

// Metrics
export const TOKENS_PER_MCP_CALL = 300;

// MCP
/** No message needs more: the longest argument of a tool is the context of a rule. */
export const MCP_BODY_BYTES_MAX = 1 * MIB;
/**
 * Values of a body: a batch of tools' calls has some twenty a message. The protocol's library copies each object
 * several times on the front, names and all.
 */
export const MCP_VALUES_MAX = 4_000;
/** Messages of one JSON-RPC batch. */
export const MCP_BATCH_MESSAGES_MAX = 100;
/** Of a message's id, and of what it names, in UTF-16 units. */
export const MCP_NAME_CHARACTERS_MAX = 1024;
/** What the answers of one batch may come to: a call that no longer fits gets an error, the others their answers. */
export const MCP_BATCH_BYTES_MAX = 4 * MIB;
/** Of all batches that are being answered, together. */
export const MCP_BATCHES_BYTES_MAX = 32 * MIB;
/** Streams that wait for changes of the tools; there are none to tell of, so clients have no need of them. */
export const MCP_LISTENERS_MAX = 64;
/** A longer result would fill any model's context: the tool refuses it and asks for a filter. */
export const MCP_RESULT_CHARACTERS_MAX = 4 * MIB;
/** What `tools/list` and the instructions may cost a model's context, all tools together. */
export const MCP_TOOLS_TOKENS_MAX = 750;
/** What the instructions may cost of that. */
export const MCP_INSTRUCTIONS_TOKENS_MAX = 60;
/** Instances that `discover_instances` lists; of further ones it says how many there are. */
export const MCP_INSTANCES_MAX = 50;
/** What the answer of `get_endpoints` may cost it. */
export const MCP_ENDPOINTS_TOKENS_MAX = 1_200;
/** How long a client may keep the list of tools: it changes with the server's version only. */
export const MCP_TOOLS_KEPT_MS = 60 * 60 * 1000;
/** Requests that the bridge from stdio has under way at once. */
export const CLI_BRIDGE_REQUESTS_MAX = 32;
/** One line of the bridge's stdin. */
export const CLI_BRIDGE_LINE_BYTES_MAX = BODY_BYTES_MAX;

// Command line
export const CLI_CONNECT_TIMEOUT_MS = 5_000;
/** Until an upgrade to WebSocket is answered: by a node that lags, when it has come as far as it is asked to. */
export const CLI_UPGRADE_TIMEOUT_MS = 7_000;
/** How long one address of a host name may take before the next is tried beside it. */
export const CLI_ADDRESS_TIMEOUT_MS = 1_000;
/** Silence on a connection that waits for an answer, or takes a body. */
export const CLI_ANSWER_TIMEOUT_MS = 70_000;
/** A restore is answered when all of it is stored. */
export const CLI_RESTORE_TIMEOUT_MS = 1_800_000;
/** The closing line of a snapshot is far shorter. */
export const CLI_CLOSING_LINE_BYTES_MAX = 64 * KIB;
export const CLI_ANSWER_BYTES_MAX = 512 * MIB;
/** Indented output may be much longer than what it was made of; past this it is printed as one line. */
export const CLI_PRETTY_CHARACTERS_MAX = 256 * MIB;
export const SETTINGS_BYTES_MAX = 1 * MIB;
/** How long the command line waits for a program that writes to a pipe which a flag names as a file. */
export const CLI_FILE_OPEN_MS = 500;
export const CLI_POLL_INTERVAL_MS = 2_000;
export const CLI_POLL_EVENTS = 50;
/** The newest events of tasks in which the end of a claim is looked for. */
export const CLI_TASK_EVENTS = 1_000;
export const CLI_RECONNECT_DELAY_MS = 250;
export const CLI_RECONNECT_DELAY_MS_MAX = 10_000;
/** The longest pause before a server that is away is asked again by a command that waits. */
export const CLI_RETRY_MS_MAX = 2_000;
/** The life of a lease that a command runs under: short, since its runner gives signs of life. */
export const CLI_LEASE_RUN_TTL_S = 60;
/** What a command has between SIGTERM and SIGKILL when its lease is lost. */
export const CLI_LEASE_GRACE_MS = 5_000;
/** How long the rest of what a command wrote is waited for once it has ended: what it started may keep it open. */
export const CLI_OUTPUT_LAG_MS = 1_000;
/** Upgrades that die without an answer, one after the other, before plain HTTP is tried. */
export const CLI_UPGRADE_ATTEMPTS_MAX = 3;
/** How long a subscriber polls before it tries the WebSocket again. */
export const CLI_UPGRADE_RETRY_MS = 60_000;
/** An own ping this often keeps proxies from cutting a quiet subscription, and finds a peer that is gone. */
export const CLI_PING_INTERVAL_MS = 30_000;
/** Servers of one cluster that may be named. */
export const CLI_SERVERS_MAX = 16;
/** As CLI_CONNECT_TIMEOUT_MS, where there is another server to turn to. */
export const CLI_TURN_CONNECT_TIMEOUT_MS = 2_000;
/** What a server has to say how far its cluster's log is, before a position that it does not know is judged. */
export const CLI_LOG_ANSWER_TIMEOUT_MS = 5_000;
/** How often a call that waits looks whether its server is cut off, where there is another one to turn to. */
export const CLI_HEALTH_INTERVAL_MS = 5_000;
/** For how long the next command begins with the server that has answered, after those before it did not. */
export const CLI_SERVER_KEPT_MS = 60_000;
/** Clusters whose position is remembered; those that were asked longest ago are forgotten first. */
export const CLI_POSITION_FILES_MAX = 64;

function relation(holds: boolean, what: string): void {
  if (!holds) throw new Error(`limits.ts: ${what}`);
}

relation(BODIES_IN_MEMORY_BYTES_MAX >= 4 * BODY_BYTES_MAX, "several full bodies must fit in memory");
relation(
  LARGE_WRITES_WAITING_OF_CALLER_MAX < LARGE_WRITES_WAITING_MAX,
  "one caller's writes leave others room to wait",
);
relation(MAILBOX_BYTES_MAX >= BODIES_IN_MEMORY_BYTES_MAX, "what was received must fit the writer's mailbox");
relation(BATCH_BYTES_MAX >= BODY_BYTES_MAX, "one full body must fit a batch");
relation(
  POSTGRES_PROBE_INTERVAL_MS + POSTGRES_PROBE_MS_MAX <= 5_000,
  "a PostgreSQL server that is gone is missed within 5 s",
);
relation(
  ENTRY_BYTES_MAX / POSTGRES_BYTES_PER_MS_MIN < POSTGRES_STATEMENT_MS_MAX,
  "the largest entry is stored before the server breaks it off",
);
relation(RESTORE_LINE_BYTES_MAX >= 6 * BODY_BYTES_MAX + 8 * KIB, "the largest record of a snapshot can be restored");
relation(2 * FORWARD_BYTES_MAX <= BUNDLE_BYTES_MAX, "two forwarded entries fit a bundle");
relation(ENTRY_BYTES_MAX >= 4 * BATCH_BYTES_MAX, "a batch fits an entry, whatever its encoding adds");
relation(
  LOG_HEARTBEAT_MS * (LOG_HEARTBEATS_MISSED_MAX + 1) <= LOG_ANSWER_MS_MAX,
  "a server that hangs is noticed no later than an append that it does not answer",
);
relation(BATCH_CALLS_MAX <= MAILBOX_CALLS_MAX, "a batch is taken from the mailbox");
relation(HISTORY_ROWS_DEFAULT <= PAGE_ROWS_MAX, "a default page is at most the largest page");
relation(PUBLISH_EVENTS_MAX <= PAGE_ROWS_MAX, "what was published at once can be read at once");
relation(
  SUBSCRIBER_MESSAGE_BYTES_MAX < SUBSCRIBER_MESSAGE_RECEIVED_BYTES_MAX,
  "a message over the bound must be seen to be refused",
);
relation(CHANGE_NAMES_MAX >= CHANGE_MESSAGES_MAX, "a reader of one kind is told as much as it may be");
relation(HOT_CACHE_VALUE_BYTES_MAX * 16 <= HOT_CACHE_BYTES_MAX, "the hot cache holds many values");
relation(REFUSED_LINGER_MS < SHUTDOWN_DRAIN_MS, "a refusal that is being read survives the shutdown");
relation(POOL_DEADLINE_MS <= RESPONSE_TIMEOUT_MS, "a job's deadline is what keeps the time for an answer");
relation(WRITER_DEADLINE_MS + OUTCOME_GRACE_MS <= RESPONSE_TIMEOUT_MS, "and so is the writer's");
relation(REQUEST_TIMEOUT_MS <= RESPONSE_TIMEOUT_MS, "a request ends before its response does");
relation(
  OUTBOUND_DEADLINE_MS < RESPONSE_TIMEOUT_MS,
  "a call to another server ends before the answer that waits for it is due",
);
relation(WEBHOOK_REQUESTS_MAX >= WEBHOOKS_MAX, "a receiver that hangs takes nobody's place");
relation(WEBHOOK_RETRY_MS_MAX + DEADLINE_SWEEP_MS <= 500, "a retry that waits for its tick is still in time");
relation(WEBHOOK_RETRY_AFTER_MS_MAX >= WEBHOOK_RETRY_DELAY_MS_MAX, "a delay that was stored is kept after a restart");
relation(
  WEBHOOK_EVENT_BUDGET * WEBHOOK_RETRY_DELAY_MS_MAX * (WEBHOOK_RETRY_MS_MIN / WEBHOOK_RETRY_MS_MAX) >= 26 * 3_600_000,
  "an event is tried for a day",
);
relation(WEBHOOK_FAILURES_MAX > 2 * WEBHOOK_EVENT_BUDGET, "an event is set aside before its webhook is turned off");
relation(WEBHOOK_TIMEOUT_MS < RESPONSE_TIMEOUT_MS, "a test delivery ends before its answer is due");
relation(
  WEBHOOK_QUEUE_BYTES_MAX > 2 * BODY_BYTES_MAX && WEBHOOK_BODIES_BYTES_MAX > 2 * BODY_BYTES_MAX,
  "the largest event can be queued and sent",
);
relation(USAGE_SERIES_INTERVALS_MAX >= 31 * 24, "a month can be seen by the hour");
relation(USAGE_SERIES_SUMS_MAX >= USAGE_SERIES_INTERVALS_MAX, "an interval that is listed has at least one group");
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
relation(POOL_UNBOUNDED_TOGETHER_MAX < POOL_THREADS_MAX, "work without a bound leaves the pool a thread");
relation(LONG_WORK_TOGETHER_MAX < POOL_UNBOUNDED_TOGETHER_MAX, "long work leaves a thread to what may be short");
relation(LONG_WORK_WAITING_OF_CALLER_MAX < LONG_WORK_WAITING_MAX, "one caller's long work leaves others room to wait");
relation(
  LONG_WAIT_MS_MAX + POOL_WAIT_MS_MAX + POOL_DEADLINE_MS <= RESPONSE_TIMEOUT_MS,
  "work that waited for its turn and for a thread is answered in time",
);
relation(SHORT_WORK_DEADLINE_MS <= POOL_DEADLINE_MS, "short work is given no longer than a job");
relation(RULE_PROGRAM_INSTRUCTIONS_MAX <= PROJECT_PROGRAM_INSTRUCTIONS_MAX, "the largest rule fits a project");
relation(
  2 * PROJECT_PROGRAM_INSTRUCTIONS_MAX <= COMPILED_INSTRUCTIONS_KEPT_MAX,
  "a worker keeps a project's rules and the global ones",
);
relation(MCP_RESULT_CHARACTERS_MAX <= BODY_BYTES_MAX, "a result is no longer than what could be stored");
relation(MESSAGES_ON_FRONT_MAX <= FRONT_READ_ROWS_MAX, "a page that the front may read is one that it reads");
relation(MESSAGE_RECIPIENTS_MAX < MESSAGE_PRUNE_COPIES, "the largest message can be deleted in one call");
relation(
  (WAIT_CONDITIONS_MAX + 1) * 64 + WAIT_MARK_CHARACTERS_MAX < WAIT_CURSOR_BYTES_MAX,
  "a cursor of as many conditions as may be can be sent back",
);
relation(2 * SESSION_FLUSH_INTERVAL_MS < SESSION_IDLE_MS, "a session in use is not lost by a crash");
relation(CLI_PING_INTERVAL_MS * 2 < SUBSCRIBER_IDLE_TIMEOUT_S * 1000, "a subscriber pings before it counts as gone");
relation(CLI_UPGRADE_TIMEOUT_MS >= POSITION_WAIT_MS + 2_000, "whoever asks a node that lags for an upgrade is told so");
relation(CLI_TURN_CONNECT_TIMEOUT_MS <= CLI_CONNECT_TIMEOUT_MS, "where there are others, one is given up sooner");
relation(CLI_TASK_EVENTS <= PAGE_ROWS_MAX, "they are asked for with one call");
relation(
  CLI_POLL_EVENTS * BODY_BYTES_MAX < CLI_ANSWER_BYTES_MAX,
  "a page of the largest events is an answer that can be taken",
);
