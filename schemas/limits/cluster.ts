/** Limits of a node in a cluster: entries, bundles, clocks, leadership, snapshots and lag. */
import { KIB, MIB } from "./units.js";

/**
 * The maximum size of a log entry, which contains one batch. An entry may be larger than the calls of its batch
 * together, because JSON writes some bytes as six characters.
 */
export const ENTRY_BYTES_MAX = 64 * MIB;
/**
 * The maximum time that a batch lingers. A node lingers as long as the previous entry took, but at most this long.
 * Clients that were just answered usually call again, and the linger lets their new calls into the same entry.
 */
export const ENTRY_LINGER_MS_MAX = 10;
/**
 * The maximum size of an entry that a node forwards. A node appends a larger entry itself, because a shared message
 * would save little compared with the entry's size.
 */
export const FORWARD_BYTES_MAX = 128 * KIB;
/** The maximum size of a message that contains entries of several nodes. It is below NATS's default limit of 1 MiB. */
export const BUNDLE_BYTES_MAX = 512 * KIB;
/**
 * The maximum time that a bundle lingers. A bundle is a message with entries of several nodes. It waits for the nodes
 * that had entries in the previous bundle.
 */
export const BUNDLE_LINGER_MS_MAX = 20;
/** If a forwarded entry is not in the log after this time, its node appends the entry itself. */
export const FORWARD_RETURN_MS_MAX = 1_000;
/** After a forwarded entry was late, the node forwards no entries for at least this time. */
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
 * A node halts before an entry after this many crashes while it applied the entry by itself.
 *
 * Two other crashes come first: the very first one, and one while the node applied the entry together with others. So
 * there are five crashes in all. systemd starts a program five times in ten seconds.
 */
export const POISON_ENTRY_TRIES_MAX = 3;
/** A node keeps this many of its own state hashes, in order to compare them with other nodes' hashes. */
export const STATE_HASHES_KEPT_MAX = 4_096;
/** A node that has been silent for this long may be replaced by another node with the same name. */
export const NODE_SILENCE_MS = 10_000;
/** A node that has been silent for this long is removed when another node joins. */
export const NODE_FORGOTTEN_MS = 86_400_000;
/** The interval of a node's heartbeats while it has nothing else to send. */
export const NODE_HEARTBEAT_MS = 2_000;
/** The clocks of two nodes count as equal if they differ by at most this. */
export const CLOCK_TOLERANCE_MS = 1_000;
/**
 * A node cannot become leader if its clock is ahead of the other nodes' clocks by more than this. It logs a warning.
 */
export const CLOCK_ASTRAY_MS = 10_000;
/**
 * The log's clock runs at this rate, relative to real time, while it is ahead of the clocks of most nodes. So the other
 * clocks catch up, and the log's clock never goes back.
 */
export const LOG_CLOCK_SLOW_RATE = 0.9;
/** If the leader has been silent for this long, another node tries to become leader. */
export const LEADER_SILENCE_MS = 6_000;
/**
 * A node that did not run for this long counts as paused. It received no messages meanwhile, so it ignores the silence
 * of the other nodes in that time.
 */
export const NODE_HELD_MS = 1_000;
/** If the log does not deliver an appended entry within this time, the node opens its connection to the log again. */
export const ENTRY_RETURN_MS_MAX = 5_000;
/** A node that has not reached the log for this long reports that it is partitioned. */
export const CUT_OFF_MS = 10_000;
/**
 * The time after which a node concludes that the log has lost entries, because the log ends before the position that
 * the node has applied. A single report is not enough, because different servers of the log may report different ends.
 */
export const LOG_WENT_BACK_MS = 15_000;
export const LOG_REOPEN_DELAY_MS = 100;
export const LOG_REOPEN_DELAY_MS_MAX = 1_000;
/**
 * A node makes a snapshot after this many entries since the previous one. SNAPSHOT_LOG_BYTES is the same limit in
 * bytes. Snapshots are at least SNAPSHOT_INTERVAL_MS apart.
 */
export const SNAPSHOT_ENTRIES = 100_000;
export const SNAPSHOT_LOG_BYTES = 64 * MIB;
export const SNAPSHOT_INTERVAL_MS = 600_000;
export const SNAPSHOT_RETRY_MS = 30_000;
export const SNAPSHOTS_KEPT = 2;
/**
 * The other nodes wait this long for a snapshot by the previous leader. After that, they make one themselves. Nodes
 * with a newer program may need this snapshot.
 */
export const SNAPSHOT_DEPUTY_MS = 3_000;
/** The maximum time that a request waits until this node has reached the log position in the request. */
export const POSITION_WAIT_MS = 5_000;
/** A starting server waits at most this long until its node accepts writes. After that, it listens anyway. */
export const NODE_START_MS = 3_000;
/** The interval at which a node checks for work that is due. */
export const NODE_TICK_MS = 100;
/** The pause before a node tries again to apply entries that it could not write to its disk. */
export const ENTRY_RETRY_MS = 1_000;
/** A node that lags behind the log by more entries than this does not report that it is healthy. */
export const NODE_LAG_ENTRIES_MAX = 1_000;
