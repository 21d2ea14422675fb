/** Limits of a node in a cluster: entries, bundles, clocks, leadership, snapshots and lag. */
import { KIB, MIB } from "./units.js";

/**
 * The maximum size of a log entry, which contains one batch. An entry may be larger than the calls of its batch
 * together, because JSON writes some bytes as six characters.
 */
export const ENTRY_BYTES_MAX = 64 * MIB;
/**
 * The maximum time that a batch lingers. A node lingers as long as the previous entry took, but at most this long. The
 * linger is useful because clients that were just answered usually call again. Their new calls then get into the same
 * entry as the calls that wait.
 */
export const ENTRY_LINGER_MS_MAX = 10;
/**
 * The maximum size of an entry that a node forwards. A node appends a larger entry itself, because a shared message
 * would save little compared with the entry's size.
 */
export const FORWARD_BYTES_MAX = 128 * KIB;
/** The maximum size of a message that contains entries of several nodes. It is below NATS's default limit of 1 MiB. */
export const BUNDLE_BYTES_MAX = 512 * KIB;
/** The maximum time that a bundle lingers. It waits for the nodes that had entries in the previous bundle. */
export const BUNDLE_LINGER_MS_MAX = 20;
/** The time after which a node appends a forwarded entry itself, because the entry is not in the log yet. */
export const FORWARD_RETURN_MS_MAX = 1_000;
/** The minimum time for which a node forwards no entries after a forwarded entry was late. */
export const FORWARD_PAUSE_MS = 2_000;
/**
 * The maximum number of delivered entries that a node applies in one batch. APPLY_BATCH_BYTES_MAX is the approximate
 * limit of their bytes.
 */
export const APPLY_BATCH_ENTRIES_MAX = 64;
export const APPLY_BATCH_BYTES_MAX = 4 * MIB;
/**
 * The maximum size of unapplied entries in memory. A node that has more stops reading the log, and continues when it
 * has applied half of them.
 */
export const ENTRIES_PENDING_BYTES_MAX = 16 * MIB;
/**
 * The number of crashes after which a node halts before an entry. It counts the crashes in which the entry was applied
 * by itself.
 *
 * Two other crashes come first: the very first one, and one while the entry was applied together with others. So there
 * are five crashes in all. systemd starts a program five times in ten seconds.
 */
export const POISON_ENTRY_TRIES_MAX = 3;
/** The number of its own state hashes that a node keeps, in order to compare them with those of other nodes. */
export const STATE_HASHES_KEPT_MAX = 4_096;
/** A node that has been silent for this long may be replaced by another node with the same name. */
export const NODE_SILENCE_MS = 10_000;
/** A node that has been silent for this long is removed when another node joins. */
export const NODE_FORGOTTEN_MS = 86_400_000;
/** The interval of a node's heartbeats while it has nothing else to send. */
export const NODE_HEARTBEAT_MS = 2_000;
/** The maximum difference between the clocks of two nodes that count as equal. */
export const CLOCK_TOLERANCE_MS = 1_000;
/** A node whose clock is ahead of the others' clocks by more than this cannot become leader, and logs a warning. */
export const CLOCK_ASTRAY_MS = 10_000;
/**
 * The rate of the log's clock, relative to real time, while it is ahead of the clocks of most nodes. At this rate the
 * other clocks catch up, and the log's clock never goes back.
 */
export const LOG_CLOCK_SLOW_RATE = 0.9;
/** If the leader has been silent for this long, another node tries to become leader. */
export const LEADER_SILENCE_MS = 6_000;
/**
 * The time without running after which a node counts as paused. A paused node received no messages, so it ignores the
 * silence of the other nodes in that time.
 */
export const NODE_HELD_MS = 1_000;
/** If the log does not deliver an appended entry to its node within this time, the node opens the connection again. */
export const ENTRY_RETURN_MS_MAX = 5_000;
/** A node that has not reached the log for this long reports that it is partitioned. */
export const CUT_OFF_MS = 10_000;
/**
 * The time after which a node concludes that the log has lost entries, because the log ends before the position that
 * the node has applied. A single report is not enough, because the reports of the end may come from different servers.
 */
export const LOG_WENT_BACK_MS = 15_000;
export const LOG_REOPEN_DELAY_MS = 100;
export const LOG_REOPEN_DELAY_MS_MAX = 1_000;
/**
 * The number of entries since the previous snapshot after which a node makes the next one. SNAPSHOT_LOG_BYTES is the
 * same limit in bytes. Snapshots are at least SNAPSHOT_INTERVAL_MS apart.
 */
export const SNAPSHOT_ENTRIES = 100_000;
export const SNAPSHOT_LOG_BYTES = 64 * MIB;
export const SNAPSHOT_INTERVAL_MS = 600_000;
export const SNAPSHOT_RETRY_MS = 30_000;
export const SNAPSHOTS_KEPT = 2;
/**
 * The time that the other nodes wait for a snapshot by the previous leader before they make one themselves. Nodes with
 * a newer program may need such a snapshot.
 */
export const SNAPSHOT_DEPUTY_MS = 3_000;
/** The maximum time that a request waits until this node has reached the log position in the request. */
export const POSITION_WAIT_MS = 5_000;
/** The maximum time for which a starting server waits until its node accepts writes. After that, it listens anyway. */
export const NODE_START_MS = 3_000;
/** The interval at which a node checks for work that is due. */
export const NODE_TICK_MS = 100;
/** The pause before a node tries again to apply entries that it could not write to its disk. */
export const ENTRY_RETRY_MS = 1_000;
/** A node that lags behind the log by more entries than this does not report that it is healthy. */
export const NODE_LAG_ENTRIES_MAX = 1_000;
