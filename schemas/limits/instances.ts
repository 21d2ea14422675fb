/** Limits of instances, which are the registered agents: their texts, activity and silence. */
import { KIB, MIB } from "./units.js";

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
/** The most rows of one flush, and of one call that marks instances stale. Other writes run in between. */
export const INSTANCE_FLUSH_ROWS = 1_000;
/** The number of instances of a list that the front encodes in one step. A shorter list is answered at once. */
export const INSTANCE_LIST_PAGE = 250;
/** The number of instances of a longer list that the front examines, or puts in order, in one step. */
export const INSTANCE_LIST_STEP = 1_000;
/** If more instances have one name, the front keeps lists of them by workspace, instead of examining all of them. */
export const INSTANCES_SCANNED_MAX = 16;
/** The most instances that one transaction deletes together with the instance that has registered them. */
export const INSTANCE_DELETE_ROWS = 250;
/** The most levels that one such transaction descends, from registering to registered instances. */
export const INSTANCE_DELETE_LEVELS = 2_500;
