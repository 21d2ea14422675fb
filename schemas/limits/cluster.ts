/** Limits of a node in a cluster: entries, bundles, clocks, leadership, snapshots and lag. */
import { KIB, MIB } from "./units.js";

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
